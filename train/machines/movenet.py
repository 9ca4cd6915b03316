"""MoveNet Thunder: 17 body points of one person, and how far they can be trusted.

How its ONNX file is made is in docs/training/machines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import BODY, FLIP_INDEX
from dwpose_annotator.types import FloatArray, ImageArray
from train.machines.onnx_file import open_file

SIDE = 256
PADDING = 1.1  # of the square around a box; 1.1, 1.25, 1.5: body AP 51.4, 48.7, 43.6 on COCO photos
SHRINK_FIRST = 0.5  # below this scale an affine warp alone would skip pixels
MIRROR = FLIP_INDEX[BODY]

# Measured on 406 people of COCO train2017: mean OKS of the points that people labelled too, by
# score, for answers that agree with those to the mirrored picture within 3 % of the box. Between
# 3 % and 10 % it is about a seventh lower, beyond that about 0.2 whatever the score.
SCORES = (0.05, 0.15, 0.25, 0.35, 0.55, 0.65)
TRUST = (0.0, 0.45, 0.60, 0.75, 0.83, 0.90)
NEAR, FAR, NEARLY = 0.03, 0.10, 0.85


@dataclass(frozen=True, eq=False)
class BodyAnswer:
    """Means of the answers to a person's picture and to its mirror image.

    Attributes:
        xy: (17, 2) image pixels.
        score: (17,) in [0, 1].
        apart: (17,) distance of the two answers as a share of the box's longer side.
    """

    xy: FloatArray
    score: FloatArray
    apart: FloatArray

    def trust(self) -> FloatArray:
        """(17,) weight of each point as a label, in [0, 1]."""
        trust = np.interp(self.score, SCORES, TRUST)
        factor = np.where(self.apart > FAR, 0.0, np.where(self.apart > NEAR, NEARLY, 1.0))
        return np.asarray(trust * factor, np.float32)


PoseBody = Callable[[ImageArray, FloatArray], BodyAnswer]


def open_movenet(file: Path, *, threads: int = 1) -> PoseBody:
    """A function from an RGB image and an xyxy box to the body in it."""
    session = open_file(file, threads=threads)
    name = session.get_inputs()[0].name

    def answer(crop: ImageArray) -> tuple[FloatArray, FloatArray]:
        rows = session.run(None, {name: crop[None].astype(np.int32)})[0].reshape(17, 3)
        return rows[:, 1::-1] * SIDE, rows[:, 2]

    def pose(image: ImageArray, box: FloatArray) -> BodyAnswer:
        crop, matrix = square_crop(image, box)
        xy, score = answer(crop)
        other_xy, other_score = answer(np.ascontiguousarray(crop[:, ::-1]))
        other_xy = other_xy[MIRROR] * [-1, 1] + [SIDE, 0]
        distance = np.linalg.norm(xy - other_xy, axis=1) / matrix[0, 0]
        return BodyAnswer(
            np.asarray(((xy + other_xy) / 2 - matrix[:, 2]) / matrix[0, 0], np.float32),
            np.asarray((score + other_score[MIRROR]) / 2, np.float32),
            np.asarray(distance / max(*(box[2:] - box[:2]), 1.0), np.float32),
        )

    return pose


def square_crop(image: ImageArray, box: FloatArray) -> tuple[ImageArray, NDArray[np.float64]]:
    """(256, 256, 3) around a box, black outside the image, and the (2, 3) image to crop matrix."""
    centre = (np.float64(box[:2]) + box[2:]) / 2
    scale = SIDE / (max(*(box[2:] - box[:2]), 1.0) * PADDING)
    matrix = np.column_stack([np.eye(2) * scale, SIDE / 2 - scale * centre])
    source, warp = image, matrix
    if scale < SHRINK_FIRST:
        source = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ratio = np.array([image.shape[1] / source.shape[1], image.shape[0] / source.shape[0], 1])
        warp = matrix * ratio
    return np.asarray(cv2.warpAffine(source, warp, (SIDE, SIDE)), np.uint8), matrix
