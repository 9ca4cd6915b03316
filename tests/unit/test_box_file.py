"""Boxes files: both forms, and every way to get them wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dwpose_annotator.box_file import read_boxes

SIZE_HW = (100, 200)


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    return path


def test_one_list_serves_every_photo(tmp_path: Path) -> None:
    given = read_boxes(write(tmp_path, [[1, 2, 30, 40], [5, 5, 6, 6.5]]))
    for name in ("a.jpg", "b.jpg"):
        np.testing.assert_array_equal(
            given.of(Path(name), SIZE_HW).xyxy, [[1, 2, 30, 40], [5, 5, 6, 6.5]]
        )


def test_lists_by_file_name_and_by_path(tmp_path: Path) -> None:
    given = read_boxes(write(tmp_path, {"a.jpg": [[0, 0, 5, 5]], "x/a.jpg": [[0, 0, 9, 9]]}))
    assert given.of(Path("y/a.jpg"), SIZE_HW).xyxy[0, 2] == 5
    assert given.of(Path("x/a.jpg"), SIZE_HW).xyxy[0, 2] == 9
    with pytest.raises(ValueError, match=r"no entry 'b\.jpg'"):
        given.of(Path("b.jpg"), SIZE_HW)


def test_no_boxes_means_nobody(tmp_path: Path) -> None:
    assert len(read_boxes(write(tmp_path, [])).of(Path("a.jpg"), SIZE_HW)) == 0


@pytest.mark.parametrize("box", [[-5, -5, 10, 10], [190, 90, 900, 900]])
def test_a_box_may_reach_past_the_image(tmp_path: Path, box: list[float]) -> None:
    assert len(read_boxes(write(tmp_path, [box])).of(Path("a.jpg"), SIZE_HW)) == 1


@pytest.mark.parametrize(
    "box", [[200, 0, 210, 10], [0, 100, 10, 110], [-9, 0, 0, 10], [0, -9, 10, 0]]
)
def test_a_box_outside_the_image_is_refused(tmp_path: Path, box: list[float]) -> None:
    with pytest.raises(ValueError, match="lies outside the 200x100 image"):
        read_boxes(write(tmp_path, [box])).of(Path("a.jpg"), SIZE_HW)


@pytest.mark.parametrize(
    "content",
    [
        [1, 2, 3, 4],
        [[1, 2, 3]],
        [[1, 2, 3, 4], [1, 2]],
        [["a", 2, 3, 4]],
        [[None, 2, 3, 4]],
        [[float("nan"), 2, 3, 4]],
        [[1, 2, float("inf"), 4]],
        [[30, 2, 1, 40]],
        [[1, 40, 30, 40]],
        {"a.jpg": 5},
        {"a.jpg": [[1, 2, 3]]},
        "boxes",
        7,
        None,
    ],
)
def test_what_is_no_box_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ValueError, match="expected a list of boxes"):
        read_boxes(write(tmp_path, content))


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_bytes(b"\xff\xfe not json")
    with pytest.raises(ValueError, match="not a JSON file"):
        read_boxes(path)
    with pytest.raises(FileNotFoundError):
        read_boxes(tmp_path / "missing.json")
