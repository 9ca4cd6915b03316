"""Roughly where a person is in a photo, from their keypoints: what can be cut out and pasted."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SHOULDERS, HIPS, WRISTS, ANKLES = (5, 6), (11, 12), (9, 10), (15, 16)
HEAD = slice(0, 5)
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16))
# Widths as shares of the torso's length (shoulders to hips), clothes and hair included.
LIMB_WIDTH, TORSO_MARGIN, HEAD_RADIUS, END_RADIUS = 0.36, 0.36, 0.42, 0.24


def torso_of(
    body: NDArray[np.floating], box: NDArray[np.floating]
) -> tuple[NDArray[np.floating], float]:
    """Middle of the shoulders (x, y) and the torso's length, which is not that of its picture
    where the person bends towards the camera."""
    shoulders, hips = (body[list(pair), :2].mean(axis=0) for pair in (SHOULDERS, HIPS))
    length = float(np.linalg.norm(shoulders - hips))
    return shoulders, max(length, 0.2 * float(box[3] - box[1]))


def silhouette(
    body: NDArray[np.floating], box: NDArray[np.floating], size_hw: tuple[int, int]
) -> NDArray[np.uint8]:
    """(h, w) mask, 255 inside: thick limbs, torso and head, within the box.

    Args:
        body: (17, 3) COCO keypoints x, y, visibility; shoulders and hips must be labelled.
        box: (4,) xyxy, same pixels.
    """
    mask = np.zeros(size_hw, np.uint8)
    points, seen = body[:, :2], body[:, 2] > 0
    shoulders, torso = torso_of(body, box)
    whole = points.round().astype(np.int32)

    def disc(centre: NDArray[np.floating], radius: float) -> None:
        x, y = centre.round().astype(int)
        cv2.circle(mask, (int(x), int(y)), max(round(radius * torso), 1), 255, -1)

    for a, b in LIMBS:
        if seen[a] and seen[b]:
            width = max(round(LIMB_WIDTH * torso), 1)
            cv2.line(mask, whole[a].tolist(), whole[b].tolist(), 255, width)
    corners = whole[[5, 6, 12, 11]]
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), 255)
    cv2.polylines(mask, [corners], True, 255, max(round(TORSO_MARGIN * torso), 1))
    if seen[HEAD].any():
        head = points[HEAD][seen[HEAD]].mean(axis=0)
        neck, middle = (0.5 * (head + shoulders)).round(), shoulders.round()
        width = max(round(0.4 * torso), 1)
        cv2.line(mask, neck.astype(int).tolist(), middle.astype(int).tolist(), 255, width)
        disc(head, HEAD_RADIUS)
    for index in (*WRISTS, *ANKLES):
        if seen[index]:
            disc(points[index], END_RADIUS)
    outside = np.ones(size_hw, bool)
    left, top, right, bottom = np.clip(box, 0, [size_hw[1], size_hw[0]] * 2).round().astype(int)
    outside[top:bottom, left:right] = False
    mask[outside] = 0
    return mask
