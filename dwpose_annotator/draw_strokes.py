"""Bodies, hands and faces as sticks and dots on a canvas.

The geometry of each stroke and the colours are those of annotator/dwpose/util.py of
IDEA-Research/DWPose, branch ``onnx``: coordinates are cut to integers, a limb is a filled ellipse,
limbs are dimmed to 60 %, hand and face points in the first row or column are left out.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.draw_figures import Points
from dwpose_annotator.draw_styles import DrawStyle
from dwpose_annotator.skeleton import (
    HAND_LINKS,
    OPENPOSE_COLOURS,
    OPENPOSE_FOOT_LIMBS,
    OPENPOSE_LIMBS,
)
from dwpose_annotator.types import ImageArray

LIMB_BRIGHTNESS = 0.6
HAND_LINE = 2  # pixels, the width of a finger line
FACE_RADIUS = 3
# Lengths from which on a stick of the musepose style is 2, 3, ... 8 pixels wide; 1 below.
_WIDTH_STEPS = np.array([5, 10, 20, 40, 80, 160, 320])

LIMBS = np.array([*OPENPOSE_LIMBS, *OPENPOSE_FOOT_LIMBS])
_LEFT_ANKLE, _RIGHT_ANKLE = OPENPOSE_COLOURS[13], OPENPOSE_COLOURS[10]
_FOOT_COLOURS = [_LEFT_ANKLE] * 3 + [_RIGHT_ANKLE] * 3
JOINT_COLOURS = np.array([*OPENPOSE_COLOURS, *_FOOT_COLOURS])
LIMB_COLOURS = np.array([*OPENPOSE_COLOURS[: len(OPENPOSE_LIMBS)], *_FOOT_COLOURS])
_HAND_LINKS = np.array(HAND_LINKS)
FINGER_COLOURS = np.array(
    [colorsys.hsv_to_rgb(i / len(HAND_LINKS), 1, 1) for i in range(len(HAND_LINKS))]
)
FINGERTIP_COLOUR = np.array([0, 0, 1])
FACE_COLOUR = np.array([1, 1, 1])


@dataclass(frozen=True)
class Pen:
    """Widths and radii in canvas pixels, at least 1."""

    thickness: float
    stick: int
    stick_by_length: bool
    hand_line: int
    joint: int
    fingertip: int
    face: int

    def widths(self, lengths: NDArray[Any], fixed: int) -> NDArray[np.int64]:
        """Width of each stick."""
        if not self.stick_by_length:
            return np.full(lengths.shape, fixed)
        by_length = 1 + np.searchsorted(_WIDTH_STEPS, lengths, side="right")
        return np.asarray(np.rint(by_length * self.thickness).clip(1), dtype=np.int64)


def make_pen(style: DrawStyle, thickness: float, canvas_hw: tuple[int, int]) -> Pen:
    """The style's widths times ``thickness``."""
    scale = _xinsir_scale(max(canvas_hw)) if style.stick_by_map_size else 1

    def scaled(pixels: int) -> int:
        return max(1, round(pixels * thickness))

    return Pen(
        thickness=thickness,
        stick=scaled(style.stick * scale),
        stick_by_length=style.stick_by_length,
        hand_line=scaled(HAND_LINE),
        joint=scaled(style.joint),
        fingertip=scaled(style.fingertip),
        face=scaled(FACE_RADIUS),
    )


