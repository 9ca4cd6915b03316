"""Where the people are: ground truth, a file of detections, or our own detector."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.detect import Detector
from dwpose_annotator.images import load_image
from dwpose_annotator.types import FloatArray
from train.data import read_json
from train.evaluation.eval_set import EvalSet

PERSON_CATEGORY = 1  # COCO
MIN_IOU = 0.5


@dataclass(frozen=True, eq=False)
class PersonBoxes:
    """Boxes to pose, one row each.

    Attributes:
        source: where they come from, for reports.
        image_id: (N,) int64.
        instance_id: (N,) int64, unique; the row of ``EvalSet.people`` for ground-truth boxes.
        xyxy: (N, 4) float32 image pixels.
        score: (N,) float32.
    """

    source: str
    image_id: NDArray[np.int64]
    instance_id: NDArray[np.int64]
    xyxy: FloatArray
    score: FloatArray

    def __len__(self) -> int:
        return len(self.image_id)


def ground_truth_boxes(eval_set: EvalSet) -> PersonBoxes:
    """The annotated box of every usable person, with score 1."""
    people = eval_set.people
    return PersonBoxes(
        "ground truth",
        people.ids[:, 1],
        np.arange(len(people)),
        people.box,
        np.ones(len(people), np.float32),
    )


def boxes_from_file(path: Path, eval_set: EvalSet) -> PersonBoxes:
    """Detections in COCO's results format: every person in the set's images, as it stands.

    No score threshold, no clipping.

    Source: ``_load_detection_results`` of open-mmlab/mmpose.

    Raises:
        ValueError: not a list of detections, or none of them is a person in these images.
    """
    rows = read_json(path)
    if not isinstance(rows, list) or not all({"image_id", "bbox", "score"} <= set(r) for r in rows):
        raise ValueError(
            f"{path} must be COCO results: a list of image_id, category_id, bbox, score"
        )
    people = [row for row in rows if row.get("category_id", PERSON_CATEGORY) == PERSON_CATEGORY]
    known = [row for row in people if row["image_id"] in eval_set.image_files]
    if not known:
        raise ValueError(f"{path}: none of {len(people)} person boxes is of an image of this set")
    xywh = np.array([row["bbox"] for row in known], np.float32)
    return PersonBoxes(
        path.name,
        np.array([row["image_id"] for row in known]),
        np.arange(len(known)),
        np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        np.array([row["score"] for row in known], np.float32),
    )


def detected_boxes(detector: Detector, eval_set: EvalSet) -> PersonBoxes:
    """What our own detector finds in the set's images."""
    found = [
        (image_id, detector([load_image(path)])[0])
        for image_id, path in eval_set.image_files.items()
    ]
    counts = [len(boxes) for _, boxes in found]
    return PersonBoxes(
        Path(detector.session.name).name,
        np.repeat([image_id for image_id, _ in found], counts),
        np.arange(sum(counts)),
        np.concatenate([boxes.xyxy for _, boxes in found]),
        np.concatenate([boxes.score for _, boxes in found]),
    )


@dataclass(frozen=True)
class DetectionQuality:
    """Detector figures at IoU 0.5.

    Attributes:
        recall: share of people at least ``min_height`` px tall that were found.
        precision: share of boxes that lie on a labelled person of any size (understated where a
            data set does not list its crowds).
        people: number of people behind ``recall``.
        boxes: number of boxes behind ``precision``.
    """

    recall: float
    precision: float
    people: int
    boxes: int
    min_height: float


def detection_quality(
    boxes: PersonBoxes, eval_set: EvalSet, *, min_height: float = 96
) -> DetectionQuality:
    """Match boxes to people greedily, best box first, each person once."""
    truth = [a for a in eval_set.content["annotations"] if not a.get("iscrowd")]
    xywh = np.array([annotation["bbox"] for annotation in truth], np.float32)
    people = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    image = np.array([annotation["image_id"] for annotation in truth])
    found = np.zeros(len(truth), bool)
    right = 0
    for row in np.argsort(-boxes.score, kind="stable"):
        free = np.flatnonzero((image == boxes.image_id[row]) & ~found)
        overlap = box_iou(boxes.xyxy[row], people[free])
        if len(free) and overlap.max() >= MIN_IOU:
            found[free[overlap.argmax()]] = True
            right += 1
    tall = xywh[:, 3] >= min_height
    return DetectionQuality(
        recall=float(found[tall].mean()) if tall.any() else float("nan"),
        precision=right / len(boxes) if len(boxes) else float("nan"),
        people=int(tall.sum()),
        boxes=len(boxes),
        min_height=min_height,
    )


def corners(xywh: Collection[float]) -> FloatArray:
    """COCO box to (4,) xyxy."""
    x, y, width, height = xywh
    return np.float32([x, y, x + width, y + height])


def box_iou(box: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N,) overlap of one xyxy box with (N, 4) others, as intersection over union."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    intersection = np.maximum(size, 0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(intersection / np.maximum(areas - intersection, 1e-9))
