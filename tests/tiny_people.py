"""A data folder of the COCO-WholeBody format with a few drawn people, for training tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import WHOLEBODY_LINKS
from train.data import PARTS

IMAGE_HW = (200, 160)
# Body of a standing figure, then both feet, in shares of the box: COCO's first 23 points.
FIGURE = (
    (0.50, 0.08), (0.53, 0.06), (0.47, 0.06), (0.56, 0.07), (0.44, 0.07), (0.66, 0.2), (0.34, 0.2),
    (0.75, 0.36), (0.25, 0.36), (0.8, 0.5), (0.2, 0.5), (0.6, 0.52), (0.4, 0.52), (0.62, 0.74),
    (0.38, 0.74), (0.63, 0.94), (0.37, 0.94), (0.68, 0.98), (0.71, 0.97), (0.6, 0.97), (0.32, 0.98),
    (0.29, 0.97), (0.4, 0.97),
)  # fmt: skip


def draw_person(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float64], list]:
    """Image, (133, 2) points and xywh box of one stick figure."""
    height, width = IMAGE_HW
    box = np.array([rng.uniform(10, 30), rng.uniform(5, 20), width * 0.65, height * 0.85])
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    face = np.stack([0.5 + 0.06 * np.cos(angle), 0.07 + 0.04 * np.sin(angle)], axis=1)
    hands = [
        np.array(wrist) + rng.uniform(-0.05, 0.05, (21, 2)) for wrist in (FIGURE[9], FIGURE[10])
    ]
    xy = np.concatenate([FIGURE, face, *hands]) * box[2:] + box[:2]
    image = np.full((height, width, 3), rng.integers(0, 120, 3), np.uint8)
    colour = tuple(int(v) for v in rng.integers(150, 256, 3))
    for a, b in WHOLEBODY_LINKS:
        cv2.line(image, *(tuple(int(v) for v in xy[i]) for i in (a, b)), colour, 3)
    return image, xy, [round(float(v), 2) for v in box]


def write_tiny_people(
    folder: Path, count: int = 8, *, seed: int = 0, name: str = "train"
) -> dict[str, Any]:
    """``images/*.png`` and ``<name>.json`` below ``folder``; returns the annotation content."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for number in range(1, count + 1):
        image, xy, box = draw_person(rng)
        file_name = f"{name}_{number}.png"
        cv2.imwrite(str(folder / "images" / file_name), image)
        images.append(
            {"id": number, "file_name": file_name, "height": IMAGE_HW[0], "width": IMAGE_HW[1]}
        )
        annotation: dict[str, Any] = {"id": number, "image_id": number, "category_id": 1}
        annotation |= {"bbox": box, "area": box[2] * box[3] / 2, "iscrowd": 0, "num_keypoints": 17}
        rows = np.concatenate([xy, np.full((len(xy), 1), 2)], axis=1).round(2)
        start = 0
        for part, size in PARTS:
            annotation[part] = rows[start : start + size].ravel().tolist()
            start += size
        annotations.append(annotation)
    category = {"id": 1, "name": "person"}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / f"{name}.json").write_text(json.dumps(content))
    return content
