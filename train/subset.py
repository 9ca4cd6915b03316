"""Some of a data set's people as a file of their own (``python -m train subset``).

    python -m train subset DATA/people_daily -o coco.json.gz --source coco
    python -m train subset COCO/annotations/person_keypoints_train2017.json -o more.json.gz \
        --only names.txt --min-points 4 --min-height 60 --hidden-as-seen
    python -m train CONFIG --set \
        'data=[["DATA/people_daily",0.9],["coco.json.gz@DATA/people_daily/images",0.1]]'

People whom a machine could label are the easy ones. The few whom people labelled are worth drawing
more often, which a share of their own in ``data`` does.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

from train.config import annotation_and_images
from train.data import PARTS, read_json, write_json

log = logging.getLogger(__name__)

HIDDEN, SEEN = 1, 2  # COCO's visibility


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train subset``."""
    parser.add_argument("data", help="what a configuration's data takes")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .json.gz")
    parser.add_argument("--source", action="append", default=[], help="images of this source")
    parser.add_argument("--only", type=Path, help="text file: image names without ending")
    parser.add_argument("--min-points", type=int, default=1, help="labelled body points")
    parser.add_argument("--min-height", type=float, default=0.0, help="of the box in pixels")
    parser.add_argument("--hidden-as-seen", action="store_true", help="v = 1 becomes v = 2")


def run(arguments: argparse.Namespace) -> None:
    """Write the file and say how many people are in it.

    Raises:
        ValueError: nobody is left.
    """
    annotation_file, _ = annotation_and_images(arguments.data)
    content = subset(
        read_json(annotation_file),
        sources=arguments.source,
        names=arguments.only.read_text().split() if arguments.only else (),
        min_points=arguments.min_points,
        min_height=arguments.min_height,
    )
    if not content["annotations"]:
        raise ValueError(f"{annotation_file}: nobody fits the options")
    if arguments.hidden_as_seen:
        content["annotations"] = [_all_seen(row) for row in content["annotations"]]
    write_json(arguments.output, content)
    log.info("%s: %d people", arguments.output, len(content["annotations"]))


def subset(
    content: dict[str, Any],
    *,
    sources: Collection[str] = (),
    names: Collection[str] = (),
    min_points: int = 1,
    min_height: float = 0.0,
) -> dict[str, Any]:
    """The people who fit, and their images; an empty collection does not choose.

    Args:
        content: COCO or COCO-WholeBody content; left as it is.
        sources: ``source`` entries of images.
        names: file names of images without ending.
        min_points: labelled points of the body.
        min_height: of the box in pixels.
    """
    images = {
        image["id"]: image
        for image in content["images"]
        if (not sources or image.get("source") in sources)
        and (not names or Path(image["file_name"]).stem in names)
    }
    annotations = [
        row
        for row in content["annotations"]
        if row["image_id"] in images
        and not row.get("iscrowd")
        and sum(v > 0 for v in row.get("keypoints", [])[2::3]) >= min_points
        and row["bbox"][3] >= min_height
    ]
    shown = {row["image_id"] for row in annotations}
    kept = [image for number, image in images.items() if number in shown]
    return {**content, "images": kept, "annotations": annotations}


def _all_seen(annotation: dict[str, Any]) -> dict[str, Any]:
    """A copy of an annotation whose hidden points count as seen."""
    changed = dict(annotation)
    for name, _ in PARTS:
        if annotation.get(name):
            changed[name] = [
                SEEN if place % 3 == 2 and value == HIDDEN else value
                for place, value in enumerate(annotation[name])
            ]
    return changed
