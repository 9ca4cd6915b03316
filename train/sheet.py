"""Draw augmented training samples with their labels on one picture, to be looked at before a long run."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, WHOLEBODY_LINKS
from dwpose_annotator.types import ImageArray
from train.data import PoseDataset

COLOURS = ((BODY, (255, 64, 64)), (FEET, (255, 200, 0)), (FACE, (255, 255, 255)),
           (LEFT_HAND, (64, 255, 64)), (RIGHT_HAND, (64, 160, 255)))  # fmt: skip


def draw_labels(crop: ImageArray, labels: NDArray[np.float32], *, zoom: int = 2) -> ImageArray:
    """A crop, enlarged, with its (133, 3) labels in crop pixels: links as lines, points as dots."""
    picture = cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    points = [tuple(int(v) for v in (xy + 0.5) * zoom) for xy in labels[:, :2]]
    visible = labels[:, 2] > 0
    for part, colour in COLOURS:
        members = range(part.start, part.stop)
        for a, b in WHOLEBODY_LINKS:
            if b in members and visible[a] and visible[b]:
                cv2.line(picture, points[a], points[b], colour, 1, cv2.LINE_AA)
        for index in members:
            if visible[index]:
                cv2.circle(
                    picture,
                    points[index],
                    1 if part in (FACE, LEFT_HAND, RIGHT_HAND) else 3,
                    colour,
                    -1,
                )
    return np.asarray(picture, np.uint8)


def draw_sheet(
    dataset: PoseDataset, keys: Sequence[tuple[int, int]], *, columns: int = 8
) -> ImageArray:
    """A grid of augmented samples, keyed by (epoch, index)."""
    tiles = []
    for key in keys:
        crop, labels = (tensor.numpy() for tensor in dataset[key])
        labels[:, :2] *= dataset.input_scale
        tiles.append(draw_labels(crop, labels, zoom=1 if dataset.input_scale == 1 else 2))
    blank = [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [
        np.concatenate((tiles + blank)[i : i + columns], axis=1)
        for i in range(0, len(tiles), columns)
    ]
    return np.concatenate(rows)
