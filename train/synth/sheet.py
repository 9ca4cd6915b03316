"""``python -m train.synth.sheet DATA SHEET.jpg``: random pictures of a data set with labels drawn.

Green is the person's left, orange the right; bright points are seen, dark red ones hidden.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dwpose_annotator.images import load_image
from dwpose_annotator.skeleton import LEFT_HAND, WHOLEBODY_LINKS
from dwpose_annotator.types import ImageArray
from train.config import annotation_and_images
from train.data import keypoints_of, read_json
from train.synth.labels import VISIBLE

LEFT, RIGHT, SEEN, HIDDEN = (60, 220, 60), (255, 150, 40), (255, 255, 90), (150, 20, 20)
HANDS = LEFT_HAND.start


def is_left(point: int) -> bool:
    """Whether a body, foot or hand point is the person's left."""
    if point >= HANDS:
        return point < LEFT_HAND.stop
    return point in (17, 18, 19) if point >= 17 else point % 2 == 1


def draw_person(picture: ImageArray, annotation: dict[str, Any], zoom: float) -> None:
    """Draw box, links and points into an enlarged picture."""
    keypoints = keypoints_of(annotation)
    points = [(round(float(x)), round(float(y))) for x, y in (keypoints[:, :2] + 0.5) * zoom]
    x, y, width, height = (round(v * zoom) for v in annotation["bbox"])
    cv2.rectangle(picture, (x, y), (x + width, y + height), (90, 200, 255), 1)
    for a, b in WHOLEBODY_LINKS:
        cv2.line(picture, points[a], points[b], LEFT if is_left(a) else RIGHT, 1, cv2.LINE_AA)
    for point, state in zip(points, keypoints[:, 2], strict=True):
        cv2.circle(picture, point, 1, SEEN if state == VISIBLE else HIDDEN, -1)


def draw_tile(
    image: ImageArray, people: list[dict[str, Any]], size_wh: tuple[int, int]
) -> ImageArray:
    """The picture as it is above the same picture with labels, both fitted into the tile."""
    zoom = min(size_wh[0] / image.shape[1], size_wh[1] / 2 / image.shape[0])
    plain = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    drawn = plain.copy()
    for annotation in people:
        draw_person(drawn, annotation, zoom)
    tile = np.full((size_wh[1], size_wh[0], 3), 255, np.uint8)
    height, width = plain.shape[:2]
    left = (size_wh[0] - width) // 2
    tile[:height, left : left + width] = plain
    tile[size_wh[1] // 2 :][:height, left : left + width] = drawn
    return tile


def main() -> None:
    """Draw a contact sheet of random pictures with their labels."""
    parser = argparse.ArgumentParser(prog="python -m train.synth.sheet", description=main.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("sheet", type=Path, help="image file to write")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--columns", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tile", type=int, nargs=2, default=(150, 400), metavar=("W", "H"))
    arguments = parser.parse_args()
    annotation_file, image_dir = annotation_and_images(str(arguments.data))
    content = read_json(annotation_file)
    images = content["images"]
    count = min(arguments.count, len(images))
    chosen = np.random.default_rng(arguments.seed).choice(len(images), count, replace=False)
    tiles = []
    for index in chosen:
        people = [a for a in content["annotations"] if a["image_id"] == images[index]["id"]]
        pixels = load_image(image_dir / images[index]["file_name"])
        tiles.append(draw_tile(pixels, people, tuple(arguments.tile)))
    tiles += [np.full_like(tiles[0], 255)] * (-count % arguments.columns)
    rows = [
        np.concatenate(tiles[i : i + arguments.columns], axis=1)
        for i in range(0, len(tiles), arguments.columns)
    ]
    cv2.imwrite(str(arguments.sheet), np.concatenate(rows)[..., ::-1])


if __name__ == "__main__":
    main()
