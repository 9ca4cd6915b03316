"""Boxes to crops and back: the one geometry that training and inference share.

A box gets 25 % padding and the network's aspect ratio, then a similarity transform (scale,
rotation, translation; no half-pixel shift) maps it onto the crop.
Source: TopdownAffine / GetBBoxCenterScale of open-mmlab/mmpose, onnxpose.py of
IDEA-Research/DWPose.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import Boxes, Crops, FloatArray, ImageArray

BOX_PADDING = 1.25  # mmpose GetBBoxCenterScale default


def box_to_center_scale(
    xyxy: NDArray[np.floating], *, padding: float = BOX_PADDING
) -> tuple[FloatArray, FloatArray]:
    """Centres (N, 2) and padded sizes (N, 2) as (w, h), in image pixels, of (N, 4) boxes."""
    xyxy = np.asarray(xyxy, dtype=np.float32)
    center = (xyxy[:, :2] + xyxy[:, 2:]) * np.float32(0.5)
    scale = (xyxy[:, 2:] - xyxy[:, :2]) * np.float32(padding)
    return center, scale


def fix_aspect(scale_wh: NDArray[np.floating], crop_wh: tuple[int, int]) -> FloatArray:
    """Enlarge the shorter side of (N, 2) sizes so that width / height equals the crop's."""
    aspect = np.float32(crop_wh[0] / crop_wh[1])
    width, height = np.asarray(scale_wh, dtype=np.float32).T
    wide = width > height * aspect
    return np.stack(
        [np.where(wide, width, height * aspect), np.where(wide, width / aspect, height)], axis=1
    ).astype(np.float32)


def affine_to_crop(
    center: NDArray[np.floating],
    scale_wh: NDArray[np.floating],
    crop_wh: tuple[int, int],
    rotation_deg: float = 0.0,
) -> NDArray[np.float64]:
    """(2, 3) matrix from image pixels to crop pixels for one aspect-fixed box.

    ``center`` lands on (w/2, h/2); the image is turned by ``-rotation_deg`` (positive turns the
    window clockwise on screen), then scaled by crop width / box width.
    """
    crop_w, crop_h = crop_wh
    ratio = crop_w / float(scale_wh[0])
    angle = np.deg2rad(rotation_deg)
    cos, sin = ratio * np.cos(angle), ratio * np.sin(angle)
    cx, cy = float(center[0]), float(center[1])
    return np.array(
        [
            [cos, sin, crop_w * 0.5 - cos * cx - sin * cy],
            [-sin, cos, crop_h * 0.5 + sin * cx - cos * cy],
        ]
    )


def invert_affine(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Inverse of (..., 2, 3) affine matrices, in float64."""
    matrix = np.asarray(matrix, dtype=np.float64)
    linear = np.linalg.inv(matrix[..., :2])
    return np.concatenate([linear, -linear @ matrix[..., 2:]], axis=-1)


def transform_points(
    xy: NDArray[np.floating], matrix: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Apply one (2, 3) matrix to (..., 2) points."""
    moved: NDArray[np.floating] = xy @ matrix[:, :2].T + matrix[:, 2]
    return moved


def warp_crop(
    image: ImageArray, matrix: NDArray[np.floating], crop_wh: tuple[int, int]
) -> ImageArray:
    """Bilinear crop (h, w, 3) of ``image``; outside it the crop is black."""
    crop = cv2.warpAffine(
        image, np.asarray(matrix, dtype=np.float64), crop_wh, flags=cv2.INTER_LINEAR
    )
    return np.asarray(crop, dtype=np.uint8)


def crop_people(image: ImageArray, boxes: Boxes, crop_wh: tuple[int, int]) -> Crops:
    """Cut one network-sized crop per box out of an RGB image."""
    center, scale = box_to_center_scale(boxes.xyxy)
    scale = np.maximum(fix_aspect(scale, crop_wh), 1e-3)  # a zero-area box must stay invertible
    matrices = [affine_to_crop(c, s, crop_wh) for c, s in zip(center, scale, strict=True)]
    pixels = np.zeros((len(boxes), crop_wh[1], crop_wh[0], 3), np.uint8)
    for row, matrix in enumerate(matrices):
        pixels[row] = warp_crop(image, matrix, crop_wh)
    return Crops(pixels, np.asarray(matrices, np.float32).reshape(-1, 2, 3))


def crop_to_image(xy_crop: FloatArray, image_to_crop: FloatArray) -> FloatArray:
    """Map (N, K, 2) crop points back to image pixels with each crop's own (N, 2, 3) matrix."""
    inverse = invert_affine(image_to_crop)
    xy = np.einsum("nij,nkj->nki", inverse[:, :, :2], np.asarray(xy_crop, np.float64))
    return np.asarray(xy + inverse[:, None, :, 2], np.float32)


def batch_slices(count: int, limit: int) -> Sequence[slice]:
    """Split ``count`` items into runs of at most ``limit``, so that memory stays bounded."""
    if limit < 1:
        raise ValueError(f"a batch must hold at least one item, but the limit is {limit}")
    return [slice(start, min(start + limit, count)) for start in range(0, count, limit)]
