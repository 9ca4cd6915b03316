"""Every drawing style equals its original, pixel for pixel."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from dwpose_annotator import Poses, draw_poses
from dwpose_annotator.draw import STYLES, draw_figures
from dwpose_annotator.draw_figures import visible_figures

# Prefix of the golden pictures -> style and switches.
GOLDEN = {
    "a_idea": ("openpose", {}),
    "b_comfy": ("controlnet_aux", {}),
    "b_comfy_bodyonly": ("controlnet_aux", {"hands": False, "face": False}),
    "b_comfy_xinsir": ("xinsir", {}),
    "c_easy": ("easy_dwpose", {}),
    "d_mimic": ("mimic_motion", {}),
    "e_muse_face": ("musepose", {"face": True}),
    "e_muse_noface": ("musepose", {"face": False}),
}
# Lines that leave the canvas are drawn differently from OpenCV 4.13 on.
OLD_OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2]) < (4, 13)


@pytest.fixture(scope="module")
def cases(parity_dir):
    """name -> ((N, 133, 2) float64 points, (N, 133) scores, size of the canvas)"""
    stored = json.loads((parity_dir / "draw" / "poses.json").read_text())
    return {
        name: (
            np.array(case["keypoints_xy"], np.float64).reshape(-1, 133, 2),
            np.array(case["scores"], np.float64).reshape(-1, 133),
            (case["canvas_height"], case["canvas_width"]),
        )
        for name, case in stored.items()
    }


def pictures(parity_dir, cases):
    """(prefix, case, file) of every golden picture; the prefix is what remains of the name."""
    for file in sorted((parity_dir / "draw").glob("*.png")):
        case = max((name for name in cases if file.stem.endswith(f"_{name}")), key=len)
        yield file.stem.removesuffix(f"_{case}"), case, file


def read_rgb(file):
    old = file.parent / "opencv_before_4.13" / file.name
    return cv2.cvtColor(
        cv2.imread(str(old if OLD_OPENCV and old.exists() else file)), cv2.COLOR_BGR2RGB
    )


def test_every_picture_has_a_style(parity_dir, cases):
    assert {prefix for prefix, _, _ in pictures(parity_dir, cases)} == set(GOLDEN)


@pytest.mark.parametrize("prefix", GOLDEN)
def test_pixels(prefix, parity_dir, cases):
    name, switches = GOLDEN[prefix]
    style = STYLES[name]
    differing = {}
    for _, case, file in (row for row in pictures(parity_dir, cases) if row[0] == prefix):
        xy, score, size_hw = cases[case]
        figures = visible_figures(xy, score, style, **switches)
        drawn = draw_figures(figures, style, image_hw=size_hw, size_hw=size_hw)
        differing[case] = int((drawn != read_rgb(file)).any(axis=-1).sum())
    assert differing
    assert set(differing.values()) == {0}, differing


@pytest.mark.parametrize("prefix", GOLDEN)
def test_pixels_of_stored_poses(prefix, parity_dir, cases):
    """``Poses`` are float32, and the figures have limbs whose length is a whole number of pixels:
    the last digit decides whether such a limb is drawn one pixel shorter.
    """
    name, switches = GOLDEN[prefix]
    for _, case, file in (row for row in pictures(parity_dir, cases) if row[0] == prefix):
        xy, score, size_hw = cases[case]
        count = len(xy)
        poses = Poses(xy, score, np.zeros((count, 4)), np.ones(count), size_hw)
        drawn = draw_poses(poses, name, **switches)
        assert (drawn != read_rgb(file)).any(axis=-1).mean() <= 0.001, case
