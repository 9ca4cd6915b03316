"""Sessions: contracts, torch and ONNX Runtime agreeing, and an honest choice of device."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from onnx import TensorProto

from dwpose_annotator import Annotator, DeviceError, WeightsError
from dwpose_annotator.device import (
    DEVICES,
    DeviceChoice,
    choose_device,
    provider_list,
    unused_gpu_hint,
)
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.models import build_pose_model
from dwpose_annotator.models.onnx_export import export_onnx, export_pose_onnx
from dwpose_annotator.session import (
    OnnxSession,
    SessionOptions,
    TorchSession,
    tensorrt_profile,
)
from dwpose_annotator.types import Boxes
from tests.fake_networks import save_bright_spot_pose, save_network

CPU, CUDA, DIRECTML = "CPUExecutionProvider", "CUDAExecutionProvider", "DmlExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"


@pytest.fixture(scope="module")
def tiny_pose():
    """The t network with weights that give varied logits."""
    torch.manual_seed(0)
    model = build_pose_model("t")
    for parameter in model.head.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.6, 1.4)
    return model.eval()


@pytest.fixture(scope="module")
def tiny_pose_onnx(tiny_pose, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "t.onnx"
    export_pose_onnx(tiny_pose, path)
    return path


def test_provider_names_are_those_of_onnx_runtime():
    import onnxruntime

    known = {*onnxruntime.get_all_providers(), "ROCMExecutionProvider"}  # older releases had it
    assert {row.provider for row in DEVICES.values()} <= known


@pytest.mark.parametrize(
    ("requested", "available", "provider", "index"),
    [
        ("auto", [CPU], CPU, "0"),
        ("auto", [TENSORRT, CUDA, CPU], CUDA, "0"),
        ("auto", [DIRECTML, CPU], DIRECTML, "0"),
        ("auto", ["AzureExecutionProvider", CPU], CPU, "0"),
        ("cpu", [CUDA, CPU], CPU, "0"),
        ("cuda:1", [CUDA, CPU], CUDA, "1"),
        ("tensorrt", [TENSORRT, CUDA, CPU], TENSORRT, "0"),
    ],
)
def test_device_choice(requested, available, provider, index):
    choice = choose_device(requested, available)
    assert (choice.provider, choice.index) == (provider, index)
    assert choice.reason


@pytest.mark.parametrize("name", [name for name in DEVICES if name != "cpu"])
def test_missing_provider_names_its_package(name):
    with pytest.raises(DeviceError) as error:
        choose_device(name, [CPU])
    assert f"pip install {DEVICES[name].package}" in str(error.value)
    assert DEVICES[name].provider in str(error.value)


@pytest.mark.parametrize("requested", ["gpu", "CUDA", "cuda:", "", "cuda 1"])
def test_unknown_device(requested):
    with pytest.raises(DeviceError, match="auto or one of"):
        choose_device(requested, [CUDA, CPU])


def test_provider_options():
    def options(name, index="0"):
        choice = DeviceChoice(name, index, name, "")
        return provider_list(choice, engine_cache_dir="engines", shape_profile={"a": "b"})

    assert options("cuda", "2")[0][1]["device_id"] == "2"
    tensorrt = options("tensorrt")
    assert [provider for provider, _ in tensorrt] == [TENSORRT, CUDA, CPU]
    assert tensorrt[0][1]["trt_fp16_enable"] == "1"
    assert tensorrt[0][1]["trt_engine_cache_path"] == "engines"
    assert tensorrt[0][1]["a"] == "b"
    assert options("openvino", "GPU")[0][1] == {"device_type": "GPU"}
    for name in DEVICES:
        assert options(name)[-1][0] == CPU
        assert options(name)[0][0] == DEVICES[name].provider


def test_unused_gpu_is_pointed_out(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/nvidia-smi")
    assert "onnxruntime-gpu" in (unused_gpu_hint(choose_device("auto", [CPU])) or "")
    assert unused_gpu_hint(choose_device("cpu", [CPU])) is None
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert unused_gpu_hint(choose_device("auto", [CPU])) is None


def test_provider_that_does_not_start_is_an_error(tmp_path):
    """ONNX Runtime itself would only warn and use the CPU."""
    path = save_bright_spot_pose(tmp_path / "pose.onnx")
    with pytest.raises(DeviceError, match=CUDA):
        OnnxSession(path, DeviceChoice("cuda", "0", "cuda", "asked for"))


def test_auto_falls_back_loudly_and_once(tmp_path, monkeypatch, caplog):
    path = save_bright_spot_pose(tmp_path / "pose.onnx")
    monkeypatch.setattr("dwpose_annotator.annotator.available_providers", lambda: [CUDA, CPU])
    with caplog.at_level(logging.INFO, logger="dwpose_annotator"):
        annotator = Annotator.from_pretrained(path, detector=None)
    assert annotator.provider == CPU
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert CUDA in warnings[0].getMessage()

    with pytest.raises(DeviceError, match=CUDA):
        Annotator.from_pretrained(path, detector=None, device="cuda")


def test_auto_says_once_what_runs(tmp_path, caplog):
    path = save_bright_spot_pose(tmp_path / "pose.onnx")
    with caplog.at_level(logging.INFO, logger="dwpose_annotator"):
        annotator = Annotator.from_pretrained(path, detector=None)
    said = [record.getMessage() for record in caplog.records if "runs on" in record.getMessage()]
    assert len(said) == 1
    assert annotator.provider in said[0]


def test_onnx_and_torch_agree(tiny_pose, tiny_pose_onnx):
    onnx = PoseEstimator(OnnxSession(tiny_pose_onnx, "cpu"))
    plain = PoseEstimator(TorchSession(tiny_pose, (None, 3, 256, 192), device="cpu"))
    assert onnx.crop_wh == plain.crop_wh == (192, 256)
    image = np.random.RandomState(0).randint(0, 256, (300, 400, 3), np.uint8)
    boxes = Boxes.from_xyxy([[20, 10, 200, 290], [100, 50, 380, 240], [0, 0, 400, 300]])
    first, second = (estimator([image], [boxes])[0] for estimator in (onnx, plain))
    assert len(np.unique(first.xy)) > 50
    np.testing.assert_allclose(first.xy, second.xy, atol=1e-3, rtol=0)
    np.testing.assert_allclose(first.score, second.score, rtol=1e-4, atol=1e-4)


def test_torch_session_reports_its_device(tiny_pose):
    session = TorchSession(tiny_pose, (None, 3, 256, 192), device="cpu")
    assert session.provider == "torch cpu"
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="no CUDA"):
            TorchSession(tiny_pose, (None, 3, 256, 192), device="cuda")


def test_exported_contract(tiny_pose_onnx):
    import onnx

    graph = onnx.load(tiny_pose_onnx).graph
    assert [value.name for value in graph.input] == ["input"]
    assert [value.name for value in graph.output] == ["simcc_x", "simcc_y"]
    session = OnnxSession(tiny_pose_onnx, "cpu", options=SessionOptions(threads=1))
    assert session.input_shape == (None, 3, 256, 192)
    for count in (1, 3):
        x, y = session.run(np.zeros((count, 3, 256, 192), np.float32))
        assert (x.shape, y.shape) == ((count, 133, 384), (count, 133, 512))


def test_half_storage_is_half_the_file_and_the_same_pose(tiny_pose, tiny_pose_onnx, tmp_path):
    path = tmp_path / "half.onnx"
    export_pose_onnx(tiny_pose, path, half_storage=True)
    assert path.stat().st_size < 0.55 * tiny_pose_onnx.stat().st_size
    assert [file.name for file in tmp_path.iterdir()] == ["half.onnx"]

    batch = np.random.RandomState(0).randn(2, 3, 256, 192).astype(np.float32)
    for full, half in zip(
        OnnxSession(tiny_pose_onnx, "cpu").run(batch),
        OnnxSession(path, "cpu").run(batch),
        strict=True,
    ):
        assert half.dtype == np.float32
        np.testing.assert_allclose(half, full, atol=5e-3 * np.abs(full).max())


def test_half_storage_refuses_what_it_cannot_hold(tmp_path):
    network = torch.nn.Conv2d(3, 64, 5)
    torch.nn.init.constant_(network.weight, 1e5)
    with pytest.raises(ValueError, match="too large for float16"):
        export_onnx(
            network,
            tmp_path / "x.onnx",
            input_chw=(3, 8, 8),
            input_name="images",
            output_names=("output",),
            half_storage=True,
        )
    assert not list(tmp_path.iterdir())


def test_export_keeps_the_training_mode(tiny_pose, tmp_path):
    tiny_pose.train()
    try:
        export_pose_onnx(tiny_pose, tmp_path / "t.onnx")
        assert tiny_pose.training
    finally:
        tiny_pose.eval()


def test_half_precision_graphs_are_fed_and_read_as_single(tmp_path):
    shape = ["batch", 3, 4, 5]
    path = save_network(tmp_path / "half.onnx", shape, [shape], element=TensorProto.FLOAT16)
    batch = np.random.RandomState(0).rand(2, 3, 4, 5).astype(np.float32)
    (output,) = OnnxSession(path, "cpu").run(batch)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, batch, atol=1e-3)


def test_integer_input_is_refused(tmp_path):
    shape = ["batch", 3, 4, 5]
    path = save_network(tmp_path / "bytes.onnx", shape, [shape], element=TensorProto.UINT8)
    with pytest.raises(WeightsError, match=r"bytes\.onnx.*uint8"):
        OnnxSession(path, "cpu")


def test_tensorrt_prepares_for_the_batches_that_come(tmp_path):
    free = save_bright_spot_pose(tmp_path / "free.onnx")
    assert tensorrt_profile(free, 16) == {
        "trt_profile_min_shapes": "input:1x3x256x192",
        "trt_profile_opt_shapes": "input:4x3x256x192",
        "trt_profile_max_shapes": "input:16x3x256x192",
    }
    assert tensorrt_profile(save_bright_spot_pose(tmp_path / "one.onnx", batch=1), 16) == {}


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.onnx"):
        OnnxSession(tmp_path / "absent.onnx", "cpu")


@pytest.mark.parametrize("content", [b"", b"not an onnx file at all", b"\x08\x08\x3a\x02\x08\x01"])
def test_damaged_onnx(content, tmp_path):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged\.onnx"):
        OnnxSession(path, "cpu")


@pytest.mark.parametrize(
    ("input_shape", "output_shapes"),
    [
        (["batch", 3, 256], [["batch", 133, 384], ["batch", 133, 512]]),  # not an image
        (["batch", 1, 256, 192], [["batch", 133, 384], ["batch", 133, 512]]),  # grey
        (["batch", 3, "h", "w"], [["batch", 133, 384], ["batch", 133, 512]]),  # free size
        (["batch", 3, 256, 192], [["batch", 133, 384]]),  # one output
        (["batch", 3, 256, 192], [["batch", 17, 384], ["batch", 17, 512]]),  # body only
        (["batch", 3, 256, 192], [["batch", 133, 512], ["batch", 133, 384]]),  # swapped
        (["batch", 3, 256, 192], [["batch", 133, 64, 48], ["batch", 133, 64, 48]]),  # heatmaps
    ],
)
def test_onnx_of_another_kind(input_shape, output_shapes, tmp_path):
    path = save_network(tmp_path / "other.onnx", input_shape, output_shapes)
    with pytest.raises(WeightsError) as error:
        PoseEstimator(OnnxSession(path, "cpu"))
    assert "other.onnx" in str(error.value)
    assert "(N, 3, H, W)" in str(error.value)
