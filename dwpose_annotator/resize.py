"""Images at the sizes that ControlNet tools work with, so that photo and map fit each other.

The original app rounds both sides to multiples of 64, which may change the aspect a little
(``output_size_hw``); comfyui_controlnet_aux keeps the aspect and pads instead (``short_side_hw``).
"""

from __future__ import annotations

import cv2
import numpy as np

from dwpose_annotator.types import ImageArray

MULTIPLE = 64


def output_size_hw(size_hw: tuple[int, int], resolution: int) -> tuple[int, int]:
    """Size with a short side of about ``resolution``, both sides multiples of 64 (at least 64).

    Source: resize_image of IDEA-Research/DWPose, ControlNet annotator (rounds half to even).

    Raises:
        ValueError: a resolution below 1.
    """
    if resolution < 1:
        raise ValueError(f"resolution must be a positive number of pixels, got {resolution}")
    factor = resolution / min(size_hw)
    height, width = (max(MULTIPLE, round(side * factor / MULTIPLE) * MULTIPLE) for side in size_hw)
    return height, width


def resize_for_controlnet(image: ImageArray, resolution: int) -> ImageArray:
    """(H, W, 3) uint8 at ``output_size_hw``: Lanczos to enlarge, area averages to shrink.

    Source: resize_image of IDEA-Research/DWPose, ControlNet annotator.

    Raises:
        ValueError: a resolution below 1.
    """
    size_hw = output_size_hw(image.shape[:2], resolution)
    enlarged = resolution > min(image.shape[:2])
    return _resize(image, size_hw, cv2.INTER_LANCZOS4 if enlarged else cv2.INTER_AREA)


def short_side_hw(size_hw: tuple[int, int], resolution: int) -> tuple[int, int]:
    """Size with that short side and the same aspect, rounded to whole pixels.

    Source: resize_image_with_pad of Fannovel16/comfyui_controlnet_aux, before it pads.

    Raises:
        ValueError: a resolution below 1.
    """
    if resolution < 1:
        raise ValueError(f"resolution must be a positive number of pixels, got {resolution}")
    factor = resolution / min(size_hw)
    height, width = (max(1, round(side * factor)) for side in size_hw)
    return height, width


def resize_with_pad(image: ImageArray, resolution: int) -> ImageArray:
    """(H, W, 3) uint8 at ``short_side_hw``, then padded right and below to multiples of 64.

    The padding repeats the last pixels; cut it off a result with ``[:height, :width]``.
    Source: resize_image_with_pad of Fannovel16/comfyui_controlnet_aux.

    Raises:
        ValueError: a resolution below 1.
    """
    height, width = short_side_hw(image.shape[:2], resolution)
    enlarged = resolution > min(image.shape[:2])
    resized = _resize(image, (height, width), cv2.INTER_CUBIC if enlarged else cv2.INTER_AREA)
    return np.pad(resized, ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)), mode="edge")


def _resize(image: ImageArray, size_hw: tuple[int, int], interpolation: int) -> ImageArray:
    return np.asarray(cv2.resize(image, size_hw[::-1], interpolation=interpolation), dtype=np.uint8)
