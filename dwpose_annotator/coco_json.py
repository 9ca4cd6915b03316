"""Poses -> COCO-WholeBody results JSON, the format of its evaluation tools."""

from __future__ import annotations

from typing import Any

import numpy as np

from dwpose_annotator.skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND
from dwpose_annotator.types import Poses

# Source: "Results format" of jin-s13/COCO-WholeBody, data_format.md.
COCO_FIELDS: dict[str, slice] = {
    "keypoints": BODY,
    "foot_kpts": FEET,
    "face_kpts": FACE,
    "lefthand_kpts": LEFT_HAND,
    "righthand_kpts": RIGHT_HAND,
}
PERSON_CATEGORY = 1
# Points that score less do not count for the person. Source: CocoWholeBodyMetric of
# open-mmlab/mmpose with score_mode "bbox_keypoint".
_POINT_SCORE_FLOOR = 0.2


def to_coco_results(poses: Poses, image_id: int) -> list[dict[str, Any]]:
    """One entry per person, in image pixels; all entries of a data set make one JSON list.

    The score is the box score times the mean of the keypoint scores above 0.2. People who overlap
    are all kept: mmpose also drops near copies by OKS-NMS before it evaluates.
    """
    points = np.concatenate([poses.xy, poses.score[..., None]], axis=-1)
    counted = poses.score > _POINT_SCORE_FLOOR
    mean = np.where(counted, poses.score, 0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    sizes = poses.box[:, 2:] - poses.box[:, :2]
    return [
        {
            "image_id": image_id,
            "category_id": PERSON_CATEGORY,
            **{name: points[i, part].ravel().tolist() for name, part in COCO_FIELDS.items()},
            "bbox": [*poses.box[i, :2].tolist(), *sizes[i].tolist()],
            "score": float(poses.box_score[i] * mean[i]),
        }
        for i in range(len(poses))
    ]
