"""Training augmentations: small functions on NumPy arrays; the random draws live in ``draw_*``.

A sample travels as image, keypoints and a ``Window`` (what will be cropped); geometric transforms
only move the window, so that pixels are resampled once. Source of ranges and probabilities: the
training pipelines of the DWPose configs (IDEA-Research/DWPose, mmpose RTMPose for COCO + UBody).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator import crop
from dwpose_annotator.skeleton import FLIP_INDEX
from dwpose_annotator.types import ImageArray

UPPER_BODY = slice(0, 11)  # mmpose RandomHalfBody; face and hands belong to neither half
LOWER_BODY = slice(11, 23)
HALF_BODY_PADDING = 1.5
DETAIL_KEPT = (0.2, 0.8)  # share of the resolution: people of about 40 to 160 px


@dataclass(frozen=True)
class Window:
    """What will be cropped: centre (x, y), size (w, h) in image pixels, a turn in degrees."""

    center: NDArray[np.float32]
    scale_wh: NDArray[np.float32]
    rotation_deg: float = 0.0

    def matrix(self, crop_wh: tuple[int, int]) -> NDArray[np.float64]:
        """(2, 3) affine, image to crop pixels, after the aspect fix."""
        scale = crop.fix_aspect(self.scale_wh[None], crop_wh)[0]
        return crop.affine_to_crop(self.center, scale, crop_wh, self.rotation_deg)


@dataclass(frozen=True)
class Augmentation:
    """Strength of each augmentation; the defaults are the published models' first 240 epochs."""

    flip: float = 0.5
    half_body: float = 0.3
    shift: float = 0.3
    """Probability of moving the window by up to ``shift_factor`` of its size."""
    shift_factor: float = 0.16
    scale_range: tuple[float, float] = (0.6, 1.4)
    rotate: float = 0.6
    rotation_deg: float = 80.0
    hsv: bool = True
    blur: float = 0.1
    median_blur: float = 0.1
    dropout: float = 1.0
    """Probability of blacking out one rectangle of 20-40 % of each side."""
    low_resolution: float = 0.0
    """Probability of losing detail, as small people do who are enlarged to the network's input;
    not in the published recipe, whose data has small people itself."""
    neighbour: float = 0.0
    """Probability of somebody close by, see ``company.with_neighbour``."""
    frame: float = 0.0
    """Probability of a photo that ends within the person, see ``company.cut_by_frame``."""


NO_AUGMENTATION = Augmentation(
    flip=0,
    half_body=0,
    shift=0,
    scale_range=(1, 1),
    rotate=0,
    hsv=False,
    blur=0,
    median_blur=0,
    dropout=0,
    low_resolution=0,
    neighbour=0,
    frame=0,
)


def truncated_normal(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Standard normal draws cut to [-1, 1] (mmpose draws every box jitter from it)."""
    values = rng.standard_normal(size)
    while (outside := np.abs(values) > 1).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values


# ---- geometry ---------------------------------------------------------------------------------
def mirror(
    image: ImageArray,
    center: NDArray[np.float32],
    xy: NDArray[np.float32],
    visible: NDArray[np.float32],
) -> tuple[ImageArray, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Flip left-right: x' = W - 1 - x, and left and right keypoints trade names."""
    last = np.float32(image.shape[1] - 1)
    flipped_xy = xy[FLIP_INDEX].copy()
    flipped_xy[:, 0] = last - flipped_xy[:, 0]
    flipped_center = np.array([last - center[0], center[1]], np.float32)
    return image[:, ::-1], flipped_center, flipped_xy, visible[FLIP_INDEX]


def window_around(xy: NDArray[np.float32]) -> Window:
    """Window around the (n, 2) points of one body half: their mean, 1.5 times their extent."""
    extent = xy.max(axis=0) - xy.min(axis=0)
    return Window(
        xy.mean(axis=0).astype(np.float32), (extent * HALF_BODY_PADDING).astype(np.float32)
    )


def draw_half_body(
    rng: np.random.Generator, xy: NDArray[np.float32], visible: NDArray[np.float32]
) -> Window | None:
    """A window on the upper or lower half, or None where too few points are labelled.

    Source: mmpose RandomHalfBody: 9 visible of 133, 2 upper and 3 lower points, upper with 0.7.
    """
    if (visible > 0).sum() < 9:
        return None
    upper = xy[UPPER_BODY][visible[UPPER_BODY] > 0]
    lower = xy[LOWER_BODY][visible[LOWER_BODY] > 0]
    has_upper, has_lower = len(upper) >= 2, len(lower) >= 3
    if not (has_upper or has_lower):
        return None
    use_upper = has_upper and (not has_lower or rng.random() < 0.7)
    window = window_around(upper if use_upper else lower)
    return window if (window.scale_wh > 0).all() else None


def jitter(
    window: Window, offset: NDArray[np.floating], factor: float, rotation_deg: float
) -> Window:
    """Move by ``offset`` (shares of the window), scale by ``factor``, turn to ``rotation_deg``."""
    center = window.center + np.asarray(offset, np.float32) * window.scale_wh
    return Window(center, window.scale_wh * np.float32(factor), rotation_deg)


def draw_jitter(rng: np.random.Generator, window: Window, aug: Augmentation) -> Window:
    """Random box jitter. Source: mmpose RandomBBoxTransform."""
    offset = np.zeros(2)
    if rng.random() < aug.shift:
        offset = truncated_normal(rng, 2) * aug.shift_factor
    low, high = aug.scale_range
    factor = (low + high) / 2 + float(truncated_normal(rng, 1)[0]) * (high - low) / 2
    rotation = 0.0
    if rng.random() < aug.rotate:
        rotation = float(truncated_normal(rng, 1)[0]) * aug.rotation_deg
    return jitter(window, offset, factor, rotation)


# ---- pixels -----------------------------------------------------------------------------------
def hsv_jitter(image: ImageArray, gains: NDArray[np.integer]) -> ImageArray:
    """Add integer gains to hue (mod 180), saturation and value (clipped).

    Source: YOLOXHSVRandomAug of open-mmlab/mmdetection.
    """
    values = np.arange(256, dtype=np.int16)
    hue = (values + gains[0]) % 180
    saturation, value = (np.clip(values + gain, 0, 255) for gain in gains[1:])
    tables = np.stack([hue, saturation, value], axis=-1).astype(np.uint8)
    hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), tables[None])
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


