"""Predicted people of a data set, and which of them count: instance score, duplicates, OKS-NMS.

Source of every rule: CocoWholeBodyMetric (score mode ``bbox_keypoint``) and ``oks_nms`` of
open-mmlab/mmpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import NUM_KEYPOINTS, SIGMAS
from train.data import PARTS

POINT_SCORE_FLOOR = 0.2  # points above it make the instance score
NMS_OKS = 0.9
ALL_POINTS = slice(0, NUM_KEYPOINTS)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """People that a network found, one row each.

    Attributes:
        image_id: (N,) int64.
        instance_id: (N,) int64; two rows of one image with one id are copies of each other.
        xy: (N, 133, 2) float64 image pixels.
        score: (N, 133) float64 keypoint scores.
        box_score: (N,) float64.
        area: (N,) float64 square pixels of the crop (padded, aspect fixed), OKS-NMS's object size.
    """

    image_id: NDArray[np.int64]
    instance_id: NDArray[np.int64]
    xy: Floats
    score: Floats
    box_score: Floats
    area: Floats

    def __len__(self) -> int:
        return len(self.image_id)

    def select(self, index: NDArray[np.integer]) -> Predictions:
        """The rows at ``index``, in that order."""
        return Predictions(
            self.image_id[index],
            self.instance_id[index],
            self.xy[index],
            self.score[index],
            self.box_score[index],
            self.area[index],
        )


def instance_scores(predictions: Predictions, points: slice = ALL_POINTS) -> Floats:
    """(N,) box score times the mean of those scores of ``points`` that are above 0.2 (or 0)."""
    score = predictions.score[:, points]
    counted = score > POINT_SCORE_FLOOR
    total = np.where(counted, score, 0.0).sum(axis=1)
    return predictions.box_score * total / np.maximum(counted.sum(axis=1), 1)


def oks(
    xy: Floats, others: Floats, area: Floats | float, sigmas: Floats | None = None
) -> NDArray[np.float64]:
    """Object keypoint similarity of (K, 2) points with (N, K, 2) others, all points counted."""
    variances = (2 * (np.asarray(SIGMAS) if sigmas is None else sigmas)) ** 2
    squared = ((others - xy) ** 2).sum(axis=-1)
    scale = np.atleast_1d(np.asarray(area, np.float64))[:, None] + np.spacing(1)
    return np.asarray(np.exp(-squared / variances / scale / 2).mean(axis=-1))


def oks_nms(
    predictions: Predictions, scores: Floats, threshold: float = NMS_OKS
) -> NDArray[np.intp]:
    """Rows that stay, best first: each drops those that resemble it by more than ``threshold``.

    The object size of a pair is the mean of both areas. All rows must be of one image.
    """
    order = np.argsort(scores)[::-1]
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(best)
        area = (predictions.area[best] + predictions.area[rest]) / 2
        order = rest[oks(predictions.xy[best], predictions.xy[rest], area) <= threshold]
    return np.array(keep, np.intp)


def counted_people(
    predictions: Predictions, points: slice = ALL_POINTS
) -> tuple[Predictions, Floats]:
    """The people that the evaluation counts and their scores: copies dropped, then OKS-NMS.

    Images stay in their order of first appearance; the people of one image come best first.

    Args:
        points: whose scores make the instance score.
    """
    scores = instance_scores(predictions, points)
    kept: list[NDArray[np.intp]] = []
    for rows in _rows_by_image(predictions.image_id):
        _, first = np.unique(predictions.instance_id[rows], return_index=True)
        unique = rows[first]
        kept.append(unique[oks_nms(predictions.select(unique), scores[unique])])
    index = np.concatenate(kept) if kept else np.zeros(0, np.intp)
    return predictions.select(index), scores[index]


def _rows_by_image(image_id: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    for image in dict.fromkeys(image_id.tolist()):
        yield np.flatnonzero(image_id == image)


def to_coco_results(predictions: Predictions, scores: Floats) -> list[dict[str, Any]]:
    """COCO-WholeBody results entries: 133 points cut into the format's five fields."""
    points = np.concatenate([predictions.xy, predictions.score[..., None]], axis=-1)
    ends = np.cumsum([count for _, count in PARTS])
    assert ends[-1] == NUM_KEYPOINTS
    entries = []
    for row in range(len(predictions)):
        fields = np.split(points[row], ends[:-1])
        entry: dict[str, Any] = {
            name: field.ravel().tolist() for (name, _), field in zip(PARTS, fields, strict=True)
        }
        entry.update(
            image_id=int(predictions.image_id[row]), category_id=1, score=float(scores[row])
        )
        entries.append(entry)
    return entries
