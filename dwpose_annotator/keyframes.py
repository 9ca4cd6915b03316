"""Detect people on every N-th frame only, and place their boxes on the frames between.

The detector is the larger part of the work on video, and people move little in a few frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import Boxes, FloatArray

SAME_PERSON_IOU = 0.2  # chosen here: a walking person's boxes half a second apart overlap more


def key_frames(count: int, every: int) -> list[int]:
    """Frames to run the detector on: every ``every``-th of ``count``, and the last one.

    Raises:
        ValueError: ``every`` below 1.
    """
    if every < 1:
        raise ValueError(f"people must be detected every 1 or more frames, got {every}")
    return sorted({*range(0, count, every), count - 1}) if count > 0 else []


def fill_between(known: Mapping[int, Boxes], count: int) -> list[Boxes]:
    """Boxes of every frame from those of some: known frames as they are, the others interpolated.

    People of two neighbouring known frames are the same person if their boxes overlap (IoU at least
    ``SAME_PERSON_IOU``, best pairs first); that box moves linearly. A person with no partner stays
    where it was seen, up to the middle between the two frames.

    Args:
        known: frame index -> its boxes; must hold the first and the last frame.
        count: number of frames.

    Raises:
        ValueError: the first or the last frame is missing.
    """
    frames = sorted(known)
    if count and (not frames or frames[0] != 0 or frames[-1] != count - 1):
        raise ValueError(f"need the boxes of frames 0 and {count - 1}, got frames {frames}")
    filled = [known[0]] if count else []
    for start, stop in pairwise(frames):
        pairs = match_boxes(known[start].xyxy, known[stop].xyxy)
        filled += [
            _blend(known[start], known[stop], pairs, (frame - start) / (stop - start))
            for frame in range(start + 1, stop)
        ]
        filled.append(known[stop])
    return filled


def match_boxes(first: FloatArray, second: FloatArray) -> list[tuple[int, int]]:
    """Pairs (row of first, row of second) of overlapping boxes, each used once, best IoU first."""
    overlap = iou(first, second)
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        i, j = np.unravel_index(flat, overlap.shape)
        if overlap[i, j] < SAME_PERSON_IOU:
            break
        if all(i != a and j != b for a, b in pairs):
            pairs.append((int(i), int(j)))
    return pairs


def iou(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """(N, 4) and (M, 4) xyxy boxes -> (N, M) intersection over union."""
    a = np.asarray(first, np.float64)[:, None]
    b = np.asarray(second, np.float64)[None]
    shared = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = np.clip(shared, 0, None).prod(axis=-1)
    area_a, area_b = ((box[..., 2:] - box[..., :2]).clip(0).prod(axis=-1) for box in (a, b))
    union = np.maximum(area_a + area_b - intersection, 1e-9)
    return np.asarray(intersection / union, dtype=np.float64)


def _blend(first: Boxes, second: Boxes, pairs: Sequence[tuple[int, int]], fraction: float) -> Boxes:
    """People at ``fraction`` of the way: pairs interpolated in the order of the nearer frame."""
    nearer, column = (first, 0) if fraction <= 0.5 else (second, 1)
    partner = {pair[column]: pair for pair in pairs}
    xyxy, score = nearer.xyxy.copy(), nearer.score.copy()
    for row, (i, j) in partner.items():
        xyxy[row] = (1 - fraction) * first.xyxy[i] + fraction * second.xyxy[j]
        score[row] = (1 - fraction) * first.score[i] + fraction * second.score[j]
    return Boxes(xyxy, score)
