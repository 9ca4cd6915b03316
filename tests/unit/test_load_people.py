"""Which annotations the loader keeps, how it reads them, and that it says what it leaves out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dwpose_annotator.skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND
from tests.tiny_people import write_tiny_people
from train.data import PARTS, load_people

IMAGE = {"id": 5, "file_name": "a/photo.jpg", "width": 100, "height": 80}


def annotation(number: int, **changes: Any) -> dict[str, Any]:
    """A whole person, every part at its own x; ``changes`` replaces or (None) removes fields."""
    entry: dict[str, Any] = {
        "id": number,
        "image_id": IMAGE["id"],
        "bbox": [10.0, 20.0, 30.0, 40.0],
        "num_keypoints": 17,
        "iscrowd": 0,
    }
    for x, (name, count) in enumerate(PARTS, start=11):
        entry[name] = [x, 25, 2] * count
    entry.update(changes)
    return {name: value for name, value in entry.items() if value is not None}


def write(folder: Path, *annotations: dict[str, Any]) -> Path:
    path = folder / "people.json"
    content = {"images": [IMAGE], "annotations": annotations, "categories": []}
    path.write_text(json.dumps(content))
    return path


def test_parts_land_in_keypoint_order(tmp_path: Path) -> None:
    people = load_people(write(tmp_path, annotation(1)), tmp_path / "pictures")
    assert people.image == (tmp_path / "pictures" / "a" / "photo.jpg",)
    parts = (BODY, FEET, FACE, LEFT_HAND, RIGHT_HAND)
    for x, points in enumerate(parts, start=11):
        assert set(people.xy[0, points, 0].tolist()) == {x}
    assert people.visible.min() == 1
    assert people.ids.tolist() == [[1, 5]]


def test_any_positive_visibility_counts(tmp_path: Path) -> None:
    """Body points have v 0, 1, 2; COCO-WholeBody's other parts carry fractions."""
    values = [0, 1, 2, 0.3, 0.999, -1]
    feet = [[12, 25, v] for v in values]
    person = annotation(1, foot_kpts=[number for point in feet for number in point])
    people = load_people(write(tmp_path, person), tmp_path)
    assert people.visible[0, FEET].tolist() == [float(v > 0) for v in values]
    assert people.visible.dtype == people.xy.dtype == np.float32


def test_boxes_are_clipped_to_the_last_pixel(tmp_path: Path) -> None:
    outside = annotation(1, bbox=[-5.0, -6.0, 200.0, 300.0])
    people = load_people(write(tmp_path, outside, annotation(2)), tmp_path)
    assert people.box.tolist() == [[0, 0, 99, 79], [10, 20, 40, 60]]


LEFT_OUT = {
    "crowd region": {"iscrowd": 1},
    "no body keypoint": {"num_keypoints": 0},
    "empty box": {"bbox": [10, 20, 30, 0]},
    "no positive coordinate": {name: [-1, -1, 1] * count for name, count in PARTS},
    "malformed (KeyError: 'bbox')": {"bbox": None},
    "malformed (KeyError: 99)": {"image_id": 99},
    "malformed (ValueError": {"face_kpts": [1, 2, 3]},
    "malformed (TypeError": {"bbox": [10, 20, "wide", 4]},
    "not finite": {"bbox": [10, 20, float("nan"), 4]},
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_what_is_left_out_is_listed(tmp_path: Path, reason: str) -> None:
    file = write(tmp_path, annotation(7, **LEFT_OUT[reason]), annotation(8))
    people = load_people(file, tmp_path)
    assert people.ids[:, 0].tolist() == [8]
    (line,) = people.skipped
    assert line.startswith("people.json: annotation 7: ") and reason in line


def test_parts_that_a_file_does_not_have_are_unlabelled(tmp_path: Path) -> None:
    missing = {name: None for name, _ in PARTS if name != "face_kpts"}
    faces = annotation(1, num_keypoints=None, **missing)
    file = write(tmp_path, faces)
    with pytest.raises(ValueError, match="no usable person"):
        load_people(file, tmp_path)
    people = load_people(file, tmp_path, keep_bodiless=True)
    labelled = np.flatnonzero(people.visible[0])
    assert labelled.tolist() == list(range(FACE.start, FACE.stop))


def test_gzip_and_files_of_another_kind(tmp_path: Path) -> None:
    plain = write(tmp_path, annotation(1))
    packed = tmp_path / "people.json.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert load_people(packed, tmp_path).xy.tolist() == load_people(plain, tmp_path).xy.tolist()
    with pytest.raises(FileNotFoundError, match="no annotation file"):
        load_people(tmp_path / "nothing.json", tmp_path)
    plain.write_text("[]")
    with pytest.raises(ValueError, match="must be a COCO file"):
        load_people(plain, tmp_path)


def test_hidden_points_count_unless_told_otherwise(tmp_path):
    content = write_tiny_people(tmp_path)
    content["annotations"][0]["keypoints"][2::3] = [1] * 17
    (tmp_path / "train.json").write_text(json.dumps(content))
    for hidden, expected in ((True, 17), (False, 0)):
        people = load_people(tmp_path / "train.json", tmp_path / "images", hidden=hidden)
        assert people.visible[0, :17].sum() == expected
        assert people.visible[1, :17].sum() == 17
