"""THE keypoint table: names, parts, mirror pairs, sigmas, and the OpenPose view of them.

Source of order, sigmas and links: COCO-WholeBody v1.0 (coco_wholebody.py of open-mmlab/mmpose).
Source of the OpenPose mapping, limbs and colours: the annotator of
IDEA-Research/DWPose, branch ``onnx``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BODY = slice(0, 17)
FEET = slice(17, 23)
FACE = slice(23, 91)
LEFT_HAND = slice(91, 112)
RIGHT_HAND = slice(112, 133)
NUM_KEYPOINTS = 133

LEFT_SHOULDER, RIGHT_SHOULDER = 5, 6

_BODY_NAMES = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
_FOOT_NAMES = (
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
)
_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")


def _hand_names(side: str) -> list[str]:
    joints = [f"{side}_{finger}{joint}" for finger in _FINGERS for joint in range(1, 5)]
    return [f"{side}_hand_root", *joints]


KEYPOINT_NAMES: tuple[str, ...] = (
    *_BODY_NAMES,
    *_FOOT_NAMES,
    *(f"face-{i}" for i in range(68)),
    *_hand_names("left"),
    *_hand_names("right"),
)

# iBUG-68 landmarks that trade places in a mirror; the others lie on the midline.
_FACE_PAIRS = (
    *((i, 16 - i) for i in range(8)),
    *((17 + i, 26 - i) for i in range(5)),
    *((31, 35), (32, 34)),
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)),
)
FLIP_PAIRS: tuple[tuple[int, int], ...] = (
    *((i, i + 1) for i in range(1, 17, 2)),
    *((i, i + 3) for i in range(17, 20)),
    *((FACE.start + a, FACE.start + b) for a, b in _FACE_PAIRS),
    *((LEFT_HAND.start + i, RIGHT_HAND.start + i) for i in range(21)),
)


def _flip_index() -> NDArray[np.int64]:
    index = np.arange(NUM_KEYPOINTS)
    for a, b in FLIP_PAIRS:
        index[a], index[b] = b, a
    index.setflags(write=False)
    return index


FLIP_INDEX: NDArray[np.int64] = _flip_index()  # mirrored[i] = original[FLIP_INDEX[i]]

# fmt: off
_HAND_SIGMAS = (
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026,
    0.017, 0.021, 0.021, 0.032, 0.020, 0.019, 0.022, 0.031,
)
SIGMAS: tuple[float, ...] = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107,
    0.087, 0.087, 0.089, 0.089, 0.068, 0.066, 0.066, 0.092, 0.094, 0.094, 0.042, 0.043, 0.044,
    0.043, 0.040, 0.035, 0.031, 0.025, 0.020, 0.023, 0.029, 0.032, 0.037, 0.038, 0.043, 0.041,
    0.045, 0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015, 0.009, 0.007,
    0.007, 0.007, 0.012, 0.009, 0.008, 0.016, 0.010, 0.017, 0.011, 0.009, 0.011, 0.009, 0.007,
    0.013, 0.008, 0.011, 0.012, 0.010, 0.034, 0.008, 0.008, 0.009, 0.008, 0.008, 0.007, 0.010,
    0.008, 0.009, 0.009, 0.009, 0.007, 0.007, 0.008, 0.011, 0.008, 0.008, 0.008, 0.010, 0.008,
    *_HAND_SIGMAS, *_HAND_SIGMAS,
)

HAND_LINKS: tuple[tuple[int, int], ...] = (
    (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (0, 9), (9, 10), (10, 11),
    (11, 12), (0, 13), (13, 14), (14, 15), (15, 16), (0, 17), (17, 18), (18, 19), (19, 20),
)
# COCO-WholeBody's own drawing links (not OpenPose's), used by training sheets and tests.
WHOLEBODY_LINKS: tuple[tuple[int, int], ...] = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
    (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
    (15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22),
    *((LEFT_HAND.start + a, LEFT_HAND.start + b) for a, b in HAND_LINKS),
    *((RIGHT_HAND.start + a, RIGHT_HAND.start + b) for a, b in HAND_LINKS),
)

# ---- OpenPose view ---------------------------------------------------------------------------
OPENPOSE_BODY_NAMES = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
    "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip",
    "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
)
# COCO index behind OpenPose body point i; -1 is the neck, which COCO does not have.
OPENPOSE_FROM_COCO = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
OPENPOSE_NECK = 1
# 0-based OpenPose pairs in drawing order; the reference never draws its last two (ear-shoulder).
OPENPOSE_LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
    (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)
# Foot limbs of OpenPose's BODY_25; points 18..23 are COCO's feet. Limb i ends at foot point i.
OPENPOSE_FOOT_LIMBS: tuple[tuple[int, int], ...] = (
    (13, 18), (18, 19), (13, 20), (10, 21), (21, 22), (10, 23),
)
OPENPOSE_COLOURS: tuple[tuple[int, int, int], ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0,
    255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0,
    255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)
# fmt: on


class OpenPosePoints(NamedTuple):
    """Poses in OpenPose's arrangement; each ``*_score`` array goes with the points before it."""

    body: NDArray[np.floating]  # (N, 18, 2)
    body_score: NDArray[np.floating]  # (N, 18); the neck's is 1 or 0
    feet: NDArray[np.floating]  # (N, 6, 2)
    feet_score: NDArray[np.floating]
    face: NDArray[np.floating]  # (N, 68, 2)
    face_score: NDArray[np.floating]
    left_hand: NDArray[np.floating]  # (N, 21, 2)
    left_hand_score: NDArray[np.floating]
    right_hand: NDArray[np.floating]  # (N, 21, 2)
    right_hand_score: NDArray[np.floating]


def to_openpose(
    xy: NDArray[np.floating], score: NDArray[np.floating], *, neck_threshold: float = 0.3
) -> OpenPosePoints:
    """Rearrange (N, 133, 2) points and (N, 133) scores into OpenPose's parts.

    The neck is the mean of the shoulders, with score 1 if both shoulder scores exceed
    ``neck_threshold`` and 0 otherwise. Computed in float64: the reference compares float32 scores
    with a float64 0.3, so float32(0.3) passes.
    Source: IDEA-Research/DWPose, branch ``onnx``, annotator/dwpose/wholebody.py.
    """
    xy = np.asarray(xy, dtype=np.float64)
    score = np.asarray(score, dtype=np.float64)
    shoulders = [LEFT_SHOULDER, RIGHT_SHOULDER]
    neck = xy[:, shoulders].mean(axis=1)
    neck_score = (score[:, shoulders] > neck_threshold).all(axis=1).astype(np.float64)
    body = xy[:, OPENPOSE_FROM_COCO]
    body_score = score[:, OPENPOSE_FROM_COCO]
    body[:, OPENPOSE_NECK] = neck
    body_score[:, OPENPOSE_NECK] = neck_score
    return OpenPosePoints(
        body,
        body_score,
        xy[:, FEET],
        score[:, FEET],
        xy[:, FACE],
        score[:, FACE],
        xy[:, LEFT_HAND],
        score[:, LEFT_HAND],
        xy[:, RIGHT_HAND],
        score[:, RIGHT_HAND],
    )
