"""Colour order and normalisation: from viewable RGB crops to the batch a network was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from dwpose_annotator.types import FloatArray, ImageArray


@dataclass(frozen=True)
class NetworkInput:
    """Part of a weight's specification.

    Attributes:
        channel_order: order of the network's three input channels.
        mean: subtracted from 0..255 values, in that channel order.
        std: divided by, in that channel order.
    """

    channel_order: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @cached_property
    def _tables(self) -> FloatArray:
        """(3, 256) float32: the normalised value of each grey level, rounded once from float64."""
        levels = np.arange(256)
        table = (levels - np.array([self.mean]).T) / np.array([self.std]).T
        return np.asarray(table, dtype=np.float32)

    def to_batch(self, pixels: Sequence[ImageArray] | ImageArray) -> FloatArray:
        """(N, h, w, 3) uint8 RGB -> (N, 3, h, w) float32.

        A look-up per grey level is exact and, on one core, faster than multiply-and-add.
        """
        import cv2  # here: whoever only wants the table of weights must not wait for it

        height, width = pixels[0].shape[:2]
        batch = np.empty((len(pixels), 3, height, width), np.float32)
        channels = (0, 1, 2) if self.channel_order == "rgb" else (2, 1, 0)
        for row, image in enumerate(pixels):
            planes = cv2.split(image)
            for index, channel in enumerate(channels):
                cv2.LUT(planes[channel], self._tables[index], dst=batch[row, index])
        return batch


# Source: data_preprocessor of the RTMPose configs (open-mmlab/mmpose): RGB, ImageNet statistics.
POSE_INPUT = NetworkInput("rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# Source: preproc of Megvii-BaseDetection/YOLOX: what OpenCV reads, unscaled.
YOLOX_INPUT = NetworkInput("bgr", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
