"""Sizes, resized pixels and compositing equal those of the original app and its descendants."""

from __future__ import annotations

import hashlib
import json

import cv2
import numpy as np
import pytest

from dwpose_annotator import load_image
from dwpose_annotator.resize import (
    MULTIPLE,
    output_size_hw,
    resize_for_controlnet,
    resize_with_pad,
    short_side_hw,
)

# The cubic resizing of OpenCV 4.12 differs by 1 in about 1e-5 of the values.
EXACT = not cv2.__version__.startswith("4.12.")


@pytest.fixture(scope="module")
def info(parity_dir):
    return json.loads((parity_dir / "resize" / "info.json").read_text())


def test_output_sizes(info):
    columns = info["size_table_columns"]
    assert columns == "H,W,R, idea H,W, easy_dwpose H,W, comfy padded H,W, comfy un-padded H,W"
    assert info["size_table"]
    for height, width, resolution, *sizes in info["size_table"]:
        original, easy, padded, unpadded = (tuple(sizes[i : i + 2]) for i in range(0, 8, 2))
        assert output_size_hw((height, width), resolution) == original == easy
        short = short_side_hw((height, width), resolution)
        assert short == unpadded
        assert tuple(side + -side % MULTIPLE for side in short) == padded


def test_resized_pixels(info, parity_dir, recreate):
    assert info["sampled"]
    with np.load(parity_dir / "resize" / "resize.npz") as golden:
        for i, case in enumerate(info["sampled"]):
            image = recreate.synth_image(case["seed"], case["H"], case["W"])
            for ours, key, sample in (
                (resize_for_controlnet(image, case["R"]), "idea", f"idea{i}_sub"),
                (resize_with_pad(image, case["R"]), "comfy_padded", f"comfy_pad{i}_sub"),
            ):
                assert list(ours.shape) == case[f"{key}_shape"]
                difference = np.abs(ours[::16, ::16].astype(int) - golden[sample])
                assert difference.max() <= (0 if EXACT else 1)
                digest = hashlib.sha256(ours.tobytes()).hexdigest()
                assert not EXACT or digest == case[f"{key}_sha256"]


def test_unpadded_shape(info):
    for case in info["sampled"]:
        size_hw = short_side_hw((case["H"], case["W"]), case["R"])
        assert [*size_hw, 3] == case["comfy_shape"]


def test_grey_and_transparent_images(info, parity_dir, recreate):
    with np.load(parity_dir / "resize" / "resize.npz") as golden:
        rgba = recreate.synth_image(*info["hwc3"]["rgba"])
        np.testing.assert_array_equal(load_image(rgba), golden["hwc3_rgba"])
        grey = recreate.synth_image(*info["hwc3"]["gray"])
        np.testing.assert_array_equal(load_image(grey)[::8, ::8], golden["hwc3_gray_sub"])
