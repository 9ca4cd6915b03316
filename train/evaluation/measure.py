"""One model on one data set: every figure of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dwpose_annotator.estimate import MAX_BATCH, PoseEstimator
from dwpose_annotator.models.complexity import Complexity
from train.evaluation.coco_ap import PartAP, annotated_area, evaluate_ap
from train.evaluation.eval_set import EvalSet
from train.evaluation.person_boxes import (
    DetectionQuality,
    PersonBoxes,
    detection_quality,
    ground_truth_boxes,
)
from train.evaluation.point_metrics import point_errors, point_metrics
from train.evaluation.run_model import Latency, OpenedModel, predict
from train.evaluation.uncertainty import Estimate


@dataclass(frozen=True)
class SetResult:
    """Figures of one model on one data set.

    Attributes:
        data: name of the data set.
        boxes: where the boxes came from.
        images, people: how many images there are, and how many people were posed.
        ap: by part of ``coco_ap.PART_SLICES``, for the parts that are labelled.
        points: by ``metric/part`` of ``point_metrics``; empty unless ground-truth boxes were given.
        detection: quality of the boxes; None for ground-truth boxes.
    """

    data: str
    boxes: str
    images: int
    people: int
    ap: dict[str, PartAP]
    points: dict[str, Estimate]
    detection: DetectionQuality | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The labelled parts; the last one is the whole body or the only part there is."""
        return tuple(self.ap)


@dataclass(frozen=True)
class ModelReport:
    """Everything measured of one model.

    Attributes:
        name: of the model.
        input_hw: network input.
        complexity: parameters and multiply-adds.
        latency: of one crop on ONNX Runtime.
        flip_test: whether mirrored crops were averaged in.
        results: one entry per data set.
    """

    name: str
    input_hw: tuple[int, int]
    complexity: Complexity
    latency: Latency
    flip_test: bool
    results: tuple[SetResult, ...]


def measure_model(
    model: OpenedModel,
    sets: Sequence[EvalSet],
    *,
    boxes: Sequence[PersonBoxes | None] | None = None,
    flip_test: bool = False,
    use_area: bool = True,
    resamples: int = 0,
    max_batch: int = MAX_BATCH,
) -> ModelReport:
    """Measure a model on every data set; see ``measure`` for the options."""
    estimator = PoseEstimator(
        model.session,
        network_input=model.network_input,
        max_batch=max_batch,
        flip_test=flip_test,
    )
    results = [
        measure(estimator, eval_set, boxes=given, use_area=use_area, resamples=resamples)
        for eval_set, given in zip(sets, boxes or [None] * len(sets), strict=True)
    ]
    width, height = estimator.crop_wh
    return ModelReport(
        model.name, (height, width), model.complexity, model.latency, flip_test, tuple(results)
    )


def measure(
    estimator: PoseEstimator,
    eval_set: EvalSet,
    *,
    boxes: PersonBoxes | None = None,
    use_area: bool = True,
    resamples: int = 0,
    progress: bool = True,
) -> SetResult:
    """Pose the people of a data set and compare.

    Args:
        boxes: where the people are; None takes the annotated boxes.
        use_area: annotated areas for OKS (False: UBody's rule, 0.53 of the box).
        resamples: bootstrap draws for the intervals; 0 for none.
    """
    given = ground_truth_boxes(eval_set) if boxes is None else boxes
    predictions = predict(estimator, eval_set, given, progress=progress)
    points: dict[str, Estimate] = {}
    if boxes is None:
        errors = point_errors(
            eval_set.people,
            predictions.xy,
            crop_wh=estimator.crop_wh,
            area=_areas(eval_set, use_area),
        )
        points = point_metrics(errors, resamples=resamples)
    return SetResult(
        data=eval_set.name,
        boxes=given.source,
        images=len(eval_set.image_files),
        people=len(given),
        ap=evaluate_ap(
            eval_set.content,
            predictions,
            parts=eval_set.parts,
            use_area=use_area,
            resamples=resamples,
        ),
        points=points,
        detection=None if boxes is None else detection_quality(boxes, eval_set),
    )


def _areas(eval_set: EvalSet, use_area: bool) -> np.ndarray:
    """Object sizes of ``eval_set.people``, in their order."""
    by_id = {
        annotation["id"]: annotated_area(annotation, use_area=use_area)
        for annotation in eval_set.content["annotations"]
    }
    return np.array([by_id[annotation_id] for annotation_id in eval_set.people.ids[:, 0]])


def hand_mean(ap: dict[str, PartAP], metric: str) -> float:
    """Mean of both hands, as the published tables' hand column; -1 where a hand has no label."""
    values = [ap[part].metrics[metric] for part in ("lefthand", "righthand") if part in ap]
    return float(np.mean(values)) if len(values) == 2 and min(values) >= 0 else -1.0
