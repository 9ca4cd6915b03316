"""Poses to what a style shows of them: visible points, first in image and then in canvas pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.draw_styles import DrawStyle
from dwpose_annotator.skeleton import OPENPOSE_BODY_NAMES, OPENPOSE_NECK, to_openpose

# OpenCV draws in fixed point; a point that is more canvas pixels away than this counts as missing.
FARTHEST = 100_000
_EYES = [OPENPOSE_BODY_NAMES.index("right_eye"), OPENPOSE_BODY_NAMES.index("left_eye")]


@dataclass(frozen=True)
class Points:
    """P parts of one kind.

    Attributes:
        xy: (P, K, 2) float64 pixels.
        visible: (P, K) bool.
        strength: (P, K) float64; colours are multiplied by it.
    """

    xy: NDArray[np.float64]
    visible: NDArray[np.bool_]
    strength: NDArray[np.float64]

    def select(self, index: slice) -> Points:
        return Points(self.xy[index], self.visible[index], self.strength[index])

    def shown(self, wanted: bool) -> Points:
        """The same, or with no point visible."""
        return self if wanted else replace(self, visible=np.zeros_like(self.visible))

    def extended(self, more: Points) -> Points:
        """More points for each part."""
        return Points(
            np.concatenate([self.xy, more.xy], axis=1),
            np.concatenate([self.visible, more.visible], axis=1),
            np.concatenate([self.strength, more.strength], axis=1),
        )


@dataclass(frozen=True)
class Figures:
    """What is drawn of N people, in OpenPose's arrangement.

    Attributes:
        body: N parts of 18 points, or 24 with the feet.
        hands: 2N parts of 21 points: all left hands, then all right hands.
        faces: N parts of 68 points, or 70 with the eyes.
    """

    body: Points
    hands: Points
    faces: Points

    def one_by_one(self) -> Iterator[Figures]:
        """Each person alone."""
        count = len(self.body.xy)
        for i in range(count):
            one = slice(i, i + 1)
            hands = self.hands.select(slice(i, None, count))
            yield Figures(self.body.select(one), hands, self.faces.select(one))


def visible_figures(
    xy: NDArray[np.floating[Any]],
    score: NDArray[np.floating[Any]],
    style: DrawStyle,
    *,
    threshold: float = 0.3,
    body: bool = True,
    hands: bool = True,
    face: bool = True,
    feet: bool = False,
) -> Figures:
    """What a style shows of (N, 133, 2) points with (N, 133) scores, in the pixels of ``xy``.

    Scores are compared in float64, so float32(0.3) is more than 0.3, as in the original. The neck
    is visible if both shoulders score above the threshold. A part that is switched off has no
    visible points.
    """

    def points(xy: NDArray[Any], score: NDArray[Any], seen: NDArray[np.bool_]) -> Points:
        strength = np.where(seen, score, 0) if style.fade_by_score else np.ones_like(score)
        return Points(xy, seen, strength)

    parts = to_openpose(xy, score, neck_threshold=threshold)
    weakest = threshold if style.hides_weak_hands_and_face else -np.inf
    compare = np.greater_equal if style.body_includes_threshold else np.greater
    seen = compare(parts.body_score, threshold)
    seen[:, OPENPOSE_NECK] = parts.body_score[:, OPENPOSE_NECK] > 0
    bodies = points(parts.body, parts.body_score, seen)
    faces = points(parts.face, parts.face_score, parts.face_score >= weakest)
    if style.eyes_on_face:
        faces = faces.extended(
            Points(bodies.xy[:, _EYES], bodies.visible[:, _EYES], bodies.strength[:, _EYES])
        )
    if feet:
        seen = parts.feet_score >= threshold
        bodies = bodies.extended(points(parts.feet, parts.feet_score, seen))
    hand_score = np.concatenate([parts.left_hand_score, parts.right_hand_score])
    hand_xy = np.concatenate([parts.left_hand, parts.right_hand])
    both_hands = points(hand_xy, hand_score, hand_score >= weakest)
    return Figures(bodies.shown(body), both_hands.shown(hands), faces.shown(face))


def place_figures(
    figures: Figures, style: DrawStyle, image_hw: tuple[int, int], canvas_hw: tuple[int, int]
) -> Figures:
    """The people that the style draws, in canvas pixels. Points that are not numbers are hidden."""
    image_wh, canvas_wh = np.array(image_hw[::-1]), np.array(canvas_hw[::-1])

    def place(points: Points) -> Points:
        if style.through_fractions:
            xy = points.xy / image_wh * canvas_wh
        else:
            xy = points.xy * (canvas_wh / image_wh)
        near = (np.abs(xy) <= FARTHEST).all(axis=-1)  # false for NaN
        return replace(points, xy=np.where(near[..., None], xy, 0), visible=points.visible & near)

    people, hands = slice(style.max_people), slice(style.max_hands)
    return Figures(
        place(figures.body.select(people)),
        place(figures.hands.select(hands)),
        place(figures.faces.select(people)),
    )
