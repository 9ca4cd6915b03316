"""SimCC labels and decoding equal the reference's."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from dwpose_annotator import simcc
from dwpose_annotator.types import SimCC

CROP_WH = {"256": (192, 256), "384": (288, 384)}


@pytest.fixture(scope="module")
def golden(parity_dir):
    with np.load(parity_dir / "codec" / "codec.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def inputs(recreate, parity_seed):
    return recreate.codec_inputs(parity_seed)


@pytest.mark.parametrize("tag", CROP_WH)
def test_labels(tag, golden, inputs):
    keypoints, visible, _, _ = inputs[tag]
    np.testing.assert_array_equal(keypoints, golden[f"enc{tag}_keypoints"])

    label_x, label_y, weight = simcc.encode(keypoints, visible, CROP_WH[tag])

    np.testing.assert_allclose(label_x, golden[f"enc{tag}_label_x"], atol=1e-6, rtol=0)
    np.testing.assert_allclose(label_y, golden[f"enc{tag}_label_y"], atol=1e-6, rtol=0)
    np.testing.assert_array_equal(weight, golden[f"enc{tag}_weights"])


@pytest.mark.parametrize("tag", CROP_WH)
def test_decode_is_exact(tag, golden, inputs):
    _, _, x, y = inputs[tag]
    digests = [hashlib.sha256(logits.tobytes()).hexdigest() for logits in (x, y)]
    assert digests == golden[f"dec{tag}_sha"].tolist()

    xy, score = simcc.decode(SimCC(x, y))

    np.testing.assert_array_equal(xy, golden[f"dec{tag}_keypoints"])
    np.testing.assert_array_equal(score, golden[f"dec{tag}_scores"])