def _xinsir_scale(longer_side: int) -> int:
    """Source: Fannovel16/comfyui_controlnet_aux, dwpose/util.py."""
    return 1 if longer_side < 500 else min(2 + longer_side // 1000, 7)


def draw_bodies(canvas: ImageArray, body: Points, pen: Pen) -> None:
    """Each limb of all people before the next limb, then each joint of all people."""
    limbs = LIMBS[: len(OPENPOSE_LIMBS) if body.xy.shape[1] == len(OPENPOSE_COLOURS) else None]
    visible = body.visible[:, limbs].all(axis=-1)
    limb, person = np.nonzero(visible.T)
    ends = body.xy[person[:, None], limbs[limb]]
    strength = body.strength[person[:, None], limbs[limb]].prod(axis=-1)
    colours = np.trunc(_brightness(LIMB_COLOURS[limb], strength) * LIMB_BRIGHTNESS)
    _draw_limbs(canvas, ends, colours, pen)

    joint, person = np.nonzero(body.visible.T)
    colours = _brightness(JOINT_COLOURS[joint], body.strength[person, joint])
    _draw_dots(canvas, body.xy[person, joint], colours, pen.joint)


def draw_hands(canvas: ImageArray, hands: Points, pen: Pen) -> None:
    """Hand by hand: 20 lines in the colours of the rainbow, then blue dots."""
    inside = hands.visible & (np.trunc(hands.xy) >= 1).all(axis=-1)
    for xy, shown, strength in zip(hands.xy, inside, hands.strength, strict=True):
        lines = shown[_HAND_LINKS].all(axis=-1)
        links = _HAND_LINKS[lines]
        levels = np.trunc(strength[links].prod(axis=-1) * 255)[:, None]
        _draw_lines(canvas, xy[links], np.rint(FINGER_COLOURS[lines] * levels).clip(0, 255), pen)
        colours = FINGERTIP_COLOUR * np.trunc(strength[shown] * 255)[:, None]
        _draw_dots(canvas, xy[shown], colours.clip(0, 255), pen.fingertip)


def draw_faces(canvas: ImageArray, faces: Points, pen: Pen) -> None:
    """White dots."""
    inside = faces.visible & (np.trunc(faces.xy) >= 1).all(axis=-1)
    colours = FACE_COLOUR * np.trunc(faces.strength[inside] * 255)[:, None]
    _draw_dots(canvas, faces.xy[inside], colours.clip(0, 255), pen.face)


def _brightness(colours: NDArray[Any], strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, 3) colours times (P,) strengths, cut to whole numbers from 0 to 255."""
    return np.trunc(colours * strength[:, None]).clip(0, 255)


def _draw_limbs(
    canvas: ImageArray, ends: NDArray[np.float64], colours: NDArray[np.float64], pen: Pen
) -> None:
    """Filled ellipses between (P, 2, 2) pairs of points; the width is half the short axis."""
    difference = ends[:, 0] - ends[:, 1]
    length = np.sqrt((difference**2).sum(axis=-1))
    centres = np.trunc(ends.mean(axis=1)).astype(int).tolist()
    axes = np.stack([(length / 2).astype(int), pen.widths(length, pen.stick)], axis=1).tolist()
    for centre, half_axes, (dx, dy), colour in zip(
        centres, axes, difference.tolist(), colours.tolist(), strict=True
    ):
        angle = int(math.degrees(math.atan2(dy, dx)))
        polygon = np.asarray(cv2.ellipse2Poly(centre, half_axes, angle, 0, 360, 1))
        cv2.fillConvexPoly(canvas, polygon, colour)


def _draw_lines(
    canvas: ImageArray, ends: NDArray[np.float64], colours: NDArray[np.float64], pen: Pen
) -> None:
    """Straight lines between (P, 2, 2) pairs of points."""
    pixels = ends.astype(int)
    length = np.sqrt(((pixels[:, 0] - pixels[:, 1]) ** 2).sum(axis=-1))
    widths = pen.widths(length, pen.hand_line).tolist()
    for (start, end), width, colour in zip(pixels.tolist(), widths, colours.tolist(), strict=True):
        cv2.line(canvas, start, end, colour, width)


def _draw_dots(
    canvas: ImageArray, xy: NDArray[np.float64], colours: NDArray[np.float64], radius: int
) -> None:
    """Filled circles at (P, 2) points."""
    for centre, colour in zip(xy.astype(int).tolist(), colours.tolist(), strict=True):
        cv2.circle(canvas, centre, radius, colour, cv2.FILLED)