def draw_hsv_gains(rng: np.random.Generator) -> NDArray[np.int16]:
    """U(-1, 1) * (5, 30, 30), each kept with probability 0.5."""
    gains = rng.uniform(-1, 1, 3) * (5, 30, 30)
    return (gains * rng.integers(0, 2, 3)).astype(np.int16)


def black_out(image: ImageArray, top: int, left: int, height: int, width: int) -> None:
    """Fill one rectangle with zeros, in place. The keypoints under it stay labelled."""
    image[top : top + height, left : left + width] = 0


def lose_detail(image: ImageArray, share: float) -> ImageArray:
    """Shrink to ``share`` of the size (averaging) and enlarge back (linear)."""
    height, width = image.shape[:2]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height)), np.uint8)


def draw_pixel_noise(rng: np.random.Generator, image: ImageArray, aug: Augmentation) -> ImageArray:
    """HSV jitter, blurs and one hole, in the reference's order (albumentations 1.3 semantics)."""
    if aug.low_resolution and rng.random() < aug.low_resolution:
        image = lose_detail(image, rng.uniform(*DETAIL_KEPT))
    if aug.hsv:
        image = hsv_jitter(image, draw_hsv_gains(rng))
    if rng.random() < aug.blur:
        size = int(rng.choice((3, 5, 7)))
        image = np.asarray(cv2.blur(image, (size, size)), np.uint8)
    if rng.random() < aug.median_blur:
        image = np.asarray(cv2.medianBlur(image, int(rng.choice((3, 5, 7)))), np.uint8)
    if rng.random() < aug.dropout:
        rows, columns = image.shape[:2]
        height, width = (int(side * rng.uniform(0.2, 0.4)) for side in (rows, columns))
        top, left = rng.integers(0, rows - height + 1), rng.integers(0, columns - width + 1)
        black_out(image, int(top), int(left), height, width)
    return image


# ---- the pipeline -----------------------------------------------------------------------------
def augment(
    rng: np.random.Generator,
    image: ImageArray,
    box: NDArray[np.float32],
    xy: NDArray[np.float32],
    visible: NDArray[np.float32],
    *,
    crop_wh: tuple[int, int],
    aug: Augmentation,
) -> tuple[ImageArray, NDArray[np.float32]]:
    """One training crop.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: (4,) xyxy person box, image pixels.
        xy, visible: (133, 2) image pixels, (133,) weights in [0, 1].

    Returns:
        crop (h, w, 3) uint8, and (133, 3) float32: x, y in crop pixels, visible.
    """
    center, scale = crop.box_to_center_scale(box[None])
    window = Window(center[0], scale[0])
    if rng.random() < aug.flip:
        image, flipped_center, xy, visible = mirror(image, window.center, xy, visible)
        image = np.ascontiguousarray(image)
        window = Window(flipped_center, window.scale_wh)
    if rng.random() < aug.half_body:
        window = draw_half_body(rng, xy, visible) or window
    window = draw_jitter(rng, window, aug)
    matrix = window.matrix(crop_wh)
    pixels = draw_pixel_noise(rng, crop.warp_crop(image, matrix, crop_wh), aug)
    points = crop.transform_points(xy, matrix)
    return pixels, np.concatenate([points, visible[:, None]], axis=1).astype(np.float32)
