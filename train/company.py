"""Harder photos from easy ones: the frame ends within the person, or somebody else stands close.

Training photos mostly show one whole person; people meet the network in groups and cut by the
picture's edge. Not in the published recipe, whose data has such people itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import ImageArray
from train.silhouette import HIPS, SHOULDERS, silhouette, torso_of

BODY = slice(0, 17)
KEPT_BY_FRAME = (0.25, 0.85)  # share of the box's side that stays in the picture
SECOND_SIDE = 0.3  # probability of cutting another side as well
FEWEST_POINTS = 3  # body points that must stay
NEIGHBOUR_SIZE = (0.75, 1.3)  # of the person's own
NEIGHBOUR_DISTANCE = (0.3, 0.85)  # between the two, in widths of the box
NEIGHBOUR_LOWER = (-0.3, 0.3)  # of the torso's length
BEHIND = 0.5  # probability of standing behind the person
MOST_COVERED = 0.6  # of the body points; a neighbour who would hide more stands behind


@dataclass(frozen=True)
class PersonPhoto:
    """A photo and one labelled person on it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        box: (4,) xyxy, image pixels.
        xy: (133, 2) float32 image pixels.
        visible: (133,) float32 weights in [0, 1], 0 where there is no label.
    """

    image: ImageArray
    box: NDArray[np.float32]
    xy: NDArray[np.float32]
    visible: NDArray[np.float32]


def cut_by_frame(rng: np.random.Generator, photo: PersonPhoto) -> PersonPhoto:
    """The photo as if it ended within the person, on one side or two.

    Labels beyond the new edge are dropped and the box ends there, as in COCO. A cut that would
    leave fewer than ``FEWEST_POINTS`` body points is not made.
    """
    x0, y0, x1, y1 = photo.box
    frame = np.array([0, 0, photo.image.shape[1], photo.image.shape[0]], np.float32)
    # Legs out of the picture are by far the commonest in photos, then the sides, then the head.
    sides = rng.choice(
        4, size=1 + (rng.random() < SECOND_SIDE), replace=False, p=(0.2, 0.2, 0.2, 0.4)
    )
    for side in sides:
        gone = 1 - rng.uniform(*KEPT_BY_FRAME)
        length = (y1 - y0) if side % 2 else (x1 - x0)
        frame[side] = photo.box[side] + (1 if side < 2 else -1) * gone * length
    left, top, right, bottom = np.rint(frame).astype(int)
    inside = ((photo.xy >= (left, top)) & (photo.xy < (right, bottom))).all(axis=1)
    visible = photo.visible * inside
    if (visible[BODY] > 0).sum() < FEWEST_POINTS or right - left < 8 or bottom - top < 8:
        return photo
    corner = np.array([left, top], np.float32)
    limit = np.array([right - left - 1, bottom - top - 1] * 2, np.float32)
    box = np.clip(photo.box - np.tile(corner, 2), 0, limit).astype(np.float32)
    return PersonPhoto(photo.image[top:bottom, left:right], box, photo.xy - corner, visible)


def with_neighbour(rng: np.random.Generator, photo: PersonPhoto, other: PersonPhoto) -> PersonPhoto:
    """Somebody of another photo beside the person, in front of them or behind.

    Labels stay as they are, those that get covered too (as under ``black_out``). The photo comes
    back unchanged where the torso of either is not labelled.
    """
    if not (_has_torso(photo) and _has_torso(other)):
        return photo
    height, width = photo.image.shape[:2]
    (shoulders, own), (other_shoulders, others) = (
        torso_of(_body(p), p.box) for p in (photo, other)
    )
    size = rng.uniform(*NEIGHBOUR_SIZE) * own / max(others, 1.0)
    apart = rng.uniform(*NEIGHBOUR_DISTANCE) * (photo.box[2] - photo.box[0])
    shift = np.array([rng.choice((-1, 1)) * apart, rng.uniform(*NEIGHBOUR_LOWER) * own])
    offset = shoulders + shift - size * other_shoulders
    matrix = np.array([[size, 0, offset[0]], [0, size, offset[1]]])
    alpha = cv2.warpAffine(_silhouette(other), matrix, (width, height))
    points = np.rint(photo.xy[BODY][photo.visible[BODY] > 0]).astype(int)
    x, y = np.clip(points, 0, (width - 1, height - 1)).T
    if (alpha[y, x] > 0).mean() > MOST_COVERED or rng.random() < BEHIND:
        alpha[_silhouette(photo) > 0] = 0
    soft = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None].astype(np.float32) / 255
    pasted = cv2.warpAffine(np.ascontiguousarray(other.image), matrix, (width, height))
    mixed = photo.image + soft * (pasted.astype(np.float32) - photo.image)
    return PersonPhoto(np.rint(mixed).astype(np.uint8), photo.box, photo.xy, photo.visible)


def _body(photo: PersonPhoto) -> NDArray[np.float32]:
    """(17, 3) x, y, visible."""
    return np.column_stack([photo.xy[BODY], photo.visible[BODY]])


def _has_torso(photo: PersonPhoto) -> bool:
    return bool(photo.visible[[*SHOULDERS, *HIPS]].all())


def _silhouette(photo: PersonPhoto) -> NDArray[np.uint8]:
    return silhouette(_body(photo), photo.box, photo.image.shape[:2])
