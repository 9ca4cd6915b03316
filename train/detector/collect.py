"""Public photos as a folder for ``--photos`` (``python -m train.detector collect``).

    collect coco COCO2017 OUT --only ids.txt      annotations/instances_train2017.json, train2017/
    collect masks PennFudanPed OUT                PNGImages/*.png, PedMasks/*_mask.png
    collect voc VOC2007 OUT                       Annotations/*.xml, JPEGImages/*.jpg
    collect art Annotations/person_trainval.txt OUT   People-Art: paintings, prints, cartoons
    collect nobody FOLDER OUT --without names.txt photos of things and animals: nobody to find
    collect unlabelled FOLDER OUT                 any photos, for ``python -m train.machines boxes``

Everybody in them has a box around the visible pixels, or there is nobody (or nobody has looked
yet). A photo with a crowd that has one label for all is left out: its people would be taught as
background. Who is hard to tell for the people who drew the boxes is doubtful (``iscrowd`` 1).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np

from dwpose_annotator.images import load_image, save_image
from dwpose_annotator.inputs import IMAGE_ENDINGS
from dwpose_annotator.types import ImageArray
from train.data import read_json, write_json
from train.evaluation.person_boxes import PERSON_CATEGORY

log = logging.getLogger(__name__)

LONGEST_PX = 640  # of the stored copies

BoxXywh = tuple[float, float, float, float]


class Person(NamedTuple):
    """A box in photo pixels; a doubtful one teaches neither a person nor background."""

    box: BoxXywh
    doubtful: bool = False


Found = Iterator[tuple[Path, list[Person]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.detector collect``."""
    parser.add_argument("kind", choices=READERS, help="how the source is labelled")
    parser.add_argument("source", type=Path, help="folder of the data set; art: a list of it")
    parser.add_argument("out", type=Path, help="folder to write: train.json and images/")
    parser.add_argument("--only", type=Path, help="text file: names without ending, one a line")
    parser.add_argument("--without", type=Path, help="the same for photos to leave out")


def run(arguments: argparse.Namespace) -> None:
    """Write the folder and say how much is in it."""
    only, without = (_names(file) for file in (arguments.only, arguments.without))
    chosen = (
        (path, people)
        for path, people in READERS[arguments.kind](arguments.source)
        if (not only or path.stem in only) and path.stem not in without
    )
    photos, people = write_folder(arguments.out, chosen, source=arguments.kind)
    print(f"{arguments.out}: {photos} photos, {people} people")


def coco_photos(source: Path) -> Found:
    """Photos of COCO train2017 and their people; those with a crowd region are left out."""
    content = read_json(source / "annotations" / "instances_train2017.json")
    people: dict[int, list[Person]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        if annotation["category_id"] != PERSON_CATEGORY:
            continue
        if annotation["iscrowd"]:
            people.pop(annotation["image_id"], None)
        elif annotation["image_id"] in people:
            people[annotation["image_id"]].append(Person(annotation["bbox"]))
    for image in content["images"]:
        path = source / "train2017" / image["file_name"]
        if image["id"] in people and path.exists():
            yield path, people[image["id"]]


def masked_photos(source: Path) -> Found:
    """Penn-Fudan: person k of a photo is where its mask has the value k."""
    for path in sorted((source / "PNGImages").glob("*.png")):
        mask = cv2.imread(str(source / "PedMasks" / f"{path.stem}_mask.png"), cv2.IMREAD_UNCHANGED)
        if mask is None:
            raise FileNotFoundError(f"{path}: no mask in {source / 'PedMasks'}")
        people = [cv2.boundingRect((mask == k).astype(np.uint8)) for k in np.unique(mask) if k]
        yield path, [Person((float(x), float(y), float(w), float(h))) for x, y, w, h in people]


def voc_photos(source: Path) -> Found:
    """Photos of a PASCAL VOC challenge and their people; ``difficult`` ones are doubtful.

    Files without a mark of the challenge's database are left out: who added them to a copy may
    have boxed something else.
    """
    for path in sorted((source / "Annotations").glob("*.xml")):
        content = ElementTree.parse(path)
        photo = source / "JPEGImages" / f"{path.stem}.jpg"
        if "VOC" in content.findtext("source/database", "") and photo.exists():
            yield photo, [_voc_person(row) for row in content.iterfind("object[name='person']")]


def _voc_person(row: ElementTree.Element) -> Person:
    """From the first to the last pixel, which count from 1."""
    sides = (row.findtext(f"bndbox/{side}", "") for side in ("xmin", "ymin", "xmax", "ymax"))
    left, top, right, bottom = (float(side) for side in sides)
    box = (left - 1, top - 1, right - left + 1, bottom - top + 1)
    return Person(box, doubtful=row.findtext("difficult") == "1")


def art_pictures(source: Path) -> Found:
    """Pictures of a list of People-Art: a path below JPEGImages and 1 or -1 (nobody), one a line.

    Labels are those of PASCAL VOC, in ``Annotations/PATH.xml`` where somebody is in the picture.
    """
    root = source.parent.parent
    for line in source.read_text(encoding="utf-8").splitlines():
        name, _, somebody = line.rpartition(" ")
        labels = root / "Annotations" / f"{name}.xml"
        rows = (
            ElementTree.parse(labels).iterfind("object[name='person']") if somebody == "1" else []
        )
        yield root / "JPEGImages" / name, [_voc_person(row) for row in rows]


def empty_photos(source: Path) -> Found:
    """Every image of a folder, without labels."""
    for path in sorted(source.iterdir()):
        if path.suffix.lower() in IMAGE_ENDINGS:
            yield path, []


READERS: dict[str, Callable[[Path], Found]] = {
    "coco": coco_photos,
    "masks": masked_photos,
    "voc": voc_photos,
    "art": art_pictures,
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
    for path, people in photos:
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
        place = {"image_id": len(images), "category_id": PERSON_CATEGORY}
        annotations += [
            {**place, "iscrowd": int(doubtful), "bbox": [value * scale for value in box]}
            for box, doubtful in people
        ]
    if not images:
        raise ValueError(f"{out}: no photo was found or left")
    write_json(out / "train.json", photos_content(images, annotations))
    return len(images), len(annotations)


def photos_content(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]]
) -> dict[str, Any]:
    """What ``load_photos`` reads; the annotations, without numbers so far, are numbered."""
    return {
        "images": images,
        "annotations": [{"id": n, **row} for n, row in enumerate(annotations, start=1)],
        "categories": [{"id": PERSON_CATEGORY, "name": "person"}],
    }


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
