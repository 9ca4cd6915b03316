"""Augmentations: pixels and labels move together, draws stay in their ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwpose_annotator import crop, skeleton
from dwpose_annotator.types import Boxes
from train.transforms import (
    LOWER_BODY,
    NO_AUGMENTATION,
    UPPER_BODY,
    Augmentation,
    Window,
    augment,
    black_out,
    draw_half_body,
    draw_hsv_gains,
    draw_jitter,
    draw_pixel_noise,
    hsv_jitter,
    jitter,
    mirror,
    truncated_normal,
    window_around,
)

CROP_WH = (96, 128)
IMAGE_HW = (150, 130)
GEOMETRY_ONLY = {"hsv": False, "blur": 0, "median_blur": 0, "dropout": 0}
xy_of_light = st.tuples(st.integers(40, 90), st.integers(50, 100))


def _lit(x, y):
    """A black image with a bright, symmetric spot around one pixel."""
    rows, columns = np.mgrid[: IMAGE_HW[0], : IMAGE_HW[1]]
    spot = 255 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 2.0**2))
    return np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)


def _brightest(image):
    """(x, y) centre of brightness."""
    weight = image[..., 0].astype(float)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def _inside(point, margin=8):
    return all(margin < v < side - margin for v, side in zip(point, CROP_WH, strict=True))


def _assert_follows(image, point, window):
    matrix = window.matrix(CROP_WH)
    moved = crop.transform_points(np.asarray(point, float), matrix)
    if _inside(moved):
        found = _brightest(crop.warp_crop(image, matrix, CROP_WH))
        np.testing.assert_allclose(found, moved, atol=0.35)
    return _inside(moved)


@given(xy_of_light)
@settings(max_examples=20, deadline=None)
def test_pixel_follows_the_mirror(light):
    image, xy = _lit(*light), np.zeros((133, 2), np.float32)
    xy[9] = light
    visible = np.zeros(133, np.float32)
    visible[9] = 1
    flipped, center, new_xy, new_visible = mirror(image, np.float32(light), xy, visible)

    other = int(skeleton.FLIP_INDEX[9])
    assert new_visible[other] == 1 and new_visible.sum() == 1
    np.testing.assert_allclose(_brightest(flipped), new_xy[other], atol=0.05)
    np.testing.assert_allclose(center, new_xy[other])


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_mirror_twice_is_identity(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*IMAGE_HW, 3), np.uint8)
    center = rng.integers(0, 130, 2).astype(np.float32)
    xy = rng.integers(-20, 150, (133, 2)).astype(np.float32)
    visible = rng.integers(0, 2, 133).astype(np.float32)
    for before, after in zip(
        (image, center, xy, visible),
        mirror(*mirror(image, center, xy, visible)),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)


@given(
    xy_of_light,
    st.tuples(st.floats(-0.16, 0.16), st.floats(-0.16, 0.16)),
    st.floats(0.6, 1.4),
    st.floats(-90, 90),
)
@settings(max_examples=60, deadline=None)
def test_pixel_follows_the_jittered_window(light, offset, factor, rotation):
    window = Window(np.float32([65, 75]), np.float32([90, 110]))
    _assert_follows(_lit(*light), light, jitter(window, np.array(offset), factor, rotation))


@given(xy_of_light, st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_pixel_follows_the_half_body_window(light, seed):
    points = np.random.default_rng(seed).uniform(35, 100, (5, 2)).astype(np.float32)
    points[0] = light
    _assert_follows(_lit(*light), light, window_around(points))


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_pixel_follows_its_keypoint_through_the_pipeline(flip):
    aug = Augmentation(flip=flip, half_body=0.5, **GEOMETRY_ONLY)
    point = 9  # a wrist, so that left and right are told apart
    label = int(skeleton.FLIP_INDEX[point]) if flip else point
    seen = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        xy = rng.uniform(35, 100, (133, 2)).astype(np.float32)
        xy[point] = rng.integers(45, 85, 2)
        box = np.float32([30, 20, 105, 130])
        pixels, labels = augment(
            rng, _lit(*xy[point]), box, xy, np.ones(133, np.float32), crop_wh=CROP_WH, aug=aug
        )
        assert pixels.shape == (CROP_WH[1], CROP_WH[0], 3) and pixels.dtype == np.uint8
        assert labels.shape == (133, 3) and labels.dtype == np.float32
        if _inside(labels[label, :2]):
            np.testing.assert_allclose(_brightest(pixels), labels[label, :2], atol=0.35)
            seen += 1
    assert seen > 15


def test_without_augmentation_training_sees_what_inference_sees():
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (*IMAGE_HW, 3), np.uint8)
    box, xy = np.float32([20, 10, 90, 140]), rng.uniform(0, 130, (133, 2)).astype(np.float32)
    pixels, labels = augment(
        rng, image, box, xy, np.ones(133, np.float32), crop_wh=CROP_WH, aug=NO_AUGMENTATION
    )
    crops = crop.crop_people(image, Boxes.from_xyxy(box[None]), CROP_WH)
    np.testing.assert_array_equal(pixels, crops.pixels[0])
    back = crop.crop_to_image(labels[None, :, :2], crops.image_to_crop)
    np.testing.assert_allclose(back[0], xy, atol=1e-3)


def test_half_body_needs_enough_points():
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 100, (133, 2)).astype(np.float32)

    def visible(*ids):
        mask = np.zeros(133, np.float32)
        mask[list(ids)] = 1
        return mask

    hand = range(91, 100)
    assert draw_half_body(rng, xy, visible(*range(8))) is None  # 8 labelled points
    assert draw_half_body(rng, xy, visible(0, 11, 12, *hand)) is None  # 1 upper, 2 lower
    lower = draw_half_body(rng, xy, visible(0, 11, 12, 13, *hand))
    np.testing.assert_array_equal(lower.center, xy[[11, 12, 13]].mean(axis=0))
    upper = draw_half_body(rng, xy, visible(5, 6, 11, 12, *hand))
    np.testing.assert_allclose(upper.center, xy[[5, 6]].mean(axis=0))
    straight = xy.copy()
    straight[:, 0] = 50
    assert draw_half_body(rng, straight, visible(*range(23))) is None  # no width to crop


def test_half_body_prefers_the_upper_half():
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 100, (133, 2)).astype(np.float32)
    visible = np.ones(133, np.float32)
    above = xy[UPPER_BODY].mean(axis=0)
    windows = [draw_half_body(rng, xy, visible) for _ in range(1000)]
    share = np.mean([np.allclose(window.center, above) for window in windows])
    assert share == pytest.approx(0.7, abs=0.05)
    below = next(w for w in windows if not np.allclose(w.center, above))
    np.testing.assert_allclose(below.center, xy[LOWER_BODY].mean(axis=0), rtol=1e-5)


def test_truncated_normal():
    draws = truncated_normal(np.random.default_rng(0), 20_000)
    assert np.abs(draws).max() <= 1
    # Standard deviation of the standard normal cut to [-1, 1].
    assert draws.std() == pytest.approx(0.5397, abs=0.01)


def test_jitter_stays_in_its_ranges():
    rng = np.random.default_rng(0)
    window = Window(np.float32([100, 100]), np.float32([80, 120]))
    aug = Augmentation()
    moved = [draw_jitter(rng, window, aug) for _ in range(2000)]
    offsets = np.array([(w.center - window.center) / window.scale_wh for w in moved])
    factors = np.array([w.scale_wh[0] / window.scale_wh[0] for w in moved])
    turns = np.array([w.rotation_deg for w in moved])

    assert np.abs(offsets).max() <= 0.16 + 1e-6
    assert (np.abs(offsets).max(axis=1) > 0).mean() == pytest.approx(0.3, abs=0.04)
    assert 0.6 - 1e-6 <= factors.min() < 0.7 and 1.3 < factors.max() <= 1.4 + 1e-6
    assert np.abs(turns).max() <= 80 and (turns != 0).mean() == pytest.approx(0.6, abs=0.04)


def test_pixel_noise():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (128, 96, 3), np.uint8)
    off = Augmentation(hsv=False, blur=0, median_blur=0, dropout=0)
    assert draw_pixel_noise(rng, image, off) is image

    only_hole = Augmentation(hsv=False, blur=0, median_blur=0)
    holed = draw_pixel_noise(rng, np.full_like(image, 255), only_hole)
    hole = np.argwhere(holed[..., 0] == 0)
    height, width = hole.max(axis=0) - hole.min(axis=0) + 1
    assert len(hole) == height * width
    assert 0.19 * 128 <= height <= 0.4 * 128 and 0.19 * 96 <= width <= 0.4 * 96


def test_black_out_and_hsv_gains():
    image = np.full((6, 6, 3), 9, np.uint8)
    black_out(image, 1, 2, 3, 2)
    assert (image == 0).sum() == 3 * 2 * 3
    gains = np.array([draw_hsv_gains(np.random.default_rng(i)) for i in range(500)])
    assert (np.abs(gains) <= (5, 30, 30)).all() and (np.abs(gains).max(axis=0) >= (4, 28, 28)).all()
    assert (gains[:, 1] == 0).mean() == pytest.approx(0.5, abs=0.08)
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (hsv_jitter(grey, np.array([0, 0, 30])) == 130).all()
    assert (hsv_jitter(grey, np.array([0, 0, -200])) == 0).all()
