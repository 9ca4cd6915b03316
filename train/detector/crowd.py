"""Crowds from single people: figures cut out along their keypoints, pasted in groups.

Labelled photos hold one to five people who hardly hide each other; groups, queues and stands are
missing. Who stands behind keeps the box of what is still seen, as COCO's annotators drew it.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import ImageArray
from train.data import read_json
from train.detector.labels import PERSON, UNKNOWN
from train.pixels import Pixels
from train.silhouette import HEAD, HIPS, SHOULDERS, silhouette

GROUP = (2, 7)  # people
HEIGHTS = (0.12, 1.5)  # of the canvas, by the size of a whole figure
MIN_SEEN = 0.12  # of a figure; who shows less is unknown
HIDDEN_BOX, LOST_BOX = 0.5, 0.9  # covered shares from which a photo's own box is unknown, or gone


@dataclass(frozen=True, eq=False)
class Figures:
    """People that can be cut out.

    Attributes:
        image: (n,) files.
        box: (n, 4) xyxy image pixels.
        body: (n, 17, 3) COCO keypoints, x, y, visibility.
    """

    image: tuple[Path, ...]
    box: NDArray[np.float32]
    body: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image)

    def select(self, usable: Container[Path]) -> Figures:
        """Only the people in images of ``usable``."""
        kept = [i for i, path in enumerate(self.image) if path in usable]
        return Figures(tuple(self.image[i] for i in kept), self.box[kept], self.body[kept])


def load_figures(annotation_file: Path, image_dir: Path, *, sources: Collection[str]) -> Figures:
    """People whose torso, head and one knee are labelled, of a COCO-WholeBody file of cut-outs."""
    content = read_json(annotation_file)
    images = {image["id"]: image for image in content["images"]}
    files, boxes, bodies = [], [], []
    for annotation in content["annotations"]:
        image = images[annotation["image_id"]]
        points = np.asarray(annotation.get("keypoints", []), np.float32).reshape(-1, 3)
        body = points[:17] if len(points) >= 17 else np.zeros((17, 3), np.float32)
        seen = body[:, 2] > 0
        whole = seen[[*SHOULDERS, *HIPS]].all() and seen[HEAD].any() and seen[13:15].any()
        if whole and image.get("source") in sources and image.get("part") != "upper":
            x, y, w, h = annotation["bbox"]
            files.append(image_dir / image["file_name"])
            boxes.append((x, y, x + w, y + h))
            bodies.append(body)
    return Figures(
        tuple(files),
        np.asarray(boxes, np.float32).reshape(-1, 4),
        np.asarray(bodies, np.float32).reshape(-1, 17, 3),
    )


def add_group(
    rng: np.random.Generator,
    canvas: ImageArray,
    labels: NDArray[np.float32],
    figures: Figures,
    pixels: Pixels,
) -> NDArray[np.float32]:
    """Paste a group onto a picture, one person behind the next.

    Args:
        canvas: (S, S, 3) uint8, changed in place.
        labels: (m, 5) of the picture so far.

    Returns:
        (m', 5) labels of the picture as it is now.
    """
    side = len(canvas)
    owner = np.zeros(canvas.shape[:2], np.int16)
    count = int(rng.integers(GROUP[0], GROUP[1] + 1))
    height = side * float(np.exp(rng.uniform(*np.log(HEIGHTS))))
    left, top = rng.uniform(-0.1, 0.6) * side, rng.uniform(-0.1, 0.6) * side
    step = height * rng.uniform(0.1, 0.4)
    places = [
        (left + number * step * rng.uniform(0.8, 1.2), top + height * rng.uniform(-0.1, 0.1))
        for number in range(count)
    ]
    full = np.zeros(count + 1)
    for number, place in enumerate(rng.permutation(places), start=1):
        tall = height * rng.uniform(0.85, 1.15)
        full[number] = _paste(rng, canvas, owner, number, place, tall, figures, pixels)
    pasted = [
        (*_extent(owner == number), PERSON if seen >= MIN_SEEN * full[number] else UNKNOWN)
        for number in range(1, count + 1)
        if (seen := (owner == number).sum()) > 0
    ]
    return np.asarray([*_uncovered(labels, owner > 0), *pasted], np.float32).reshape(-1, 5)


def _paste(
    rng: np.random.Generator,
    canvas: ImageArray,
    owner: NDArray[np.int16],
    number: int,
    corner_xy: NDArray[np.floating],
    height: float,
    figures: Figures,
    pixels: Pixels,
) -> float:
    """Blend one random figure in, its box ``height`` tall; its area in canvas pixels."""
    index = int(rng.integers(len(figures)))
    photo, box = pixels[figures.image[index]], figures.box[index]
    mask = silhouette(figures.body[index], box, photo.shape[:2])
    scale = height / float(box[3] - box[1])
    matrix = np.array(
        [
            [scale, 0, corner_xy[0] - scale * box[0]],
            [0, scale, corner_xy[1] - scale * box[1]],
        ]
    )
    if scale < 0.5:  # an affine warp alone would skip pixels
        photo, mask = (
            cv2.resize(pixel, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for pixel in (photo, mask)
        )
        matrix[:, :2] /= scale
    soft = cv2.GaussianBlur(cv2.warpAffine(mask, matrix, canvas.shape[1::-1]), (3, 3), 0)
    if soft.any():
        left, top, right, bottom = (int(v) for v in _extent(soft > 0))
        matrix[:, 2] -= left, top
        person = cv2.warpAffine(photo, matrix, (right - left, bottom - top))
        opacity = (soft[top:bottom, left:right].astype(np.float32) / 255)[..., None]
        behind = canvas[top:bottom, left:right]
        behind[:] = np.rint(person * opacity + behind * (1 - opacity)).astype(np.uint8)
        owner[soft > 127] = number
    return float((mask > 127).sum()) * float(matrix[0, 0]) ** 2


def _extent(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """xyxy of what is set."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _uncovered(
    labels: NDArray[np.float32], covered: NDArray[np.bool_]
) -> list[NDArray[np.float32]]:
    """The picture's own labels: unknown where half is covered, gone where nearly all is."""
    kept = []
    for label in labels:
        left, top, right, bottom = label[:4].round().astype(int)
        share = covered[top:bottom, left:right].mean() if right > left and bottom > top else 1.0
        if label[4] == PERSON and share >= LOST_BOX:
            continue
        if share >= HIDDEN_BOX:
            label = np.array([*label[:4], UNKNOWN], np.float32)
        kept.append(label)
    return kept
