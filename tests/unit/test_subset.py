"""``python -m train subset``: some people of an annotation file."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from train import __main__ as command_line
from train.data import load_people


def person(image_id: int, *, points: int = 17, height: float = 100.0, seen: int = 2, **fields):
    keypoints = np.zeros((17, 3))
    keypoints[:points] = (30, 40, seen)
    number = 10 * image_id + points
    return {
        "id": number,
        "image_id": image_id,
        "bbox": [10, 10, 50, height],
        "keypoints": keypoints.ravel().tolist(),
        **fields,
    }


@pytest.fixture
def data(tmp_path):
    images = [
        {"id": i, "file_name": f"{name}.jpg", "width": 200, "height": 200, "source": source}
        for i, (name, source) in enumerate([("a", "coco"), ("b", "s40"), ("c", "coco")])
    ]
    annotations = [
        person(0),
        person(0, points=3),
        person(1),
        person(2, points=6, height=40),
        person(2, points=9, seen=1),
        person(2, points=10, iscrowd=1),
    ]
    file = tmp_path / "train.json"
    file.write_text(json.dumps({"images": images, "annotations": annotations}))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--source", "coco"], [17, 3, 26, 29]),
        (["--source", "coco", "--source", "s40"], [17, 3, 27, 26, 29]),
        (["--min-points", "9"], [17, 27, 29]),
        (["--min-height", "50", "--source", "coco"], [17, 3, 29]),
        (["--only", "names.txt"], [27]),
    ],
)
def test_people_are_chosen(data, monkeypatch, options, ids):
    monkeypatch.chdir(data)
    (data / "names.txt").write_text("b\nz\n")
    out = data / "some.json.gz"
    command = ["train", "subset", str(data), "-o", str(out), *options]
    monkeypatch.setattr(sys, "argv", command)
    command_line.main()
    people = load_people(out, data / "images")
    assert people.ids[:, 0].tolist() == ids


def test_hidden_points_can_count_as_seen(data, monkeypatch):
    out = data / "some.json.gz"
    command = ["train", "subset", str(data), "-o", str(out), "--only", str(data / "names.txt")]
    (data / "names.txt").write_text("c")
    for options, labelled in (([], 0), (["--hidden-as-seen"], 9)):
        monkeypatch.setattr(sys, "argv", [*command, "--min-points", "9", *options])
        command_line.main()
        people = load_people(out, data / "images", hidden=False)
        assert people.visible.sum() == labelled


def test_nobody_is_an_error(data, monkeypatch):
    out = data / "none.json.gz"
    monkeypatch.setattr(
        sys, "argv", ["train", "subset", str(data), "-o", str(out), "--source", "moon"]
    )
    with pytest.raises(SystemExit, match="nobody fits"):
        command_line.main()
    assert not out.exists()
