"""Odd and broken input: clear errors, no partial files, and the rest of the batch is done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dwpose_annotator import load_image
from tests.conftest import Dwpose
from tests.fake_networks import save_network

EXIF_ORIENTATION = 0x0112
RIGHT_TOP = 6  # the camera was turned: shown with sides swapped


def photo(width: int = 60, height: int = 40) -> Image.Image:
    """A dark picture with a bright square a third of the way down and across."""
    pixels = np.full((height, width, 3), 30, np.uint8)
    y, x = height // 3, width // 3
    pixels[y : y + max(height // 8, 1), x : x + max(width // 8, 1)] = 255
    return Image.fromarray(pixels)


def save_odd_photos(folder: Path) -> dict[str, tuple[int, int]]:
    """Every kind of file that must work; name -> (height, width) of its map."""
    folder.mkdir()
    rgb = photo()
    turned = rgb.getexif()
    turned[EXIF_ORIENTATION] = RIGHT_TOP
    deep = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    with_alpha = rgb.copy()
    with_alpha.putalpha(128)
    rgb.convert("L").save(folder / "grey.png")
    Image.fromarray(deep).save(folder / "deep.png")
    with_alpha.save(folder / "alpha.webp", lossless=True)
    rgb.quantize(4).save(folder / "palette.png", transparency=0)
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    rgb.save(folder / "moving.gif", save_all=True, append_images=[rgb.rotate(90), rgb])
    rgb.save(folder / "turned.jpg", exif=turned)
    photo(1, 1).save(folder / "dot.png")
    photo(20000, 20).save(folder / "wide.png")
    photo(20, 20000).save(folder / "tall.png")
    sizes = dict.fromkeys(("grey", "deep", "alpha", "palette", "cmyk", "moving"), (40, 60))
    return sizes | {"turned": (60, 40), "dot": (1, 1), "wide": (20, 20000), "tall": (20000, 20)}


def save_broken_photos(folder: Path) -> dict[str, str]:
    """Files that cannot work; name -> a word of the message."""
    folder.mkdir(exist_ok=True)
    whole = folder / "whole.jpg"
    photo(300, 200).save(whole)
    data = whole.read_bytes()
    whole.unlink()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("<html>404 Not Found</html>")
    return {"cut.jpg": "damaged or truncated", "empty.png": "empty", "text.png": "not an image"}


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("whole_image", [False, True])
def test_odd_photos_work_and_broken_ones_are_named(
    dwpose: Dwpose, tmp_path: Path, fake_pose: Path, fake_detector: Path, whole_image: bool
) -> None:
    sizes = save_odd_photos(tmp_path / "in")
    problems = save_broken_photos(tmp_path / "in")
    detector = "none" if whole_image else fake_detector
    options = ("--json", "--pose", fake_pose, "--detector", detector)
    result = dwpose("annotate", "in", "missing.jpg", "-o", "out", *options)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == f"out: {len(sizes)} maps, {len(sizes)} people\n"
    messages = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(messages) == len(problems) + 1
    for name, words in {**problems, "missing.jpg": "no image file"}.items():
        assert [m for m in messages if name in m and words in m], (name, messages)
    assert f"4 of {len(sizes) + 4} photos failed" in result.stderr
    assert files(tmp_path / "out") == {f"{n}{end}" for n in sizes for end in (".png", ".json")}
    for name, size_hw in sizes.items():
        assert load_image(tmp_path / "out" / f"{name}.png").shape == (*size_hw, 3)
        frame = json.loads((tmp_path / "out" / f"{name}.json").read_text())[0]
        assert (frame["canvas_height"], frame["canvas_width"]) == size_hw


def test_each_photo_broken_leaves_nothing(
    dwpose: Dwpose, tmp_path: Path, fake_pose: Path, fake_detector: Path
) -> None:
    save_broken_photos(tmp_path / "in")
    result = dwpose("annotate", "in", "-o", "out", "--pose", fake_pose, "--detector", fake_detector)
    assert (result.returncode, result.stdout) == (1, "")
    assert files(tmp_path / "out") == set()


def test_output_that_cannot_be_written(dwpose: Dwpose, tmp_path: Path, fake_pose: Path) -> None:
    for name in ("a", "b"):
        photo().save(tmp_path / f"{name}.png")
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    networks = ("--pose", fake_pose, "--detector", "none")
    blocked = dwpose("annotate", "a.png", "-o", "file/deeper/", *networks)
    assert blocked.returncode == 1
    assert blocked.stderr.startswith("error: ")
    assert "file/deeper" in blocked.stderr
    assert "Traceback" not in blocked.stderr
    partly = dwpose("annotate", "a.png", "b.png", "-o", "out", *networks)
    assert partly.returncode == 1
    assert partly.stdout == "out: 1 map, 1 person\n"
    assert "a.png" in partly.stderr
    assert "Traceback" not in partly.stderr
    assert files(tmp_path / "out") == {"b.png"}


def test_inputs_survive(dwpose: Dwpose, tmp_path: Path, fake_pose: Path) -> None:
    photo().save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    for output in ("a.png", "."):
        result = dwpose(
            "annotate", "a.png", "-o", output, "--pose", fake_pose, "--detector", "none"
        )
        assert result.returncode == 1
        assert "would be overwritten" in result.stderr
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ("[[70, 0, 90, 30]]", "lies outside the 60x40 image"),
        ("[[0, 0, NaN, 30]]", "expected a list of boxes"),
        ("[[30, 0, 10, 30]]", "left < right"),
        ('{"other.png": [[0, 0, 9, 9]]}', "no entry"),
        ("{", "not a JSON file"),
    ],
)
def test_boxes_that_cannot_be(
    dwpose: Dwpose, tmp_path: Path, fake_pose: Path, boxes: str, message: str
) -> None:
    photo().save(tmp_path / "a.png")
    (tmp_path / "boxes.json").write_text(boxes)
    result = dwpose(
        "annotate", "a.png", "-o", "m.png", "--boxes", "boxes.json", "--pose", fake_pose
    )
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert files(tmp_path) == {"a.png", "boxes.json"}


def keypoints(value: str) -> str:
    points = ", ".join(["0, 0, 0"] * 17)
    person = f'{{"pose_keypoints_2d": [{points}, 5, {value}, 1]}}'
    return f'{{"people": [{person}], "canvas_width": 60, "canvas_height": 40}}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (keypoints("NaN"), "NaN"),
        (keypoints("1e999"), "finite"),
        (keypoints('"x"'), "pose_keypoints_2d"),
        ("[]", "empty list"),
        ("[{]", "not valid JSON"),
        ('{"name": "package"}', "people"),
        ("", "JSON"),
    ],
)
def test_keypoints_that_cannot_be(
    dwpose: Dwpose, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "pose.json").write_text(content)
    result = dwpose("draw", "pose.json", "-o", "m.png")
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert files(tmp_path) == {"pose.json"}


@pytest.mark.parametrize("kind", ["text", "cut", "swapped", "shapes", "checkpoint", "missing"])
def test_wrong_networks(
    dwpose: Dwpose, tmp_path: Path, fake_pose: Path, fake_detector: Path, kind: str
) -> None:
    photo().save(tmp_path / "a.png")
    network = tmp_path / ("net.pth" if kind == "checkpoint" else "net.onnx")
    if kind == "text":
        network.write_text("version 1")
    elif kind == "cut":
        network.write_bytes(fake_pose.read_bytes()[:-100])
    elif kind == "swapped":
        network.write_bytes(fake_detector.read_bytes())
    elif kind == "shapes":
        save_network(network, ["n", 3, 256, 192], [["n", 17, 384], ["n", 17, 512]])
    elif kind == "checkpoint":
        network.write_bytes(b"PK")
    before = files(tmp_path)
    result = dwpose("annotate", "a.png", "-o", "m.png", "--pose", network, "--detector", "none")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert network.name in result.stderr
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--style", "nice"), "style must be one of"),
        (("--thickness", "-1"), "positive number"),
        (("--device", "abacus"), "device must be"),
        (("--order", "age"), "--order must be one of"),
        (("--dialect", "latin"), "--dialect must be one of"),
        (("--pose", "dwpose-xxl"), "unknown weights"),
        (("--pose", "yolox_l"), "is a detector"),
    ],
)
def test_options_that_cannot_be(
    dwpose: Dwpose,
    tmp_path: Path,
    fake_pose: Path,
    fake_detector: Path,
    arguments: tuple[str, str],
    message: str,
) -> None:
    photo().save(tmp_path / "a.png")
    networks = ("--pose", fake_pose, "--detector", fake_detector)
    result = dwpose("annotate", "a.png", "-o", "m.png", *networks, *arguments)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert files(tmp_path) == {"a.png"}
