"""Pasted groups: what is painted is what is labelled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_people import FIGURE, write_tiny_people
from train.detector.crowd import Figures, add_group, load_figures
from train.detector.labels import PERSON, UNKNOWN
from train.silhouette import silhouette

HEIGHT, WIDTH = 200, 100
BOX = np.array([10, 10, 90, 190], np.float32)
NOBODY = np.zeros((0, 5), np.float32)


def standing() -> np.ndarray:
    """(17, 3) points of a standing figure in ``BOX``."""
    xy = np.array(FIGURE[:17]) * (80, 180) + 10
    return np.column_stack([xy, np.full(17, 2)]).astype(np.float32)


def figures_of(colours: dict[str, int]) -> tuple[Figures, dict[Path, np.ndarray]]:
    """One figure a photo, each photo of one grey level."""
    files = tuple(map(Path, colours))
    count = len(files)
    people = Figures(files, np.tile(BOX, (count, 1)), np.tile(standing(), (count, 1, 1)))
    photos = {Path(name): np.full((HEIGHT, WIDTH, 3), v, np.uint8) for name, v in colours.items()}
    return people, photos


def test_silhouette_covers_the_person_and_stays_in_the_box():
    mask = silhouette(standing(), BOX, (HEIGHT, WIDTH))
    for x, y in standing()[:, :2].astype(int):
        assert mask[y, x] == 255
    rows, columns = np.nonzero(mask)
    assert columns.min() >= 10 and columns.max() < 90 and rows.min() >= 10 and rows.max() < 190
    assert 0.15 < (mask > 0).mean() < 0.6  # neither sticks nor the whole box


@pytest.mark.parametrize("seed", range(6))
def test_boxes_hold_what_was_painted(seed):
    people, photos = figures_of({"a": 250})
    canvas = np.zeros((128, 128, 3), np.uint8)
    labels = add_group(
        np.random.default_rng(seed), canvas, np.zeros((0, 5), np.float32), people, photos
    )
    lit = canvas[..., 0] > 120
    inside = np.zeros_like(lit)
    for left, top, right, bottom, _ in labels.astype(int):
        assert 0 <= left < right <= 128 and 0 <= top < bottom <= 128
        region = np.s_[top:bottom, left:right]
        inside[region] = True
        # something of this person at every edge of the box
        assert lit[top, left:right].any() and lit[bottom - 1, left:right].any()
        assert lit[top:bottom, left].any() and lit[top:bottom, right - 1].any()
    assert not ((canvas[..., 0] > 200) & ~inside).any()
    assert set(labels[:, 4]) <= {PERSON, UNKNOWN}


def test_who_stands_behind_shrinks_to_what_is_seen():
    people, photos = figures_of({"a": 250})
    heights = []
    for seed in range(40):
        canvas = np.zeros((128, 128, 3), np.uint8)
        labels = add_group(
            np.random.default_rng(seed), canvas, np.zeros((0, 5), np.float32), people, photos
        )
        heights += [(b - t) / (r - le) for le, t, r, b, kind in labels if kind == PERSON]
    whole = 180 / 80
    assert np.median(heights) > 1 and max(heights) > whole * 1.2 and min(heights) < whole * 0.7


def test_covered_boxes_of_the_photo_are_not_taught():
    people, photos = figures_of({"a": 250})
    seen = {"kept": 0, "unknown": 0, "gone": 0}
    own = np.array([[60, 60, 68, 76, PERSON]], np.float32)
    for seed in range(60):
        canvas = np.zeros((128, 128, 3), np.uint8)
        labels = add_group(np.random.default_rng(seed), canvas, own, people, photos)
        covered = (canvas[60:76, 60:68, 0] > 127).mean()
        first = labels[0] if len(labels) and (labels[0, :4] == own[0, :4]).all() else None
        state = "gone" if first is None else "kept" if first[4] == PERSON else "unknown"
        seen[state] += 1
        assert (state == "kept") <= (covered < 0.6) and (state == "gone") <= (covered > 0.8)
    assert all(seen.values()), seen


def test_only_complete_figures_are_loaded(tmp_path):
    content = write_tiny_people(tmp_path, 4)
    for image in content["images"]:
        image["source"] = "wanted"
    content["images"][1]["source"] = "other"
    content["images"][2]["part"] = "upper"
    content["annotations"][3]["keypoints"][5 * 3 + 2] = 0  # no left shoulder
    (tmp_path / "train.json").write_text(json.dumps(content))
    people = load_figures(tmp_path / "train.json", tmp_path / "images", sources=("wanted",))
    assert [path.name for path in people.image] == ["train_1.png"]
    assert len(people.select([])) == 0 and len(people.select(people.image)) == 1
