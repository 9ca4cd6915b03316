"""What users type and connect to choose people."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from dwpose_annotator import Boxes
from tests.comfy_pack import comfyui

THREE = Boxes(
    np.array([[100, 0, 140, 50], [0, 0, 30, 30], [50, 0, 120, 90]]), np.array([0.9, 0.8, 0.7])
)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    with comfyui(tmp_path_factory.mktemp("comfyui")) as core:
        yield core.part("people")


@pytest.mark.parametrize(
    "text, expected",
    [("", None), ("  ", None), ("0", [0]), ("0,2", [0, 2]), (" 1 , -1 ", [1, -1])],
)
def test_indices(people, text, expected):
    assert people.parse_indices(text) == expected


@pytest.mark.parametrize("text", ["a", "1,,2", "1;2", "0.5"])
def test_other_text_is_refused_with_an_example(people, text):
    with pytest.raises(ValueError, match=r"such as 0 or 0,2 .* but got"):
        people.parse_indices(text)


@pytest.mark.parametrize(
    "order, indices, most, lefts",
    [
        ("score", None, None, [100, 0, 50]),
        ("largest", None, 1, [50]),
        ("left-to-right", [-1], None, [100]),
        ("left-to-right", [0, 1], None, [0, 50]),
        ("score", [7], None, []),
    ],
)
def test_order_places_and_number(people, order, indices, most, lefts):
    choose = people.PeopleChoice(order, indices, most, None, (100, 200))
    assert choose(0, THREE).xyxy[:, 0].tolist() == lefts


def test_one_mask_for_all_frames_or_one_each(people):
    mask = torch.zeros(2, 10, 20)
    mask[0, :, 10:] = 1
    mask[1, :, :3] = 1
    each = people.PeopleChoice("score", None, None, mask, (100, 200))
    assert each(0, THREE).xyxy[:, 0].tolist() == [100, 50]
    assert each(1, THREE).xyxy[:, 0].tolist() == [0]
    assert each(5, THREE).xyxy[:, 0].tolist() == [0]


def test_masks_of_any_shape_and_a_word_about_empty_ones(people, caplog):
    assert people.flat_mask(None) is None
    assert people.flat_mask(torch.ones(4, 6)).shape == (1, 4, 6)
    assert people.flat_mask(torch.ones(3, 1, 4, 6)).shape == (3, 4, 6)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        people.flat_mask(torch.zeros(1, 64, 64))
    assert "the mask is empty" in caplog.text


BOX = {"x": 10, "y": 20, "width": 30, "height": 40}


@pytest.mark.parametrize(
    "value, counts",
    [
        (BOX, [1, 1, 1]),
        ([BOX, BOX], [2, 2, 2]),
        ([[BOX], [], [BOX, BOX]], [1, 0, 2]),
        ([[BOX], None], [1, 0, 0]),
        ([], [0, 0, 0]),
        ([[]], [0, 0, 0]),
    ],
)
def test_bounding_boxes_of_comfyui(people, value, counts):
    boxes = people.boxes_from_comfy(value, 3)
    assert [len(frame) for frame in boxes] == counts
    for frame in boxes:
        assert frame.xyxy.tolist() == [[10, 20, 40, 60]] * len(frame)


@pytest.mark.parametrize("value", ["box", 3, [[{"x": 1}]], [[[0, 0, 1, 1]]]])
def test_other_boxes_are_refused(people, value):
    with pytest.raises(ValueError, match="x, y, width"):
        people.boxes_from_comfy(value, 1)


def test_boxes_go_round(people):
    again = people.boxes_from_comfy(people.boxes_to_comfy([THREE]), 1)
    np.testing.assert_array_equal(again[0].xyxy, THREE.xyxy)
    assert people.boxes_from_comfy(None, 4) is None
