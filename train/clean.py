"""Labels that a trained network contradicts, taken out (``python -m train clean``).

    python -m train clean MODEL DATA -o cleaned.json.gz --sheet worst.png --keep coco faces
    python -m train CONFIG --set 'data=["cleaned.json.gz@DATA/images"]' ...

Machine labels are now and then those of a neighbour, or of the other side of a person seen from
behind. A point is disputed where the network is sure and sees it elsewhere.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.crop import (
    affine_to_crop,
    box_to_center_scale,
    fix_aspect,
    transform_points,
    warp_crop,
)
from dwpose_annotator.images import load_image, save_image
from dwpose_annotator.skeleton import BODY
from dwpose_annotator.types import ImageArray
from train.config import annotation_and_images
from train.data import PARTS, People, images_from, write_json
from train.evaluation.eval_set import EvalSet, load_eval_set
from train.evaluation.predictions import Predictions
from train.evaluation.run_model import second_opinion
from train.sheet import draw_labels, grid

log = logging.getLogger(__name__)

LIMIT = 0.15  # of the longer side of a person's box
SURE = 0.5  # score from which the network's opinion counts
LOST = 0.5  # share of disputed body points from which the whole person goes
SHEET_WH = (192, 256)


@dataclass(frozen=True)
class Disputes:
    """What a network contradicts.

    Attributes:
        points: (N, 133) bool, by person of ``EvalSet.people``.
        people: (N,) bool, so much of the body is disputed that nothing of the person is kept.
    """

    points: NDArray[np.bool_]
    people: NDArray[np.bool_]


def find_disputes(
    people: People, predictions: Predictions, *, limit: float = LIMIT, sure: float = SURE
) -> Disputes:
    """Compare labels with predictions; rows of both are the same people.

    Args:
        limit: distance, as a share of the longer side of the box, up to which both agree.
        sure: score of a prediction from which it can dispute a label.
    """
    side = (people.box[:, 2:] - people.box[:, :2]).max(axis=1)
    distance = np.linalg.norm(predictions.xy - people.xy, axis=2) / np.maximum(side, 1)[:, None]
    points = (people.visible > 0) & (predictions.score >= sure) & (distance > limit)
    labelled = (people.visible[:, BODY] > 0).sum(axis=1)
    lost = points[:, BODY].sum(axis=1) > LOST * np.maximum(labelled, 1)
    return Disputes(points, lost)


def without(
    content: dict[str, Any], people: People, disputes: Disputes, *, keep: Collection[str] = ()
) -> dict[str, Any]:
    """The annotation file without what is disputed.

    Args:
        content: COCO-WholeBody content that ``people`` were read from; left as it is.
        keep: ``source`` entries of images whose labels stay, because people made them.
    """
    rows = {int(annotation_id): row for row, annotation_id in enumerate(people.ids[:, 0])}
    trusted = images_from(content, keep)
    annotations = []
    for annotation in content["annotations"]:
        row = rows.get(annotation["id"])
        if row is None or annotation["image_id"] in trusted:
            annotations.append(annotation)
        elif not disputes.people[row]:
            annotations.append(_unlabelled(annotation, disputes.points[row]))
    return {**content, "annotations": annotations}


def _unlabelled(annotation: dict[str, Any], points: NDArray[np.bool_]) -> dict[str, Any]:
    """A copy of an annotation in which the given ones of 133 points are unlabelled."""
    changed, start = dict(annotation), 0
    for name, count in PARTS:
        part = points[start : start + count]
        start += count
        if part.any() and annotation.get(name):
            values = np.array(annotation[name]).reshape(count, 3)
            values[part] = 0
            changed[name] = values.ravel().tolist()
    if "num_keypoints" in annotation:
        changed["num_keypoints"] = int((np.array(changed["keypoints"])[2::3] > 0).sum())
    return changed


def draw_disputes(
    eval_set: EvalSet, predictions: Predictions, disputes: Disputes, *, count: int
) -> ImageArray:
    """The people with most disputed points: labels on the left, the network's on the right."""
    people = eval_set.people
    worst = np.argsort(-disputes.points[:, BODY].sum(axis=1), kind="stable")[:count]
    tiles = []
    for row in worst:
        center, scale = box_to_center_scale(people.box[row][None])
        matrix = affine_to_crop(center[0], fix_aspect(scale, SHEET_WH)[0], SHEET_WH, 0.0)
        crop = warp_crop(load_image(people.image[row]), matrix, SHEET_WH)
        sure = (predictions.score[row] >= SURE).astype(np.float32)
        for xy, shown in ((people.xy[row], people.visible[row]), (predictions.xy[row], sure)):
            points = transform_points(np.asarray(xy, np.float32), matrix)
            tiles.append(draw_labels(crop, np.column_stack([points, shown]), zoom=1))
    return grid(tiles, columns=8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train clean``."""
    parser.add_argument("model", help=".onnx file, checkpoint (.pt, .pth) or weight name")
    parser.add_argument("data", help="what a configuration's data takes")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .json.gz")
    parser.add_argument("--limit", type=float, default=LIMIT, help="share of the box's longer side")
    parser.add_argument("--sure", type=float, default=SURE, help="score that can dispute a label")
    parser.add_argument(
        "--keep", nargs="*", default=[], help="image sources labelled by people: left alone"
    )
    parser.add_argument("--sheet", type=Path, help="picture of the worst disputes")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads of ONNX Runtime")


def run(arguments: argparse.Namespace) -> None:
    """Pose everybody, compare, write."""
    eval_set = load_eval_set(*annotation_and_images(arguments.data))
    predictions = second_opinion(
        arguments.model, eval_set, device=arguments.device, threads=arguments.threads
    )
    disputes = find_disputes(
        eval_set.people, predictions, limit=arguments.limit, sure=arguments.sure
    )
    if arguments.sheet:
        picture = draw_disputes(eval_set, predictions, disputes, count=48)
        save_image(arguments.sheet, picture)
    cleaned = without(eval_set.content, eval_set.people, disputes, keep=arguments.keep)
    write_json(arguments.output, cleaned)
    labelled = (eval_set.people.visible[:, BODY] > 0).sum()
    log.info(
        "disputed: %d of %d body points; %d of %d people left out; wrote %s",
        disputes.points[:, BODY].sum(), labelled,
        len(eval_set.content["annotations"]) - len(cleaned["annotations"]),
        len(eval_set.people), arguments.output,
    )  # fmt: skip
