"""Map sizes and compositing equal the original app's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dwpose_annotator import load_image
from dwpose_annotator.images import output_size_hw


@pytest.fixture(scope="module")
def info(parity_dir):
    return json.loads((parity_dir / "resize" / "info.json").read_text())


def test_output_sizes(info):
    columns = info["size_table_columns"]
    assert columns.startswith("H,W,R, idea H,W")
    assert info["size_table"]
    for height, width, resolution, *sizes in info["size_table"]:
        assert output_size_hw((height, width), resolution) == tuple(sizes[:2])


def test_grey_and_transparent_images(info, parity_dir, recreate):
    with np.load(parity_dir / "resize" / "resize.npz") as golden:
        rgba = recreate.synth_image(*info["hwc3"]["rgba"])
        np.testing.assert_array_equal(load_image(rgba), golden["hwc3_rgba"])
        grey = recreate.synth_image(*info["hwc3"]["gray"])
        np.testing.assert_array_equal(load_image(grey)[::8, ::8], golden["hwc3_gray_sub"])
