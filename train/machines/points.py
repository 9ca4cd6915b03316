"""Give people the body points they lack, by MoveNet Thunder (``python -m train.machines points``).

    python -m train.machines points DATA/people_sport -o sport.json.gz --network thunder.onnx \
        --boxes sport_boxes.json.gz
    python -m train CONFIG --set 'data=["sport.json.gz@DATA/people_sport/images"]' ...

Labels that are there stay. A new one is a weight instead of a visibility: v between 0 and 1 says
how far MoveNet can be trusted. Without this only easy points are ever learned, because only where
machines were sure did they leave a label.
"""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dwpose_annotator.images import load_image
from train.config import annotation_and_images
from train.data import read_json, write_json
from train.evaluation.person_boxes import MIN_IOU, PERSON_CATEGORY, box_iou, corners
from train.machines.movenet import BodyAnswer, PoseBody, open_movenet

log = logging.getLogger(__name__)

LEAST_TRUST = 0.3  # points below stay unlabelled
FEWEST_POINTS = 4  # a new person with fewer is left out
SHORTEST_PX = 48  # of a new person's box


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.machines points``."""
    parser.add_argument("data", help="what a configuration's data takes; boxes alone will do")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .json.gz")
    parser.add_argument("--network", type=Path, required=True, help="MoveNet Thunder as ONNX")
    parser.add_argument("--boxes", type=Path, help="boxes of the same images: adds who is missing")
    parser.add_argument(
        "--keep", nargs="*", default=[], help="image sources labelled by people: left alone"
    )
    parser.add_argument("--threads", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Pose everybody and write the file."""
    annotation_file, images = annotation_and_images(arguments.data)
    content = read_json(annotation_file)
    if arguments.boxes:
        content = with_missing(content, read_json(arguments.boxes))
    pose = open_movenet(arguments.network, threads=arguments.threads)
    rows = list(filled(content, images, pose, keep=arguments.keep))
    write_json(arguments.output, {**content, "annotations": rows})
    weights = np.array([row["keypoints"][2::3] for row in rows])
    added = ((weights > 0) & (weights < 1)).sum()
    log.info("%s: %d people, %d points added", arguments.output, len(rows), added)


def with_missing(content: dict[str, Any], boxes: dict[str, Any]) -> dict[str, Any]:
    """Annotations of both files; of ``boxes`` those that overlap nobody's box in ``content``."""
    names = {image["id"]: image["file_name"] for image in boxes["images"]}
    ids = {image["file_name"]: image["id"] for image in content["images"]}
    known: dict[int, list[list[float]]] = defaultdict(list)
    for row in content["annotations"]:
        known[row["image_id"]].append(row["bbox"])
    number = max((row["id"] for row in content["annotations"]), default=0)
    added = []
    for row in boxes["annotations"]:
        image = ids.get(names[row["image_id"]])
        if image is None or row["iscrowd"]:
            continue
        others = np.array([corners(box) for box in known[image]]).reshape(-1, 4)
        if not (box_iou(corners(row["bbox"]), others) > MIN_IOU).any():
            number += 1
            added.append({**row, "id": number, "image_id": image})
    return {**content, "annotations": [*content["annotations"], *added]}


def filled(
    content: dict[str, Any], image_dir: Path, pose: PoseBody, *, keep: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """The annotations with more body points, without crowd regions.

    People without any label so far are left out if they are small or few of their points are sure.
    """
    images = {image["id"]: image for image in content["images"]}
    shown, pixels = None, None
    for row in tqdm(content["annotations"], unit="person", mininterval=5):
        image = images[row["image_id"]]
        if row.get("iscrowd") or ("keypoints" not in row and row["bbox"][3] < SHORTEST_PX):
            continue
        if image.get("source") in keep and "keypoints" in row:
            yield row
            continue
        if image["file_name"] != shown:
            shown = image["file_name"]
            pixels = load_image(image_dir / shown)
        assert pixels is not None
        points = np.asarray(row.get("keypoints") or [0] * 51, np.float64).reshape(17, 3)
        points = with_answer(points, pose(pixels, corners(row["bbox"])), pixels.shape[:2])
        count = int((points[:, 2] > 0).sum())
        if "keypoints" in row or count >= FEWEST_POINTS:
            flat = points.round(2).ravel().tolist()
            area = row.get("area", row["bbox"][2] * row["bbox"][3])
            yield {
                **row, "category_id": PERSON_CATEGORY, "iscrowd": 0, "area": area,
                "keypoints": flat, "num_keypoints": count,
            }  # fmt: skip


def with_answer(
    points: NDArray[np.float64], answer: BodyAnswer, size_hw: tuple[int, ...]
) -> NDArray[np.float64]:
    """(17, 3) x, y, v with the trusted ones of an answer where v was 0."""
    trust = answer.trust()
    inside = ((answer.xy >= 0) & (answer.xy < size_hw[1::-1])).all(axis=1)
    new = (points[:, 2] == 0) & (trust >= LEAST_TRUST) & inside
    result = points.copy()
    result[new] = np.column_stack([answer.xy, trust])[new]
    return result
