"""What the browser must know to show and move a person: the package's tables as plain JSON.

Points are numbered 0 to 132 as in COCO-WholeBody; 133 is the neck, the middle of the shoulders.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator import draw_strokes as strokes
from dwpose_annotator.draw_styles import DrawStyle
from dwpose_annotator.openpose_schema import BODY_18, NECK
from dwpose_annotator.retarget import BONES, PELVIS
from dwpose_annotator.skeleton import (
    FACE,
    FEET,
    FLIP_INDEX,
    HAND_LINKS,
    KEYPOINT_NAMES,
    LEFT_HAND,
    LEFT_SHOULDER,
    RIGHT_HAND,
    RIGHT_SHOULDER,
)
from examples.editor import pose_state
from examples.editor.figure import neutral_figure

# Kinds of bone that move along with their parent; arms and legs stay where they are.
_FOLLOWING = ("hand", "face", "foot", "head", "shoulder")
_FEET = tuple(range(FEET.start, FEET.stop))


def editor_tables() -> dict[str, Any]:
    """JSON for the canvas; colours are CSS colours, sizes are pixels of the map."""
    style = DrawStyle()
    return {
        "names": [*map(_spoken, KEYPOINT_NAMES), "neck"],
        "flip": FLIP_INDEX.tolist(),
        "neck": NECK,
        "shoulders": [LEFT_SHOULDER, RIGHT_SHOULDER],
        "parts": {
            "left hand": _points(LEFT_HAND),
            "right hand": _points(RIGHT_HAND),
            "face": _points(FACE),
            "feet": _points(FEET),
        },
        "followers": _followers(),
        "parents": _parents(),
        "limbs": _limbs(),
        "joints": _joints(),
        "fingers": _fingers(),
        "fingertipColour": _css(strokes.FINGERTIP_COLOUR * 255),
        "faceColour": _css(strokes.FACE_COLOUR * 255),
        "pen": {
            "stick": style.stick,
            "joint": style.joint,
            "fingertip": style.fingertip,
            "line": strokes.HAND_LINE,
            "face": strokes.FACE_RADIUS,
        },
        "figure": neutral_figure().round(5).tolist(),
        "visible": pose_state.VISIBLE,
        "limits": {
            "people": pose_state.MAX_PEOPLE,
            "side": [pose_state.MIN_SIDE, pose_state.MAX_SIDE],
            "pixels": pose_state.MAX_CANVAS_PIXELS,
            "far": pose_state.FARTHEST,
        },
    }


def _spoken(name: str) -> str:
    """left_forefinger2 -> left forefinger 2"""
    return re.sub(r"(?<=[a-z])(?=\d)", " ", name.replace("_", " ").replace("-", " "))


def _points(part: slice) -> list[int]:
    return list(range(part.start, part.stop))


def _followers() -> dict[int, list[int]]:
    """Point -> all points that go with it: a wrist's hand, an ankle's foot, the neck's head."""
    children: dict[int, list[int]] = {}
    for bone in BONES:
        if bone.kind in _FOLLOWING:
            children.setdefault(bone.parent, []).append(bone.child)

    def below(point: int) -> list[int]:
        return [p for child in children.get(point, []) for p in (child, *below(child))]

    return {parent: below(parent) for parent in children if parent <= NECK}


def _parents() -> dict[int, int]:
    """Point -> the point that it hangs on; the hips, without a pelvis here, hang on the neck."""
    return {b.child: NECK if b.parent == PELVIS else b.parent for b in BONES if b.child < NECK}


def _limbs() -> list[list[Any]]:
    """[point, point, colour] in drawing order, feet last."""
    numbers = (*BODY_18, *_FEET)
    colours = np.trunc(strokes.LIMB_COLOURS * strokes.LIMB_BRIGHTNESS)
    return [
        [numbers[a], numbers[b], _css(colour)]
        for (a, b), colour in zip(strokes.LIMBS.tolist(), colours, strict=True)
    ]


def _joints() -> list[list[Any]]:
    numbers = (*BODY_18, *_FEET)
    return [
        [point, _css(colour)] for point, colour in zip(numbers, strokes.JOINT_COLOURS, strict=True)
    ]


def _fingers() -> list[list[Any]]:
    colours = np.rint(strokes.FINGER_COLOURS * 255)
    return [
        [hand.start + a, hand.start + b, _css(colour)]
        for hand in (LEFT_HAND, RIGHT_HAND)
        for (a, b), colour in zip(HAND_LINKS, colours, strict=True)
    ]


def _css(colour: NDArray[Any]) -> str:
    red, green, blue = (int(level) for level in colour)
    return f"rgb({red}, {green}, {blue})"
