"""COCO keypoint AP and AR of every part of COCO-WholeBody, on pycocotools."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dwpose_annotator.skeleton import (
    BODY,
    FACE,
    FEET,
    LEFT_HAND,
    RIGHT_HAND,
    SIGMAS,
)
from train.data import keypoints_of
from train.evaluation.predictions import ALL_POINTS, Floats, Predictions, counted_people
from train.evaluation.uncertainty import Interval, interval, resampled_images

PART_SLICES: dict[str, slice] = {
    "body": BODY,
    "foot": FEET,
    "face": FACE,
    "lefthand": LEFT_HAND,
    "righthand": RIGHT_HAND,
    "wholebody": ALL_POINTS,
}
METRICS = (
    "AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)",
)  # fmt: skip
BOX_AREA_SHARE = 0.53  # a person's area as a share of the box; source: xtcocotools, use_area=False


@dataclass(frozen=True)
class PartAP:
    """COCO metrics of one part.

    Attributes:
        metrics: value by name of ``METRICS``; -1 where no person is labelled.
        ap_interval: 95 % bootstrap interval of AP over images, or None if not asked for.
        ap_draws: the AP of each bootstrap draw; models measured on the same images share the
            draws, so that their differences can be taken draw by draw.
    """

    metrics: dict[str, float]
    ap_interval: Interval | None = None
    ap_draws: Floats | None = field(default=None, repr=False, compare=False)


def evaluate_ap(
    ground_truth: dict[str, Any],
    predictions: Predictions,
    *,
    parts: Sequence[str] = tuple(PART_SLICES),
    use_area: bool = True,
    resamples: int = 0,
) -> dict[str, PartAP]:
    """AP and AR by part, all parts ranked by the one instance score.

    It counts all 133 points, or the 17 of the body where the annotations label nothing else: what a
    network says of faces and hands then has no part in the ranking, as for one that has 17 points.

    Args:
        ground_truth: COCO-WholeBody content (``images``, ``annotations``), crowd regions included.
        predictions: raw predictions; copies and near-copies are removed here.
        parts: keys of ``PART_SLICES``.
        use_area: OKS and the size ranges use the annotated area (UBody and annotations without one:
            0.53 of the box).
        resamples: bootstrap draws for the interval of AP; 0 for none.
    """
    labels = [keypoints_of(annotation) for annotation in ground_truth["annotations"]]
    beyond_body = any((keypoints[BODY.stop :, 2] > 0).any() for keypoints in labels)
    people, scores = counted_people(predictions, ALL_POINTS if beyond_body else BODY)
    results = {}
    for part in parts:
        points = PART_SLICES[part]
        truth = _ground_truth_of(ground_truth, labels, points, use_area)
        found = _found_people(ground_truth, people, scores, points)
        evaluation = COCOeval(truth, found, "keypoints")
        evaluation.params.kpt_oks_sigmas = np.asarray(SIGMAS)[points]
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its tables
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        metrics = dict(zip(METRICS, map(float, evaluation.stats), strict=True))
        if resamples and metrics["AP"] >= 0:
            draws = _bootstrap_ap(evaluation, resamples)
            results[part] = PartAP(metrics, interval(draws), draws)
        else:
            results[part] = PartAP(metrics)
    return results


def annotated_area(annotation: dict[str, Any], *, use_area: bool = True) -> float:
    """Object size for OKS: the annotated area, or 0.53 of the box where there is none."""
    _, _, width, height = annotation["bbox"]
    estimate = width * height * BOX_AREA_SHARE
    return float(annotation.get("area") or estimate) if use_area else float(estimate)


def _ground_truth_of(
    content: dict[str, Any], labels: list[Any], points: slice, use_area: bool
) -> COCO:
    """The annotations with the part's points only; without a labelled one the person is ignored."""
    annotations = []
    for annotation, keypoints in zip(content["annotations"], labels, strict=True):
        part = np.asarray(keypoints[points], np.float64)
        annotations.append(
            {
                "id": annotation["id"],
                "image_id": annotation["image_id"],
                "category_id": 1,
                "iscrowd": annotation.get("iscrowd", 0),
                "bbox": annotation["bbox"],
                "area": annotated_area(annotation, use_area=use_area),
                "keypoints": part.ravel().tolist(),
                "num_keypoints": int((part[:, 2] > 0).sum()),
            }
        )
    return _coco(content, annotations)


def _found_people(
    content: dict[str, Any], people: Predictions, scores: Floats, points: slice
) -> COCO:
    """The predictions with the part's points only.

    Two rules of xtcocotools: a person without a positive score in the part is left out, and an
    unmatched one falls into the size range of the extent of its 17 BODY points, whatever the part.
    """
    found = []
    for row in np.flatnonzero((people.score[:, points] > 0).any(axis=1)):
        body = people.xy[row, BODY]
        corner, extent = body.min(axis=0), np.ptp(body, axis=0)
        part = np.concatenate([people.xy[row, points], people.score[row, points, None]], axis=1)
        found.append(
            {
                "id": len(found) + 1,
                "image_id": int(people.image_id[row]),
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [*corner.tolist(), *extent.tolist()],
                "area": float(extent.prod()),
                "keypoints": part.ravel().tolist(),
                "score": float(scores[row]),
            }
        )
    return _coco(content, found)


def _coco(content: dict[str, Any], annotations: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": content["images"],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _bootstrap_ap(evaluation: COCOeval, resamples: int) -> Floats:
    """(resamples,) AP over images drawn again: matches stay, only the ranking is redone."""
    images = len(evaluation.params.imgIds)
    per_image = evaluation.evalImgs[:images]  # one category, area range "all" comes first
    rest = evaluation.evalImgs[images:]
    params = copy.deepcopy(evaluation.params)
    params.areaRng, params.areaRngLbl = params.areaRng[:1], params.areaRngLbl[:1]
    values = []
    for draw in resampled_images(images, resamples):
        evaluation.evalImgs = [per_image[i] for i in draw] + rest
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation.accumulate(params)
        precision = evaluation.eval["precision"]
        values.append(precision[precision > -1].mean() if (precision > -1).any() else np.nan)
    return np.array(values)
