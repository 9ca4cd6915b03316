"""The command line as users run it, with small networks whose answers are known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from dwpose_annotator import __version__, draw_poses, from_openpose_json, load_image
from dwpose_annotator.draw_styles import STYLES
from dwpose_annotator.images import save_image
from dwpose_annotator.openpose_schema import SCHEMAS
from dwpose_annotator.resize import output_size_hw
from dwpose_annotator.weights import WEIGHTS
from tests.conftest import Dwpose


def save_photo(path: Path, spot_xy: tuple[int, int] = (150, 90)) -> Path:
    """A dark 320 x 240 photo with one bright square, which the fake pose network finds."""
    image = np.full((240, 320, 3), 20, np.uint8)
    x, y = spot_xy
    image[y - 4 : y + 5, x - 4 : x + 5] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    save_image(path, image)
    return path


@pytest.fixture
def networks(fake_pose: Path, fake_detector: Path) -> list[object]:
    return ["--pose", fake_pose, "--detector", fake_detector]


def test_version_and_help(dwpose: Dwpose) -> None:
    assert dwpose("--version").stdout == f"dwpose-annotator {__version__}\n"
    text = dwpose("annotate", "--help").stdout
    words = set(re.findall(r"[\w-]+", text))
    assert set(STYLES) <= words
    assert set(SCHEMAS) <= words


def test_one_photo(dwpose: Dwpose, tmp_path: Path, networks: list[object]) -> None:
    photo = save_photo(tmp_path / "photo.png")
    result = dwpose("annotate", photo, "-o", "out/map.png", "--json", *networks)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "out/map.png: 1 map, 1 person\n"
    assert "CPUExecutionProvider" in result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["map.json", "map.png"]
    content = json.loads((tmp_path / "out" / "map.json").read_text())
    nose = content[0]["people"][0]["pose_keypoints_2d"][:3]
    np.testing.assert_allclose(nose, [150, 90, 1], atol=5)
    pose_map = load_image(tmp_path / "out" / "map.png")
    assert pose_map.shape == (240, 320, 3)
    ys, xs = np.nonzero(pose_map.any(axis=2))
    np.testing.assert_allclose([xs.mean(), ys.mean()], [150, 90], atol=5)


def test_folders_patterns_and_options(
    dwpose: Dwpose, tmp_path: Path, networks: list[object]
) -> None:
    for name in ("in/a.png", "in/b.jpg", "more/c1.jpg", "more/c2.jpg"):
        save_photo(tmp_path / name)
    result = dwpose(
        *("annotate", "in", "more/c*.jpg", "-o", "out", "--side-by-side", "--resolution", 128),
        *("--style", "controlnet_aux", "--no-hands", "--no-face", "--order", "center", *networks),
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "out: 4 maps, 4 people\n"
    height, width = output_size_hw((240, 320), 128)
    for name in ("a", "b", "c1", "c2"):
        both = load_image(tmp_path / "out" / f"{name}.png")
        assert both.shape == (height, 2 * width, 3)
        assert both[:, :width].mean() > 15  # the photo is on the left


def test_switched_off_parts_are_neither_drawn_nor_written(
    dwpose: Dwpose, tmp_path: Path, networks: list[object]
) -> None:
    photo = save_photo(tmp_path / "photo.png")
    switches = ("--no-body", "--no-hands", "--no-face")
    result = dwpose("annotate", photo, "-o", "m.png", "--json", *switches, *networks)
    assert result.returncode == 0, result.stderr
    assert not load_image(tmp_path / "m.png").any()
    person = json.loads((tmp_path / "m.json").read_text())[0]["people"][0]
    assert not any(person["hand_left_keypoints_2d"])
    assert not any(person["face_keypoints_2d"])
    assert not any(person["pose_keypoints_2d"])
    assert any(person["foot_keypoints_2d"])


@pytest.mark.parametrize("dialect", SCHEMAS)
def test_each_dialect_is_read_back(
    dwpose: Dwpose, tmp_path: Path, networks: list[object], dialect: str
) -> None:
    photo = save_photo(tmp_path / "photo.png")
    result = dwpose("annotate", photo, "-o", "m.png", "--json", "--dialect", dialect, *networks)
    assert result.returncode == 0, result.stderr
    poses = from_openpose_json(tmp_path / "m.json", size_hw=(240, 320))
    first = poses[0] if isinstance(poses, list) else poses
    np.testing.assert_allclose(first.xy[0, 0], [150, 90], atol=5)


def test_given_boxes_replace_the_detector(dwpose: Dwpose, tmp_path: Path, fake_pose: Path) -> None:
    save_photo(tmp_path / "in" / "a.png", (40, 60))
    save_photo(tmp_path / "in" / "b.png", (260, 180))
    boxes = {"a.png": [[0, 20, 80, 100]], "b.png": [[220, 140, 300, 220], [0, 0, 50, 50]]}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    arguments = ("annotate", "in", "-o", "out", "--json", "--pose", fake_pose)
    result = dwpose(*arguments, "--boxes", "boxes.json", "--max-people", 1)
    assert result.returncode == 0, result.stderr
    for name, spot in (("a", (40, 60)), ("b", (260, 180))):
        poses = from_openpose_json(tmp_path / "out" / f"{name}.json")
        assert isinstance(poses, list)
        np.testing.assert_array_equal(poses[0].box, boxes[f"{name}.png"][:1])
        np.testing.assert_allclose(poses[0].xy[0, 0], spot, atol=5)


def test_nobody_gives_an_empty_map(dwpose: Dwpose, tmp_path: Path, networks: list[object]) -> None:
    photo = save_photo(tmp_path / "photo.png")
    arguments = ("annotate", photo, "-o", "m.png", "--json", *networks, "--box-threshold", 0.95)
    result = dwpose(*arguments)
    assert result.stdout == "m.png: 1 map, nobody found\n"
    assert not load_image(tmp_path / "m.png").any()
    assert json.loads((tmp_path / "m.json").read_text())[0]["people"] == []
    result = dwpose(*arguments, "--whole-image-if-nobody")
    assert result.stdout == "m.png: 1 map, 1 person\n"


def test_draw_again_is_equal_and_any_size(
    dwpose: Dwpose, tmp_path: Path, networks: list[object]
) -> None:
    photo = save_photo(tmp_path / "photo.png")
    assert dwpose("annotate", photo, "-o", "m.png", "--json", *networks).returncode == 0
    assert dwpose("draw", "m.json", "-o", "again.png").returncode == 0
    np.testing.assert_array_equal(
        load_image(tmp_path / "again.png"), load_image(tmp_path / "m.png")
    )
    options = ("--size", "640x480", "--style", "openpose_feet", "--thickness", 2)
    assert dwpose("draw", "m.json", "-o", "big.png", *options).returncode == 0
    poses = from_openpose_json(tmp_path / "m.json")
    assert isinstance(poses, list)
    expected = draw_poses(poses[0], "openpose_feet", (480, 640), thickness=2)
    np.testing.assert_array_equal(load_image(tmp_path / "big.png"), expected)


def test_draw_a_list_gives_numbered_pictures(dwpose: Dwpose, tmp_path: Path) -> None:
    frame = {"people": [], "canvas_width": 64, "canvas_height": 48}
    (tmp_path / "clip.json").write_text(json.dumps([frame] * 3))
    result = dwpose("draw", "clip.json", "-o", "frames")
    assert result.stdout == "frames: 3 maps\n"
    names = sorted(p.name for p in (tmp_path / "frames").iterdir())
    assert names == ["clip_00000.png", "clip_00001.png", "clip_00002.png"]
    assert cv2.imread(str(tmp_path / "frames" / names[2])).shape == (48, 64, 3)


def test_weights_list_and_path(dwpose: Dwpose, tmp_path: Path) -> None:
    env = {"HF_HOME": str(tmp_path), "DWPOSE_WEIGHTS_DIR": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    lines = dwpose("weights", "list", env=env).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *WEIGHTS]
    result = dwpose("weights", "path", "yolox_l", env=env)
    assert (result.returncode, result.stderr) == (1, "yolox_l: not on this machine\n")
    result = dwpose("weights", "download", "dw-ll_ucoco", env=env)
    assert result.returncode == 1
    assert "downloads are off" in result.stderr
    assert dwpose("weights", "path", "nobody", env=env).returncode == 1


def test_weights_verify(
    dwpose: Dwpose, tmp_path: Path, fake_pose: Path, fake_detector: Path
) -> None:
    (tmp_path / "cut.onnx").write_bytes(fake_pose.read_bytes()[:-1000])
    result = dwpose("weights", "verify", fake_pose, fake_detector, "cut.onnx", "no.onnx", "a.txt")
    assert result.returncode == 1
    assert "pose network 192x256" in result.stdout.splitlines()[0]
    assert "detector 320x320" in result.stdout.splitlines()[1]
    problems = result.stderr.splitlines()
    assert [line.split(":")[0] for line in problems] == ["cut.onnx", "no.onnx", "a.txt"]
    assert "cut off" in problems[0]


def test_weights_convert(dwpose: Dwpose, tmp_path: Path) -> None:
    import torch

    from dwpose_annotator.models import build_pose_model

    torch.manual_seed(0)
    model = build_pose_model("t")
    torch.save({"meta": {}, "state_dict": model.state_dict()}, tmp_path / "official.pth")
    result = dwpose("weights", "convert", "official.pth", "-o", "t.onnx", "--half")
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"t\.onnx: size t, 11\.\d MB\n", result.stdout)
    assert "pose network 192x256" in dwpose("weights", "verify", "t.onnx").stdout


def test_doctor(dwpose: Dwpose) -> None:
    text = dwpose("doctor").stdout
    for word in ("dwpose-annotator", "python", "onnxruntime", "providers", "hub cache", *WEIGHTS):
        assert word in text
    result = dwpose("doctor", "--device", "cuda")
    if "CUDAExecutionProvider" not in re.search(r"providers +(.*)", text)[1]:
        assert result.returncode == 1
        assert "pip install" in result.stdout


def test_bench(dwpose: Dwpose) -> None:
    result = dwpose("bench", "--runs", 2, "--no-large", "--threads", 1)
    assert result.returncode == 0, result.stderr
    head, *lines = result.stdout.splitlines()
    assert "CPUExecutionProvider, threads: 1, 1280x720, median of 2" in head
    table = {line[:26].strip(): line[26:].replace(" %", "").split() for line in lines}
    networks = [name for name in table if name.startswith("* ")]
    assert networks == ["* detect: network", "* pose: network"]
    stages = ["load", "detect: letterbox, NMS", "crop", "pose: normalise", "decode", "draw"]
    for column in range(3):
        figures = {name: float(cells[column]) for name, cells in list(table.items())[1:]}
        assert min(figures.values()) > 0
        outside = sum(figures[name] for name in [*stages, "encode"])
        assert figures["outside the networks"] == pytest.approx(outside, abs=0.05)
        total = outside + sum(figures[name] for name in networks)
        assert figures["total"] == pytest.approx(total, abs=0.05)
        assert figures["their share"] == pytest.approx(100 * outside / total, abs=0.1)
