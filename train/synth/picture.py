"""One finished sample: scene, rendering, what a real camera adds, labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from dwpose_annotator.types import ImageArray
from train.synth.labels import annotate
from train.synth.render import Geometry, render
from train.synth.scene import Studio

TRIES = 10


@dataclass(frozen=True)
class Sample:
    """A JPEG file's bytes, its (w, h), and COCO-WholeBody annotations without ids."""

    jpeg: bytes
    size_wh: tuple[int, int]
    annotations: tuple[dict[str, Any], ...]


def camera_flaws(rng: np.random.Generator, image: ImageArray) -> ImageArray:
    """Exposure, contrast, white balance, blur of focus or motion, noise, lost colour."""
    picture = image.astype(np.float32)
    picture *= rng.uniform(0.8, 1.45) * (1 + rng.normal(0, 0.05, 3).astype(np.float32))
    middle = picture.mean()
    picture = middle + (picture - middle) * np.float32(rng.uniform(0.75, 1.2))
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3))
    elif rng.random() < 0.12:
        length, angle = int(rng.integers(3, 8)), rng.uniform(0, 180)
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1
        turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), angle, 1)
        kernel = cv2.warpAffine(kernel, turn, (length, length))
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    if rng.random() < 0.6:
        picture += rng.normal(0, rng.uniform(1, 9), picture.shape).astype(np.float32)
    if rng.random() < 0.04:
        picture[:] = picture.mean(axis=2, keepdims=True)
    return np.clip(picture, 0, 255).astype(np.uint8)


def draw_sample(studio: Studio, rng: np.random.Generator) -> Sample:
    """Draw scenes until the subject can be labelled (almost always the first one)."""
    for _ in range(TRIES):
        scene = studio.draw_scene(rng)
        geometry = Geometry(scene.surfaces)
        background = studio.backgrounds.draw(rng, scene.camera.size_wh)
        result = render(rng, geometry, scene.camera, scene.light, background)
        labels = [
            annotate(geometry, scene.camera, body, person, result.person)
            for person, body in enumerate(scene.bodies)
        ]
        if labels[0] is None:
            continue
        image = camera_flaws(rng, result.image)
        quality = int(rng.integers(55, 96))
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return Sample(
            data.tobytes(), scene.camera.size_wh, tuple(a for a in labels if a is not None)
        )
    raise RuntimeError(f"no scene of {TRIES} shows its subject")
