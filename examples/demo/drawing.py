"""Poses to the pictures and files of the demo; the package does the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from dwpose_annotator import Poses, draw_poses, to_openpose_json
from dwpose_annotator.resize import output_size_hw
from dwpose_annotator.types import ImageArray

PARTS = ("Body", "Hands", "Face", "Feet")
DEFAULT_PARTS = ["Body", "Hands", "Face"]
RESOLUTIONS = [("As photo", 0), *((f"{n} px", n) for n in (512, 768, 1024, 1536, 2048))]
# Longest side of the pictures that are only looked at.
PREVIEW_SIDE = 1024
_INK, _PAPER, _OFF = (24, 24, 27), (255, 214, 10), (161, 161, 170)


@dataclass(frozen=True)
class Drawing:
    """How a map is drawn.

    Attributes:
        style: a name in ``draw.STYLES``.
        resolution: short side of the map; 0 keeps the size of the photo.
        threshold: points with a lower score are missing.
        parts: those of ``PARTS`` that are shown. A face that is switched on follows the style.
    """

    style: str = "openpose"
    resolution: int = 0
    threshold: float = 0.3
    parts: Sequence[str] = tuple(DEFAULT_PARTS)

    def size_hw(self, poses: Poses) -> tuple[int, int]:
        return output_size_hw(poses.size_hw, self.resolution) if self.resolution else poses.size_hw

    def draw(self, poses: Poses) -> ImageArray:
        """Skeleton map (H, W, 3) uint8 RGB."""
        return draw_poses(
            poses,
            self.style,
            self.size_hw(poses),
            body="Body" in self.parts,
            hands="Hands" in self.parts,
            face=None if "Face" in self.parts else False,
            feet="Feet" in self.parts,
            threshold=self.threshold,
        )

    def to_json(self, poses: Poses) -> dict[str, Any]:
        """One POSE_KEYPOINT frame; parts that are switched off are left out, feet are always in."""
        return to_openpose_json(
            poses,
            threshold=self.threshold,
            body="Body" in self.parts,
            hands="Hands" in self.parts,
            face="Face" in self.parts,
        )


def small_copy(image: ImageArray) -> ImageArray:
    """The photo with at most ``PREVIEW_SIDE`` pixels on its longer side."""
    return _resize(image, preview_hw(image.shape[:2]))


def preview_hw(size_hw: tuple[int, int]) -> tuple[int, int]:
    """The size shrunk to at most ``PREVIEW_SIDE`` pixels on its longer side."""
    factor = min(1.0, PREVIEW_SIDE / max(size_hw))
    return max(1, round(size_hw[0] * factor)), max(1, round(size_hw[1] * factor))


def numbered_photo(
    photo: ImageArray | None, poses: Poses, shown: Sequence[int], *, size_hw: tuple[int, int]
) -> ImageArray:
    """The photo with a numbered badge on each person, grey on those that are switched off.

    Args:
        photo: RGB, of any size; None gives a plain ground.
        poses: all people; person ``i`` has the number ``i + 1``.
        shown: indices of the people that are switched on.
        size_hw: size of the map that the picture lies beside.
    """
    small_hw = preview_hw(size_hw)
    picture = np.full((*small_hw, 3), 39, np.uint8) if photo is None else _resize(photo, small_hw)
    picture = np.ascontiguousarray(picture)
    for i in range(len(poses)):
        _draw_badge(picture, str(i + 1), _badge_xy(poses, i, small_hw), i in shown)
    return picture


def _badge_xy(poses: Poses, person: int, size_hw: tuple[int, int]) -> tuple[int, int]:
    """The upper left corner of the person's box, moved into the picture."""
    radius = _badge_radius(size_hw)
    x, y = poses.box[person, :2] * np.divide(size_hw[::-1], poses.size_hw[::-1])
    inside = np.clip([x, y], radius + 3, np.maximum(np.array(size_hw[::-1]) - radius - 3, 1))
    return int(inside[0]), int(inside[1])


def _badge_radius(size_hw: tuple[int, ...]) -> int:
    return max(9, round(0.026 * max(size_hw)))


def _draw_badge(picture: ImageArray, text: str, centre: tuple[int, int], on: bool) -> None:
    radius = _badge_radius(picture.shape[:2])
    cv2.circle(picture, centre, radius + 2, _INK, -1, cv2.LINE_AA)
    cv2.circle(picture, centre, radius, _PAPER if on else _OFF, -1, cv2.LINE_AA)
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(radius / 8))
    scale = 1.15 * radius / 22 / max(1, len(text) - 0.6)
    (width, height), _ = cv2.getTextSize(text, font, scale, thickness)
    corner = (centre[0] - width // 2, centre[1] + height // 2)
    cv2.putText(picture, text, corner, font, scale, _INK, thickness, cv2.LINE_AA)


def _resize(image: ImageArray, size_hw: tuple[int, int]) -> ImageArray:
    if image.shape[:2] == size_hw:
        return image
    shrinks = size_hw[0] <= image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size_hw[::-1], interpolation=method), dtype=np.uint8)
