"""Match a detector's boxes to labelled people, and what follows: recall, precision, AP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import Boxes, FloatArray
from train.evaluation.person_boxes import MIN_IOU, box_iou

RECALL_STEPS = np.linspace(0, 1, 101)  # Source: COCOeval


@dataclass(frozen=True, eq=False)
class Matches:
    """Boxes and people of a data set after matching at IoU 0.5. Heights are photo pixels.

    Attributes:
        person_height: (P,) of each labelled person.
        found_score: (P,) score of the box that found the person; 0 for nobody.
        box_score: (B,) of every box.
        box_height: (B,) of the box or, where it found somebody, of that person.
        right: (B,) whether the box found somebody.
    """

    person_height: FloatArray
    found_score: FloatArray
    box_score: FloatArray
    box_height: FloatArray
    right: NDArray[np.bool_]

    def recall(self, low: float, high: float, *, threshold: float) -> tuple[float, int]:
        """Share of the people with low <= height < high that were found, and their number."""
        chosen = (self.person_height >= low) & (self.person_height < high)
        return _share(self.found_score[chosen] > threshold)

    def precision(self, low: float, high: float, *, threshold: float) -> tuple[float, int]:
        """Share of right boxes with low <= height < high, and their number.

        As in COCO's size ranges, a box counts with the height of the person it found.
        """
        chosen = (self.box_height >= low) & (self.box_height < high)
        return _share(self.right[chosen & (self.box_score > threshold)])

    def average_precision(self, low: float = 0.0, high: float = np.inf) -> float:
        """AP at IoU 0.5 over 101 recall levels. Source: COCOeval."""
        people = int(((self.person_height >= low) & (self.person_height < high)).sum())
        chosen = (self.box_height >= low) & (self.box_height < high)
        right = self.right[chosen][np.argsort(-self.box_score[chosen], kind="stable")]
        if not people or not len(right):
            return 0.0
        hits = np.cumsum(right)
        precision = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
        position = np.searchsorted(hits / people, RECALL_STEPS, side="left")
        return float(np.append(precision, 0.0)[np.minimum(position, len(right))].mean())


def match_photo(found: Boxes, people: FloatArray) -> Matches:
    """Greedily, best box first; each person is found once.

    Args:
        found: boxes in any order.
        people: (n, 4) labelled xyxy photo pixels.
    """
    order = np.argsort(-found.score, kind="stable")
    xyxy, score = found.xyxy[order], found.score[order]
    height = xyxy[:, 3] - xyxy[:, 1]
    person_height = people[:, 3] - people[:, 1]
    found_score = np.zeros(len(people), np.float32)
    right = np.zeros(len(score), bool)
    for row, box in enumerate(xyxy):
        free = np.flatnonzero(found_score == 0)
        overlap = box_iou(box, people[free])
        if len(free) and overlap.max() >= MIN_IOU:
            person = free[overlap.argmax()]
            found_score[person], right[row] = score[row], True
            height[row] = person_height[person]
    return Matches(person_height, found_score, score, height, right)


def match_all(found: Sequence[Boxes], people: Sequence[FloatArray]) -> Matches:
    """``match_photo`` over a data set."""
    each = [match_photo(boxes, truth) for boxes, truth in zip(found, people, strict=True)]
    return Matches(
        np.concatenate([m.person_height for m in each]),
        np.concatenate([m.found_score for m in each]),
        np.concatenate([m.box_score for m in each]),
        np.concatenate([m.box_height for m in each]),
        np.concatenate([m.right for m in each]),
    )


def _share(values: NDArray[np.bool_]) -> tuple[float, int]:
    return (float(values.mean()) if len(values) else float("nan")), len(values)
