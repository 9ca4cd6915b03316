"""Box everybody in photos by two public detectors (``python -m train.machines boxes``).

    python -m train.machines boxes DATA/detect -o boxes.json.gz \
        --networks centernet.onnx nanodet.onnx
    python -m train.detector train --photos boxes.json.gz@DATA/detect/images ...

Where both are sure there is a person; where they doubt, or where the old file has a box that they
do not confirm, nothing is known: a crowd region in COCO's sense, which teaches nothing.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from dwpose_annotator.images import load_image
from dwpose_annotator.types import Boxes, FloatArray, ImageArray
from train.config import annotation_and_images
from train.data import read_json, write_json
from train.detector.collect import photos_content
from train.evaluation.person_boxes import MIN_IOU, PERSON_CATEGORY, box_iou, corners
from train.machines.detectors import fused, open_centernet, open_nanodet

log = logging.getLogger(__name__)

PERSON_FROM = 0.33  # fused score; on COCO val2017, people from 96 px: recall 0.82, precision 0.93
DOUBT_FROM = 0.2  # below, one box in twenty is a person


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.machines boxes``."""
    parser.add_argument("data", help="what a configuration's data takes")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .json.gz")
    parser.add_argument(
        "--networks", type=Path, nargs=2, required=True, metavar=("CENTERNET", "NANODET")
    )
    parser.add_argument("--threads", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Box every image of the file and write its copy."""
    annotation_file, images = annotation_and_images(arguments.data)
    centernet = open_centernet(arguments.networks[0], threads=arguments.threads)
    nanodet = open_nanodet(arguments.networks[1], threads=arguments.threads)

    def find(image: ImageArray) -> Boxes:
        return fused(centernet(image), nanodet(image))

    content = boxed(read_json(annotation_file), images, find)
    write_json(arguments.output, content)
    doubtful = sum(row["iscrowd"] for row in content["annotations"])
    log.info(
        "%s: %d photos, %d people, %d doubtful", arguments.output, len(content["images"]),
        len(content["annotations"]) - doubtful, doubtful,
    )  # fmt: skip


def boxed(
    content: dict[str, Any], image_dir: Path, find: Callable[[ImageArray], Boxes]
) -> dict[str, Any]:
    """A COCO detection file for the images of another one.

    Args:
        content: COCO content with images and, possibly, boxes that somebody else has drawn.
        find: boxes of one RGB image with scores.
    """
    known: dict[int, list[FloatArray]] = {image["id"]: [] for image in content["images"]}
    for annotation in content.get("annotations", []):
        known[annotation["image_id"]].append(corners(annotation["bbox"]))
    images, rows = [], []
    for image in tqdm(content["images"], unit="img", mininterval=5):
        try:
            pixels = load_image(image_dir / image["file_name"])
        except (OSError, ValueError) as error:
            log.warning("skipped %s", error)
            continue
        images.append(image)
        old = np.asarray(known[image["id"]], np.float32).reshape(-1, 4)
        rows += [{"image_id": image["id"], **row} for row in judged(find(pixels), old)]
    return photos_content(images, rows)


def judged(found: Boxes, known: FloatArray) -> Iterator[dict[str, Any]]:
    """Annotations of one image: people, and boxes that are doubtful (``iscrowd`` 1).

    Args:
        known: (n, 4) xyxy boxes of an older file.
    """
    sure = found.score >= PERSON_FROM
    for box, score, person in zip(found.xyxy, found.score, sure, strict=True):
        if score >= DOUBT_FROM:
            yield _annotation(box, score=float(score), doubtful=not person)
    for box in known:
        if not (box_iou(box, found.xyxy[sure]) > MIN_IOU).any():
            yield _annotation(box, score=0.0, doubtful=True)


def _annotation(xyxy: FloatArray, *, score: float, doubtful: bool) -> dict[str, Any]:
    left, top, right, bottom = (round(float(value), 1) for value in xyxy)
    return {
        "category_id": PERSON_CATEGORY,
        "iscrowd": int(doubtful),
        "bbox": [left, top, right - left, bottom - top],
        "score": round(score, 3),
    }
