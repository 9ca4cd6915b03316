"""Properties of boxes, crops and the SimCC codec."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dwpose_annotator import crop, simcc
from dwpose_annotator.network_input import POSE_INPUT, YOLOX_INPUT
from dwpose_annotator.skeleton import FLIP_INDEX
from dwpose_annotator.types import Boxes, SimCC

CROPS = st.sampled_from([(192, 256), (288, 384)])
COORDINATE = st.floats(-2000, 6000, width=32)
SIDE = st.floats(4, 4000, width=32)


@given(COORDINATE, COORDINATE, SIDE, SIDE, st.floats(-180, 180), CROPS, st.data())
def test_points_make_the_round_trip(left, top, width, height, rotation, crop_wh, data):
    center, scale = crop.box_to_center_scale(np.array([[left, top, left + width, top + height]]))
    matrix = crop.affine_to_crop(center[0], crop.fix_aspect(scale, crop_wh)[0], crop_wh, rotation)
    xy = np.array([[data.draw(COORDINATE), data.draw(COORDINATE)] for _ in range(3)])
    back = crop.transform_points(
        crop.transform_points(xy, matrix), crop.invert_affine(matrix[None])[0]
    )
    np.testing.assert_allclose(back, xy, atol=1e-3)


@given(COORDINATE, COORDINATE, SIDE, SIDE, CROPS)
def test_crop_people_and_back(left, top, width, height, crop_wh):
    """The stored float32 matrices are good to 1e-3 of an image pixel for points of the person."""
    assume(max(width, height) > 8)
    boxes = Boxes.from_xyxy([[left, top, left + width, top + height]])
    crops = crop.crop_people(np.zeros((8, 8, 3), np.uint8), boxes, crop_wh)
    corners = boxes.xyxy.reshape(1, 2, 2).astype(np.float64)
    inside = crop.transform_points(corners[0], crops.image_to_crop[0].astype(np.float64))
    assert (inside > -1).all()
    assert (inside < np.array(crop_wh) + 1).all()
    back = crop.crop_to_image(inside[None], crops.image_to_crop)
    np.testing.assert_allclose(back, corners, atol=1e-3)


@given(COORDINATE, COORDINATE, SIDE, SIDE, CROPS)
def test_crop_contains_the_padded_box_at_the_networks_aspect(left, top, width, height, crop_wh):
    center, scale = crop.box_to_center_scale(np.array([[left, top, left + width, top + height]]))
    fixed = crop.fix_aspect(scale, crop_wh)[0]
    assert (fixed >= scale[0] * (1 - 1e-5)).all()
    assert fixed[0] / fixed[1] == pytest.approx(crop_wh[0] / crop_wh[1], rel=1e-5)
    matrix = crop.affine_to_crop(center[0], fixed, crop_wh)
    np.testing.assert_allclose(
        crop.transform_points(center[0], matrix), np.array(crop_wh) / 2, atol=0.01
    )


@given(CROPS, st.data())
def test_encode_then_decode_is_within_half_a_bin(crop_wh, data):
    xy = np.array(
        [
            [data.draw(st.floats(0, side - 0.75)) for side in crop_wh]
            for _ in range(data.draw(st.integers(1, 4)))
        ]
    )[None]
    label_x, label_y, weight = simcc.encode(xy, np.ones(xy.shape[:2]), crop_wh)
    decoded, score = simcc.decode(SimCC(label_x, label_y))
    assert (weight == 1).all()
    np.testing.assert_allclose(decoded, xy, atol=0.5 / simcc.SPLIT_RATIO + 1e-6)
    np.testing.assert_allclose(score, 1)


@given(st.integers(0, 2**32 - 1))
def test_flip_merge_undoes_a_mirrored_copy(seed):
    """Logits merged with their own mirror image, as a perfect network gives it, stay the same."""
    rng = np.random.RandomState(seed)
    logits = SimCC(rng.randn(1, 133, 8), rng.randn(1, 133, 6))
    mirrored = SimCC(logits.x[:, FLIP_INDEX, ::-1], logits.y[:, FLIP_INDEX])
    merged = simcc.merge_flip(logits, mirrored, FLIP_INDEX)
    np.testing.assert_allclose(merged.x, logits.x, atol=1e-6)
    np.testing.assert_allclose(merged.y, logits.y, atol=1e-6)


def test_batches_are_normalised_in_the_weights_order():
    pixels = np.random.RandomState(0).randint(0, 256, (2, 5, 4, 3), np.uint8)
    plain = pixels.astype(np.float64)
    mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    expected = ((plain - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    batch = POSE_INPUT.to_batch(pixels)
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, expected)
    np.testing.assert_array_equal(
        YOLOX_INPUT.to_batch(list(pixels)), plain[..., ::-1].transpose(0, 3, 1, 2)
    )
