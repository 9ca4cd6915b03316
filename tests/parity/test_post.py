"""Visible points equal the post-processing of the original annotator."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dwpose_annotator.draw import STYLES
from dwpose_annotator.draw_figures import visible_figures

TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def golden(parity_dir):
    with np.load(parity_dir / "post" / "idea_post.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def poses(parity_dir):
    return json.loads((parity_dir / "draw" / "poses.json").read_text())


def test_all_cases_are_compared(golden, poses):
    names = {key.partition(":")[0] for key in golden}
    assert names and names <= set(poses)


def test_visible_points(golden, poses):
    for name in {key.partition(":")[0] for key in golden}:
        case = poses[name]
        xy = np.array(case["keypoints_xy"], np.float64).reshape(-1, 133, 2)
        score = np.array(case["scores"], np.float64).reshape(-1, 133)
        size_wh = np.array([case["canvas_width"], case["canvas_height"]])
        figures = visible_figures(xy, score, STYLES["openpose"])

        rows = np.arange(len(xy) * 18).reshape(-1, 18)
        subset = np.where(figures.body.visible, rows, -1)
        np.testing.assert_array_equal(subset, golden[f"{name}:subset"], err_msg=name)
        close(figures.body.xy.reshape(-1, 2) / size_wh, golden[f"{name}:candidate"], name)
        for points, key in ((figures.hands, "hands"), (figures.faces, "faces")):
            shown = np.where(points.visible[..., None], points.xy / size_wh, -1)
            close(shown, golden[f"{name}:{key}"], name)


def close(ours, expected, name):
    assert ours.shape == expected.shape, name
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE, err_msg=name)
