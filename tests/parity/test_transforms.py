"""The deterministic parts of the augmentations against the reference's."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from dwpose_annotator import crop
from train.transforms import (
    LOWER_BODY,
    UPPER_BODY,
    Window,
    hsv_jitter,
    jitter,
    mirror,
    window_around,
)


@pytest.fixture(scope="module")
def golden(parity_dir):
    with np.load(parity_dir / "geometry" / "geometry.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def info(parity_dir):
    return json.loads((parity_dir / "geometry" / "info.json").read_text())


@pytest.fixture(scope="module")
def image(info, recreate):
    made = info["synthetic"]
    return recreate.synth_image(made["seed"], made["H"], made["W"])


@pytest.fixture(scope="module")
def windows(golden):
    return [
        Window(*box) for box in zip(*crop.box_to_center_scale(golden["boxes_xyxy"]), strict=True)
    ]


def test_flip(golden, image, windows):
    people = zip(
        golden["flip_visible_in"],
        golden["flip_keypoints_out"],
        golden["flip_visible_out"],
        strict=True,
    )
    for person, (visible, expected_xy, expected_visible) in enumerate(people):
        xy = golden["keypoints"][person]
        flipped, _, new_xy, new_visible = mirror(image, windows[person].center, xy, visible)
        np.testing.assert_allclose(new_xy, expected_xy, atol=1e-3)
        np.testing.assert_array_equal(new_visible, expected_visible)
        np.testing.assert_array_equal(flipped, np.fliplr(image))
    for window, expected in zip(windows, golden["flip_center_out"], strict=True):
        _, center, _, _ = mirror(image, window.center, golden["keypoints"][0], visible)
        np.testing.assert_allclose(center, expected, atol=1e-3)


def test_half_body(golden, info):
    cases = zip(
        info["half_body_ids"], golden["half_body_center"], golden["half_body_scale"], strict=True
    )
    for person, (ids, center, scale) in enumerate(cases):
        window = window_around(golden["keypoints"][person][ids])
        np.testing.assert_allclose(window.center, center, atol=1e-3)
        np.testing.assert_allclose(window.scale_wh, scale, atol=1e-3)


def test_body_halves(golden):
    everything = np.arange(133)
    np.testing.assert_array_equal(everything[UPPER_BODY], golden["upper_body_ids"])
    np.testing.assert_array_equal(everything[LOWER_BODY], golden["lower_body_ids"])


def test_jitter(golden, windows):
    draws = zip(
        golden["jitter_offset"],
        golden["jitter_scale"][:, 0].tolist(),
        golden["jitter_rotate"].tolist(),
        golden["jitter_center_out"],
        golden["jitter_scale_out"],
        strict=True,
    )
    for window, (offset, factor, rotation, center, scale) in zip(windows, draws, strict=False):
        moved = jitter(window, offset, factor, rotation)
        np.testing.assert_allclose(moved.center, center, atol=1e-3)
        np.testing.assert_allclose(moved.scale_wh, scale, atol=1e-3)
        assert moved.rotation_deg == rotation


def test_hsv_jitter(golden, image):
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # the set calls the same array BGR
    for number, gains in enumerate(golden["hsv_gains"]):
        bgr = cv2.cvtColor(hsv_jitter(rgb, gains), cv2.COLOR_RGB2BGR)
        np.testing.assert_array_equal(bgr[::9, ::9], golden[f"hsv_out{number}_sub"])
