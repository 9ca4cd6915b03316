"""Boxes of the frames between those that were detected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwpose_annotator import Boxes
from dwpose_annotator.keyframes import fill_between, iou, key_frames, match_boxes

NOBODY = Boxes.from_xyxy(np.zeros((0, 4)))


@given(st.integers(0, 40), st.integers(1, 12))
def test_key_frames_begin_end_and_keep_their_distance(count, every):
    frames = key_frames(count, every)
    assert frames == sorted(set(frames))
    if count:
        assert frames[0] == 0
        assert frames[-1] == count - 1
        assert max(np.diff(frames), default=0) <= every
    else:
        assert frames == []


def test_every_frame_is_a_key_frame_by_default():
    assert key_frames(5, 1) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="every 1 or more frames, got 0"):
        key_frames(5, 0)


def test_known_frames_stay_and_a_person_moves_linearly():
    first = Boxes(np.array([[0, 0, 100, 200]]), np.array([0.9]))
    last = Boxes(np.array([[40, 8, 140, 208]]), np.array([0.5]))
    filled = fill_between({0: first, 4: last}, 5)
    assert filled[0] is first
    assert filled[4] is last
    np.testing.assert_allclose([boxes.xyxy[0, 0] for boxes in filled], [0, 10, 20, 30, 40])
    np.testing.assert_allclose([boxes.score[0] for boxes in filled], [0.9, 0.8, 0.7, 0.6, 0.5])


def test_people_who_trade_places_in_the_list_are_not_mixed_up():
    left, right = [0, 0, 50, 100], [200, 0, 250, 100]
    known = {0: Boxes.from_xyxy([left, right]), 2: Boxes.from_xyxy([right, left])}
    np.testing.assert_array_equal(fill_between(known, 3)[1].xyxy, [left, right])


def test_somebody_without_a_partner_is_there_in_the_nearer_half():
    box = Boxes.from_xyxy([[0, 0, 50, 100]])
    assert [len(b) for b in fill_between({0: box, 5: NOBODY}, 6)] == [1, 1, 1, 0, 0, 0]
    assert [len(b) for b in fill_between({0: NOBODY, 5: box}, 6)] == [0, 0, 0, 1, 1, 1]


def test_both_ends_must_be_known():
    assert fill_between({}, 0) == []
    with pytest.raises(ValueError, match=r"frames 0 and 3, got frames \[0, 2\]"):
        fill_between({0: NOBODY, 2: NOBODY}, 4)


side = st.floats(1, 300)
boxes = st.lists(st.tuples(side, side, side, side), max_size=6).map(
    lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows], np.float32).reshape(-1, 4)
)


@given(boxes, boxes)
def test_matches_are_one_to_one_and_overlap(first, second):
    pairs = match_boxes(first, second)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    overlap = iou(first, second)
    assert (overlap >= 0).all()
    assert (overlap <= 1 + 1e-6).all()
    assert all(overlap[pair] >= 0.2 for pair in pairs)


@given(boxes)
def test_a_box_matches_itself(rows):
    distinct = np.unique(rows, axis=0)
    overlap = iou(distinct, distinct)
    np.testing.assert_allclose(np.diag(overlap), 1, rtol=1e-5)
