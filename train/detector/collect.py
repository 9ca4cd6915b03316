"""Public photos as a folder for ``--photos`` (``python -m train.detector collect``).

    collect coco COCO2017 OUT --only ids.txt      annotations/instances_train2017.json, train2017/
    collect masks PennFudanPed OUT                PNGImages/*.png, PedMasks/*_mask.png
    collect nobody FOLDER OUT --without names.txt photos of things and animals: nobody to find
    collect unlabelled FOLDER OUT                 any photos, for ``python -m train.machines boxes``

Everybody in them has a box around the visible pixels, or there is nobody (or nobody has looked
yet). A photo with a crowd that has one label for all is left out: its people would be taught as
background.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from dwpose_annotator.images import load_image, save_image
from dwpose_annotator.inputs import IMAGE_ENDINGS
from dwpose_annotator.types import ImageArray
from train.data import read_json, write_json

log = logging.getLogger(__name__)

LONGEST_PX = 640  # of the stored copies
COCO_PERSON = 1  # category id

BoxXywh = tuple[float, float, float, float]
Found = Iterator[tuple[Path, list[BoxXywh]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.detector collect``."""
    parser.add_argument("kind", choices=READERS, help="how the source is labelled")
    parser.add_argument("source", type=Path, help="folder of the data set")
    parser.add_argument("out", type=Path, help="folder to write: train.json and images/")
    parser.add_argument("--only", type=Path, help="text file: names without ending, one a line")
    parser.add_argument("--without", type=Path, help="the same for photos to leave out")


def run(arguments: argparse.Namespace) -> None:
    """Write the folder and say how much is in it."""
    only, without = (_names(file) for file in (arguments.only, arguments.without))
    chosen = (
        (path, boxes)
        for path, boxes in READERS[arguments.kind](arguments.source)
        if (not only or path.stem in only) and path.stem not in without
    )
    photos, people = write_folder(arguments.out, chosen, source=arguments.kind)
    print(f"{arguments.out}: {photos} photos, {people} people")


def coco_photos(source: Path) -> Found:
    """Photos of COCO train2017 and their people; those with a crowd region are left out."""
    content = read_json(source / "annotations" / "instances_train2017.json")
    boxes: dict[int, list[BoxXywh]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        if annotation["category_id"] != COCO_PERSON:
            continue
        if annotation["iscrowd"]:
            boxes.pop(annotation["image_id"], None)
        elif annotation["image_id"] in boxes:
            boxes[annotation["image_id"]].append(annotation["bbox"])
    for image in content["images"]:
        path = source / "train2017" / image["file_name"]
        if image["id"] in boxes and path.exists():
            yield path, boxes[image["id"]]


def masked_photos(source: Path) -> Found:
    """Penn-Fudan: person k of a photo is where its mask has the value k."""
    for path in sorted((source / "PNGImages").glob("*.png")):
        mask = cv2.imread(str(source / "PedMasks" / f"{path.stem}_mask.png"), cv2.IMREAD_UNCHANGED)
        if mask is None:
            raise FileNotFoundError(f"{path}: no mask in {source / 'PedMasks'}")
        people = [cv2.boundingRect((mask == k).astype(np.uint8)) for k in np.unique(mask) if k]
        yield path, [(float(x), float(y), float(w), float(h)) for x, y, w, h in people]


def empty_photos(source: Path) -> Found:
    """Every image of a folder, without labels."""
    for path in sorted(source.iterdir()):
        if path.suffix.lower() in IMAGE_ENDINGS:
            yield path, []


READERS: dict[str, Callable[[Path], Found]] = {
    "coco": coco_photos,
    "masks": masked_photos,
    "nobody": empty_photos,
    "unlabelled": empty_photos,
}


def write_folder(out: Path, photos: Found, *, source: str) -> tuple[int, int]:
    """Scaled copies and train.json, in the format of ``load_photos``; counts photos and people.

    Raises:
        ValueError: no photo at all.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for path, boxes in photos:
        try:
            photo, scale = _reduced(load_image(path))
        except ValueError as error:
            log.warning("skipped %s", error)
            continue
        name = f"{path.stem}.jpg"
        save_image(out / "images" / name, photo)
        height, width = photo.shape[:2]
        size = {"width": width, "height": height}
        images.append({"id": len(images) + 1, "file_name": name, "source": source, **size})
        annotations += [
            {"image_id": len(images), "category_id": COCO_PERSON, "iscrowd": 0, "bbox": box}
            for box in ([value * scale for value in box] for box in boxes)
        ]
    if not images:
        raise ValueError(f"{out}: no photo was found or left")
    content = {
        "images": images,
        "annotations": [{"id": n, **row} for n, row in enumerate(annotations, start=1)],
        "categories": [{"id": COCO_PERSON, "name": "person"}],
    }
    write_json(out / "train.json", content)
    return len(images), len(annotations)


def _reduced(photo: ImageArray) -> tuple[ImageArray, float]:
    """The photo at most ``LONGEST_PX`` long, and its scale."""
    scale = min(1.0, LONGEST_PX / max(photo.shape[:2]))
    if scale < 1:
        photo = np.asarray(
            cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    return photo, scale


def _names(file: Path | None) -> frozenset[str]:
    return frozenset(file.read_text().split()) if file else frozenset()
