"""POSE_KEYPOINT equals comfyui_controlnet_aux's, and its files are read as they are meant."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dwpose_annotator import Poses, from_openpose_json, to_openpose_json
from dwpose_annotator.openpose_json import SCHEMAS, openpose_points, person_arrays
from dwpose_annotator.openpose_schema import FACE_KEY, PARTS_18

TOLERANCE = 1e-6  # pixels
# Name of a stored frame after "__" -> what was switched off.
TOGGLES = {"": {}, "hands_only_toggle": {"body": False, "face": False}}


@pytest.fixture(scope="module")
def frames(parity_dir):
    stored = json.loads((parity_dir / "json" / "comfy_pose_keypoint.json").read_text())
    assert stored
    return stored


@pytest.fixture(scope="module")
def cases(parity_dir):
    return json.loads((parity_dir / "draw" / "poses.json").read_text())


def arrays(case):
    return (
        np.array(case["keypoints_xy"], np.float64).reshape(-1, 133, 2),
        np.array(case["scores"], np.float64).reshape(-1, 133),
    )


def stored_poses(case):
    xy, score = arrays(case)
    size_hw = (case["canvas_height"], case["canvas_width"])
    return Poses(xy, score, np.zeros((len(xy), 4)), np.ones(len(xy)), size_hw)


def assert_same_frame(ours, expected, atol, rtol=0.0):
    assert ours.keys() == expected.keys()
    assert ours["canvas_height"] == expected["canvas_height"]
    assert ours["canvas_width"] == expected["canvas_width"]
    assert len(ours["people"]) == len(expected["people"])
    for person, reference in zip(ours["people"], expected["people"], strict=True):
        assert person.keys() == reference.keys()
        for key, values in reference.items():
            if values is None:
                assert person[key] is None, key
                continue
            assert len(person[key]) == len(values), key
            np.testing.assert_allclose(person[key], values, rtol=rtol, atol=atol, err_msg=key)


def test_writer_in_full_precision(frames, cases):
    layout = SCHEMAS["controlnet_aux"]
    compared = 0
    for name, expected in frames.items():
        case, _, toggle = name.partition("__")
        if toggle:
            continue
        xy, c = openpose_points(*arrays(cases[case]))
        ours = {
            "people": [person_arrays(points, c[i], layout) for i, points in enumerate(xy)],
            "canvas_height": cases[case]["canvas_height"],
            "canvas_width": cases[case]["canvas_width"],
        }
        assert_same_frame(ours, expected, TOLERANCE)
        compared += 1
    assert compared == len(cases)


def test_writer(frames, cases):
    """``Poses`` are float32, so the numbers are too."""
    for name, expected in frames.items():
        case, _, toggle = name.partition("__")
        poses = stored_poses(cases[case])
        ours = to_openpose_json(poses, schema="controlnet_aux", **TOGGLES[toggle])
        assert_same_frame(ours, expected, TOLERANCE, rtol=float(np.finfo(np.float32).eps))


def test_reader(frames):
    names = list(frames)
    read = from_openpose_json([frames[name] for name in names])
    for name, poses in zip(names, read, strict=True):
        frame = frames[name]
        assert poses.size_hw == (frame["canvas_height"], frame["canvas_width"])
        assert len(poses) == len(frame["people"])
        for i, person in enumerate(frame["people"]):
            for key, values in person.items():
                indices = list(PARTS_18[key])[: 68 if key == FACE_KEY else None]
                kept = np.array([index for index in indices if index < 133])
                rows = [row for row, index in enumerate(indices) if index < 133]
                expected = np.zeros((len(PARTS_18[key]), 3))
                if values is not None:
                    expected = np.array(values).reshape(-1, 3)
                np.testing.assert_array_equal(poses.score[i, kept], expected[rows, 2])
                np.testing.assert_array_equal(
                    poses.xy[i, kept], expected[rows, :2].astype(np.float32)
                )
