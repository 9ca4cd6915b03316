"""The weight table, files that people have, and real downloads from a stand-in hub."""

from __future__ import annotations

import hashlib
import logging
import sys
import zipfile
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from dwpose_annotator import Annotator, WeightsError, weights
from dwpose_annotator.models import POSE_CONFIGS, build_pose_model
from dwpose_annotator.weight_files import check_weight_file
from dwpose_annotator.weights import WEIGHTS, get_weights, resolve_weights
from tests.fake_networks import save_bright_spot_pose, save_fixed_detector
from tests.hub_server import HubServer

REPO = "yzd-v/DWPose"


@pytest.fixture
def pose_bytes(tmp_path):
    return save_bright_spot_pose(tmp_path / "made.onnx", size_hw=(384, 288)).read_bytes()


@pytest.fixture
def clean_machine(tmp_path, monkeypatch):
    """Empty caches and no folders; returns the folder of the hub cache."""
    for name in ("DWPOSE_WEIGHTS_DIR", "COMFYUI_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("DWPOSE_CACHE", str(tmp_path / "converted"))
    monkeypatch.setattr(weights, "ASSETS", tmp_path / "no_assets")
    return cache


@pytest.fixture
def server(clean_machine, monkeypatch, pose_bytes):  # noqa: ARG001  (order: caches first)
    """A hub that holds the 384 pose file; the table is told its size and digest."""
    server = HubServer({f"{REPO}/dw-ll_ucoco_384.onnx": pose_bytes})
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    row = replace(
        WEIGHTS["dw-ll_ucoco_384"],
        size_bytes=len(pose_bytes),
        sha256=hashlib.sha256(pose_bytes).hexdigest(),
    )
    monkeypatch.setitem(WEIGHTS, row.name, row)
    yield server
    server.close()


def _resolve(**options):
    return resolve_weights("dw-ll_ucoco_384", "pose", **options)[0]


def _cached_files(cache):
    return [path for path in cache.rglob("*") if path.suffix in (".onnx", ".incomplete")]


# ---- the table -------------------------------------------------------------------------------


def test_table_is_consistent():
    for name, row in WEIGHTS.items():
        assert row.name == name
        assert row.file.endswith((".onnx", ".pth"))
        assert row.network_input.channel_order == ("rgb" if row.kind == "pose" else "bgr")
        assert row.sha256 is None or (len(row.sha256) == 64 and int(row.sha256, 16))
        if row.model_size is not None:
            width, height = POSE_CONFIGS[row.model_size].crop_wh
            assert row.input_hw == (height, width)
        if row.file.endswith(".pth"):
            assert row.model_size is not None


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="dwpose-t, dwpose-s, dw-tt_ucoco"):
        get_weights("dwpose-xxl", "pose")
    with pytest.raises(ValueError, match=r"'yolox_l' is a detector.*dwpose-t"):
        get_weights("yolox_l", "pose")


def test_explicit_paths(tmp_path):
    path = save_bright_spot_pose(tmp_path / "mine.onnx")
    assert resolve_weights(path, "pose")[0] == path
    assert resolve_weights(str(path), "detector")[1].channel_order == "bgr"
    with pytest.raises(FileNotFoundError, match=r"absent\.onnx"):
        resolve_weights(tmp_path / "absent.onnx", "pose")
    with pytest.raises(ValueError, match=r"dwpose weights convert .*mine\.pth"):
        resolve_weights(tmp_path / "mine.pth", "pose")


# ---- what is wrong with a file ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b"\n <html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"Entry not found", "not an ONNX file"),
        (b"PK\x03\x04 a zip", "not an ONNX file"),
    ],
)
def test_files_that_are_no_weights(content, reason, tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"weights\.onnx.*{reason}"):
        check_weight_file(path)


def test_every_truncation_is_seen(pose_bytes, tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(pose_bytes)
    check_weight_file(path)
    graph_end = pose_bytes.rfind(b"\x42")  # after the graph come the opset imports
    for kept in [*range(1, graph_end, 97), graph_end - 1]:
        path.write_bytes(pose_bytes[:kept])
        with pytest.raises(WeightsError, match="cut off"):
            check_weight_file(path)


def test_size_and_digest(pose_bytes, tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(pose_bytes)
    digest = hashlib.sha256(pose_bytes).hexdigest()
    check_weight_file(path, size_bytes=len(pose_bytes), sha256=digest)
    with pytest.raises(WeightsError, match=f"has {len(pose_bytes)} bytes.*12345"):
        check_weight_file(path, size_bytes=12345)
    with pytest.raises(WeightsError, match=f"sha256 {digest}"):
        check_weight_file(path, sha256="0" * 64)


def test_cut_checkpoint(tmp_path):
    path = tmp_path / "cut.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", b"x" * 999)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 40])
    with pytest.raises(WeightsError, match=r"cut\.pth.*cut off"):
        check_weight_file(path)


# ---- files that people already have ----------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("DWPOSE_WEIGHTS_DIR", ""),
        ("COMFYUI_PATH", "models/dwpose"),
        ("COMFYUI_PATH", "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose"),
        (None, ""),
    ],
)
def test_existing_files_are_found_without_network(
    variable, folder, server, pose_bytes, tmp_path, monkeypatch
):
    base = tmp_path / "existing"
    path = base / folder / "dw-ll_ucoco_384.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(pose_bytes)
    if variable:
        monkeypatch.setenv(variable, str(base))
    assert _resolve(search_dirs=[] if variable else [base]) == path
    assert server.requests == []


