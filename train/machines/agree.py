"""Weigh machine labels by a second network (``python -m train.machines agree``).

    python -m train.machines agree SET/points.json.gz@SET/images -o SET/agreed.json.gz \
        --model dwpose-s
    python -m train CONFIG --set 'data=["SET/agreed.json.gz@SET/images"]' ...

How near two networks are to each other says more about a point than the score of either. Where
they agree their mean is the label, where they do not the label goes.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import BODY
from train.config import annotation_and_images
from train.data import images_from, write_json
from train.evaluation.eval_set import load_eval_set
from train.evaluation.run_model import second_opinion
from train.machines.points import LEAST_TRUST

log = logging.getLogger(__name__)

# Measured on 406 people of COCO train2017, 4,642 points that people labelled too: mean OKS of
# MoveNet's answer by its distance from that of dwpose-s with flip test (share of the box's longer
# side). It is 0.27 from 0.12 to 0.2 and 0.06 beyond, which is no label any more.
DISTANCES = (0.005, 0.015, 0.025, 0.04, 0.065, 0.10, 0.16)
TRUST = (0.95, 0.92, 0.88, 0.83, 0.67, 0.50, 0.27)
LABEL_SHARE = 0.7  # of the mean: MoveNet is the better of the two (body AP 51.4, dwpose-s 44.5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.machines agree``."""
    parser.add_argument("data", help="what a configuration's data takes, with machine labels")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .json.gz")
    parser.add_argument("--model", required=True, help=".onnx file, checkpoint or weight name")
    parser.add_argument(
        "--keep", nargs="*", default=[], help="image sources labelled by people: left alone"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Pose everybody, compare, write."""
    eval_set = load_eval_set(*annotation_and_images(arguments.data))
    predictions = second_opinion(
        arguments.model, eval_set, device=arguments.device, threads=arguments.threads
    )
    answers = dict(zip(eval_set.people.ids[:, 0].tolist(), predictions.xy[:, BODY], strict=True))
    content = agreed(eval_set.content, answers, keep=arguments.keep)
    write_json(arguments.output, content)
    before, after = (
        sum(row["num_keypoints"] for row in rows["annotations"])
        for rows in (eval_set.content, content)
    )
    log.info(
        "%s: %d of %d people, %d of %d body points",
        arguments.output, len(content["annotations"]), len(eval_set.content["annotations"]),
        after, before,
    )  # fmt: skip


def agreed(
    content: dict[str, Any],
    answers: dict[int, NDArray[np.floating]],
    *,
    keep: Collection[str] = (),
) -> dict[str, Any]:
    """The annotation file with body labels as two networks see them.

    Args:
        content: COCO content whose body points a machine labelled; left as it is.
        answers: annotation id -> (17, 2) image pixels of the second network. Others stay.
        keep: ``source`` entries of images whose labels stay, because people made them.
    """
    trusted = images_from(content, keep)
    rows = []
    for row in content["annotations"]:
        if row["image_id"] in trusted or row["id"] not in answers:
            rows.append(row)
            continue
        points = np.asarray(row["keypoints"], np.float64).reshape(17, 3)
        points = with_second(points, answers[row["id"]], side=max(row["bbox"][2:]))
        count = int((points[:, 2] > 0).sum())
        if count:
            flat = points.round(2).ravel().tolist()
            rows.append({**row, "keypoints": flat, "num_keypoints": count})
    return {**content, "annotations": rows}


def with_second(
    points: NDArray[np.float64], answer: NDArray[np.floating], *, side: float
) -> NDArray[np.float64]:
    """(17, 3) x, y, v of machine labels, moved towards a second answer and weighted by it.

    Args:
        points: x, y, v; those with v = 0 stay so.
        answer: (17, 2) image pixels.
        side: longer side of the person's box, pixels.
    """
    distance = np.linalg.norm(answer - points[:, :2], axis=1) / max(side, 1.0)
    trust = np.interp(distance, DISTANCES, TRUST)
    labelled = (points[:, 2] > 0) & (trust >= LEAST_TRUST)
    mean = LABEL_SHARE * points[:, :2] + (1 - LABEL_SHARE) * answer
    return np.where(labelled[:, None], np.column_stack([mean, trust]), 0.0)
