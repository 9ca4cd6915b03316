"""Poses -> skeleton map."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from dwpose_annotator.draw_figures import Figures, place_figures, visible_figures
from dwpose_annotator.draw_strokes import draw_bodies, draw_faces, draw_hands, make_pen
from dwpose_annotator.draw_styles import STYLES, DrawStyle, find_style
from dwpose_annotator.images import MAX_PIXELS
from dwpose_annotator.types import ImageArray, Poses

__all__ = ["STYLES", "DrawStyle", "draw_figures", "draw_poses"]

# ``thickness="auto"`` is 1 at this short side, the size that SD 1.5 maps are usually drawn at.
AUTO_THICKNESS_SIDE = 512
# A style with its own canvas size gets a smaller canvas where it would have more pixels.
_MAX_CANVAS_PIXELS = 2**26


def draw_poses(
    poses: Poses,
    style: str | DrawStyle = "openpose",
    size_hw: tuple[int, int] | None = None,
    *,
    body: bool = True,
    hands: bool = True,
    face: bool | None = None,
    feet: bool = False,
    threshold: float = 0.3,
    thickness: float | Literal["auto"] = 1.0,
) -> ImageArray:
    """Draw a skeleton map (H, W, 3) uint8 RGB; black where nobody is.

    Args:
        poses: people of one image.
        style: a name in ``STYLES``, or a style of your own.
        size_hw: height and width of the map, which is drawn at this size, not scaled afterwards;
            None takes the size of the image.
        body: draw the body; likewise ``hands``.
        face: None follows the style: only musepose has no face.
        feet: draw the feet too; the style openpose_feet always does.
        threshold: points with a lower score are missing. The styles easy_dwpose and mimic_motion
            ignore it for hands and face, as their originals do.
        thickness: factor on all widths and radii; 1 is the original at every size. ``"auto"``
            grows with the map: its short side / 512.

    Raises:
        ValueError: unknown style, a size below 1 or above ``images.MAX_PIXELS`` pixels, or a
            thickness that is not positive.
    """
    chosen = find_style(style)
    figures = visible_figures(
        poses.xy,
        poses.score,
        chosen,
        threshold=threshold,
        body=body,
        hands=hands,
        face=chosen.face if face is None else face,
        feet=feet or chosen.feet,
    )
    map_hw = poses.size_hw if size_hw is None else size_hw
    return draw_figures(
        figures, chosen, image_hw=poses.size_hw, size_hw=map_hw, thickness=thickness
    )


def draw_figures(
    figures: Figures,
    style: DrawStyle,
    *,
    image_hw: tuple[int, int],
    size_hw: tuple[int, int],
    thickness: float | Literal["auto"] = 1.0,
) -> ImageArray:
    """The second half of ``draw_poses``: figures in the pixels of an image -> map."""
    _check(size_hw, thickness)
    canvas_hw = _canvas_hw(style, size_hw)
    canvas = np.zeros((*canvas_hw, 3), np.uint8)
    pen = make_pen(style, _thickness(style, thickness, size_hw), canvas_hw)
    figures = place_figures(figures, style, image_hw, canvas_hw)
    for group in figures.one_by_one() if style.person_by_person else [figures]:
        draw_bodies(canvas, group.body, pen)
        if style.face_before_hands:
            draw_faces(canvas, group.faces, pen)
        draw_hands(canvas, group.hands, pen)
        if not style.face_before_hands:
            draw_faces(canvas, group.faces, pen)
    return _finish(canvas, style, size_hw)


def _finish(canvas: ImageArray, style: DrawStyle, size_hw: tuple[int, int]) -> ImageArray:
    """Bring the canvas to the size and channel order of the map."""
    if canvas.shape[:2] != size_hw:
        canvas = np.asarray(cv2.resize(canvas, size_hw[::-1]), dtype=np.uint8)
    return np.ascontiguousarray(canvas[..., ::-1]) if style.swap_red_blue else canvas


def _canvas_hw(style: DrawStyle, size_hw: tuple[int, int]) -> tuple[int, int]:
    if style.canvas_short_side is None:
        return size_hw
    factor = style.canvas_short_side / min(size_hw)
    factor = min(factor, math.sqrt(_MAX_CANVAS_PIXELS / math.prod(size_hw)))
    return max(1, int(size_hw[0] * factor)), max(1, int(size_hw[1] * factor))


def _thickness(
    style: DrawStyle, thickness: float | Literal["auto"], size_hw: tuple[int, int]
) -> float:
    if thickness != "auto":
        return thickness
    if style.canvas_short_side is not None or style.stick_by_map_size:
        return 1.0
    return min(size_hw) / AUTO_THICKNESS_SIDE


def _check(size_hw: tuple[int, int], thickness: float | Literal["auto"]) -> None:
    if min(size_hw) < 1 or math.prod(size_hw) > MAX_PIXELS:
        raise ValueError(
            f"size_hw must be two sizes of at least 1 and at most {MAX_PIXELS} pixels in all, "
            f"but got {size_hw}"
        )
    if thickness != "auto" and not 0 < thickness < math.inf:
        raise ValueError(f'thickness must be a positive number or "auto", but got {thickness!r}')