@pytest.mark.usefixtures("server")
def test_damaged_existing_file_is_passed_over(pose_bytes, tmp_path, caplog):
    (tmp_path / "dw-ll_ucoco_384.onnx").write_bytes(pose_bytes[:-50])
    with caplog.at_level(logging.WARNING, logger="dwpose_annotator"):
        path = _resolve(search_dirs=[tmp_path])
    assert path.read_bytes() == pose_bytes
    assert f"has {len(pose_bytes) - 50} bytes" in caplog.text


# ---- downloads -------------------------------------------------------------------------------


def test_download_once_then_cache(server, pose_bytes):
    path = _resolve()
    assert path.read_bytes() == pose_bytes
    assert server.bodies() == [None]
    server.requests.clear()
    assert _resolve() == path
    assert _resolve(offline=True) == path
    assert server.requests == []


def test_dropped_connection_is_resumed(server, pose_bytes, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 256)
    server.cut_after = 1024
    assert _resolve().read_bytes() == pose_bytes
    first, second = server.bodies()
    assert first is None
    assert second is not None
    start = int(second.removeprefix("bytes=").split("-")[0])
    assert 0 < start <= 1024


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda data: b"<html>504 Gateway Timeout</html>".ljust(len(data)), "web page"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "sha256"),
        (lambda data: data[: len(data) // 2], "bytes, but the published file has"),
        (lambda data: data + b"more", "bytes, but the published file has"),
    ],
)
def test_wrong_content_is_refused_and_forgotten(fault, reason, server, pose_bytes, clean_machine):
    server.body_instead = fault(pose_bytes)
    with pytest.raises(WeightsError, match=reason):
        _resolve()
    assert _cached_files(clean_machine) == []
    server.body_instead = None
    assert _resolve().read_bytes() == pose_bytes


def test_unknown_digest_is_checked_against_the_hubs(server, pose_bytes, monkeypatch):
    row = replace(WEIGHTS["dw-ll_ucoco_384"], sha256=None, size_bytes=None)
    monkeypatch.setitem(WEIGHTS, row.name, row)
    server.body_instead = pose_bytes[:-1] + bytes([pose_bytes[-1] ^ 1])
    with pytest.raises(WeightsError, match="sha256"):
        _resolve()


@pytest.mark.parametrize("status", [401, 404, 500])
def test_hub_errors_say_what_to_do(status, server):
    server.status = status
    with pytest.raises(WeightsError, match=r"could not download.*HF_ENDPOINT.*DWPOSE_WEIGHTS_DIR"):
        _resolve()


def test_no_network_says_what_to_do(server, monkeypatch):
    server.close()
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # the hub's client waits and retries
    with pytest.raises(WeightsError, match=r"could not download.*DWPOSE_WEIGHTS_DIR"):
        _resolve()


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_offline_never_asks_the_network(by, server, monkeypatch):
    if by == "environment":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="downloads are off"):
        _resolve(offline=by == "argument")
    assert server.requests == []


def test_missing_asset_is_not_looked_for_online(server):
    with pytest.raises(WeightsError, match="Install the package again"):
        resolve_weights("dwpose-t", "pose")
    assert server.requests == []


@pytest.mark.usefixtures("server")
def test_annotator_with_downloaded_weights(tmp_path):
    detector = save_fixed_detector(tmp_path / "d.onnx", [(80.0, 80.0, 60.0, 90.0)], [0.9])
    annotator = Annotator.from_pretrained("dw-ll_ucoco_384", detector=detector, device="cpu")
    poses = annotator.estimate(np.zeros((320, 320, 3), np.uint8))
    assert len(poses) == 1
    assert annotator.pose.crop_wh == (288, 384)


# ---- conversion ------------------------------------------------------------------------------


@pytest.fixture
def checkpoint_server(server, tmp_path):
    """The hub also holds a checkpoint that exists as .pth only."""
    torch.manual_seed(0)
    path = tmp_path / "checkpoint.pth"
    torch.save({"meta": {}, "state_dict": build_pose_model("t").state_dict()}, path)
    server.files[f"{REPO}/dw-tt_ucoco.pth"] = path.read_bytes()
    return server


@pytest.mark.usefixtures("checkpoint_server")
def test_checkpoints_are_converted_once(tmp_path):
    path, network_input = resolve_weights("dw-tt_ucoco", "pose")
    assert path == tmp_path / "converted" / "dwpose-annotator" / "dw-tt_ucoco.onnx"
    assert network_input.channel_order == "rgb"
    assert [value.name for value in onnx.load(path).graph.output] == ["simcc_x", "simcc_y"]
    written = path.stat().st_mtime_ns
    assert resolve_weights("dw-tt_ucoco", "pose")[0] == path
    assert path.stat().st_mtime_ns == written
    assert Annotator.from_pretrained("dw-tt_ucoco", detector=None).pose.crop_wh == (192, 256)


@pytest.mark.usefixtures("checkpoint_server")
def test_conversion_without_torch_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dwpose_annotator.models.convert", None)
    with pytest.raises(WeightsError, match=r"pip install .*\[torch\].*dwpose weights convert"):
        resolve_weights("dw-tt_ucoco", "pose")


@pytest.mark.usefixtures("checkpoint_server")
def test_converted_file_in_a_folder_needs_no_torch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dwpose_annotator.models.convert", None)
    path = save_bright_spot_pose(tmp_path / "dw-tt_ucoco.onnx")
    assert resolve_weights("dw-tt_ucoco", "pose", search_dirs=[tmp_path])[0] == path
    assert weights.converted_path(WEIGHTS["dw-tt_ucoco"]).exists() is False
