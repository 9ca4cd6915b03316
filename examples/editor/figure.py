"""A neutral standing figure, seen from the front: what "Add person" puts into the picture.

Drawn up for this editor after common figure-drawing proportions: 7.5 heads tall.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import FACE, FLIP_INDEX, LEFT_HAND, NUM_KEYPOINTS

Points = NDArray[np.float64]

# Left half of the person (right in the picture), COCO index -> x, y in body heights from the top
# of the head; x counts from the middle line.
_LEFT = {
    1: (0.018, 0.058), 3: (0.042, 0.066), 5: (0.112, 0.185), 7: (0.150, 0.340),
    9: (0.168, 0.480), 11: (0.064, 0.505), 13: (0.070, 0.735), 15: (0.074, 0.950),
    17: (0.098, 0.992), 18: (0.126, 0.982), 19: (0.070, 0.968),
}  # fmt: skip
_NOSE = (0.0, 0.076)
# A left hand that points down, thumb towards the body; x, y in hand lengths from the wrist.
_HAND = (
    (0.00, 0.02), (-0.20, 0.20), (-0.34, 0.37), (-0.41, 0.52), (-0.45, 0.65),
    (-0.15, 0.50), (-0.18, 0.70), (-0.19, 0.83), (-0.20, 0.94),
    (-0.02, 0.53), (-0.02, 0.76), (-0.02, 0.90), (-0.02, 1.00),
    (0.10, 0.51), (0.12, 0.71), (0.13, 0.84), (0.13, 0.93),
    (0.21, 0.46), (0.26, 0.60), (0.28, 0.70), (0.30, 0.79),
)  # fmt: skip
_HAND_LENGTH, _HAND_ANGLE = 0.095, math.radians(7)
_MIDLINE_FACE = {
    8: 0.118, 27: 0.060, 28: 0.066, 29: 0.072, 30: 0.078, 33: 0.086,
    51: 0.0955, 57: 0.1055, 62: 0.0985, 66: 0.1015,
}  # fmt: skip


def neutral_figure() -> Points:
    """(133, 2) x, y in body heights: x from the middle line, y from the top of the head to 1."""
    xy = np.zeros((NUM_KEYPOINTS, 2))
    xy[0] = _NOSE
    for point, place in {**_LEFT, **_left_face(), **_left_hand()}.items():
        xy[point] = place
        xy[FLIP_INDEX[point]] = (-place[0], place[1])
    for mark, y in _MIDLINE_FACE.items():
        xy[FACE.start + mark] = (0, y)
    return xy


def _left_hand() -> dict[int, tuple[float, float]]:
    cos, sin = math.cos(_HAND_ANGLE) * _HAND_LENGTH, math.sin(_HAND_ANGLE) * _HAND_LENGTH
    wrist_x, wrist_y = _LEFT[9]
    return {
        LEFT_HAND.start + i: (wrist_x + x * cos + y * sin, wrist_y + y * cos - x * sin)
        for i, (x, y) in enumerate(_HAND)
    }


def _left_face() -> dict[int, tuple[float, float]]:
    """The half of the 68 landmarks that lies right in the picture."""
    marks: dict[int, tuple[float, float]] = {}
    for i in range(9, 17):  # jaw: chin to ear, half an ellipse
        turn = math.pi * (16 - i) / 16
        marks[i] = (0.038 * math.cos(turn), 0.062 + 0.056 * math.sin(turn))
    for i in range(22, 27):  # eyebrow, from inside out
        step = (i - 22) / 4
        marks[i] = (0.008 + 0.022 * step, 0.049 - 0.005 * math.sin(math.pi * (0.2 + 0.7 * step)))
    marks |= {34: (0.005, 0.0855), 35: (0.0095, 0.084)}
    for i, turn in zip(range(42, 48), (180, 240, 300, 0, 60, 120), strict=True):
        radians = math.radians(turn)
        marks[i] = (0.018 + 0.0075 * math.cos(radians), 0.059 + 0.004 * math.sin(radians))
    marks |= {52: (0.005, 0.0945), 53: (0.011, 0.0965), 54: (0.0165, 0.0995)}
    marks |= {55: (0.011, 0.1030), 56: (0.005, 0.1050)}
    marks |= {63: (0.005, 0.0985), 64: (0.013, 0.0998), 65: (0.005, 0.1012)}
    return {FACE.start + i: place for i, place in marks.items()}
