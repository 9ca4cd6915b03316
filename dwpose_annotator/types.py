"""The data that travels between stages: frozen, shape-checked dataclasses of NumPy arrays.

Frames of reference: ``xy`` and boxes are float32 pixels of the ORIGINAL image with (0, 0) at the
centre of the top-left pixel. Sizes end in ``_hw`` (height, width) or ``_wh``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dwpose_annotator.skeleton import NUM_KEYPOINTS

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


def _set_array(owner: object, name: str, shape: tuple[int | None, ...], dtype: type[Any]) -> None:
    """Store field ``name`` of a frozen dataclass as ``dtype``; None in ``shape``: any length."""
    value = np.asarray(getattr(owner, name), dtype=dtype)
    fits = value.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("N" if want is None else str(want) for want in shape)
        raise ValueError(
            f"{type(owner).__name__}.{name} must have shape ({wanted}), but got {value.shape}"
        )
    object.__setattr__(owner, name, value)


@dataclass(frozen=True, eq=False)
class Boxes:
    """Person boxes of one image.

    Attributes:
        xyxy: (N, 4) float32, finite: left, top, right, bottom in image pixels; may reach past the
            image.
        score: (N,) float32 in [0, 1]; ones where nobody scored them.
    """

    xyxy: FloatArray
    score: FloatArray

    def __post_init__(self) -> None:
        _set_array(self, "xyxy", (None, 4), np.float32)
        _set_array(self, "score", (len(self.xyxy),), np.float32)
        if not np.isfinite(self.xyxy).all():
            raise ValueError(f"Boxes.xyxy must be finite, but got {self.xyxy.tolist()}")

    def __len__(self) -> int:
        return len(self.xyxy)

    @classmethod
    def from_xyxy(cls, xyxy: ArrayLike) -> Boxes:
        """Boxes from (N, 4) corner coordinates, each with score 1."""
        array = np.asarray(xyxy, dtype=np.float32).reshape(-1, 4)
        return cls(array, np.ones(len(array), np.float32))

    @classmethod
    def whole_image(cls, size_hw: tuple[int, int]) -> Boxes:
        """One box that covers the image, for pictures where the detector should not decide."""
        height, width = size_hw
        return cls.from_xyxy([[0, 0, width, height]])

    def select(self, index: Sequence[int] | NDArray[Any]) -> Boxes:
        """The boxes at ``index`` (integers or a boolean mask), in that order."""
        chosen = np.asarray(index, dtype=None if len(index) else np.intp)
        return Boxes(self.xyxy[chosen], self.score[chosen])


@dataclass(frozen=True, eq=False)
class Crops:
    """Person crops, still viewable: colour and normalisation are applied at the session border.

    Attributes:
        pixels: (N, h, w, 3) uint8 RGB.
        image_to_crop: (N, 2, 3) float32 affine matrices, image pixels -> crop pixels.
    """

    pixels: ImageArray
    image_to_crop: FloatArray

    def __post_init__(self) -> None:
        _set_array(self, "pixels", (None, None, None, 3), np.uint8)
        _set_array(self, "image_to_crop", (len(self.pixels), 2, 3), np.float32)

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, eq=False)
class SimCC:
    """Raw 1-D classification logits of the pose network, one row per keypoint and axis.

    Attributes:
        x: (N, K, Wx) float32, Wx = crop width * split_ratio.
        y: (N, K, Wy) float32, Wy = crop height * split_ratio.
        split_ratio: bins per crop pixel (2.0 in every DWPose model).
    """

    x: FloatArray
    y: FloatArray
    split_ratio: float = 2.0

    def __post_init__(self) -> None:
        _set_array(self, "x", (None, None, None), np.float32)
        _set_array(self, "y", (*self.x.shape[:2], None), np.float32)

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Poses:
    """Whole-body poses of one image, in COCO-WholeBody order (see ``skeleton.KEYPOINT_NAMES``).

    Attributes:
        xy: (N, 133, 2) float32 image pixels.
        score: (N, 133) float32 raw SimCC scores: about 1 for a good point, may exceed 1. A point
            is missing when its score is below the caller's threshold, never by a magic coordinate.
        box: (N, 4) float32 person boxes, xyxy image pixels.
        box_score: (N,) float32.
        size_hw: height and width of the image that ``xy`` refers to.
        track_id: (N,) int64 identity over a video, or None.
    """

    xy: FloatArray
    score: FloatArray
    box: FloatArray
    box_score: FloatArray
    size_hw: tuple[int, int]
    track_id: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        _set_array(self, "xy", (None, NUM_KEYPOINTS, 2), np.float32)
        count = len(self.xy)
        _set_array(self, "score", (count, NUM_KEYPOINTS), np.float32)
        _set_array(self, "box", (count, 4), np.float32)
        _set_array(self, "box_score", (count,), np.float32)
        if self.track_id is not None:
            _set_array(self, "track_id", (count,), np.int64)
        height, width = (int(side) for side in self.size_hw)
        if height < 1 or width < 1:
            raise ValueError(f"Poses.size_hw must be two positive sizes, but got {self.size_hw}")
        object.__setattr__(self, "size_hw", (height, width))

    def __len__(self) -> int:
        return len(self.xy)

    @classmethod
    def empty(cls, size_hw: tuple[int, int]) -> Poses:
        """Nobody in an image of ``size_hw``."""
        return cls(
            np.zeros((0, NUM_KEYPOINTS, 2)),  # type: ignore[arg-type]  # cast in __post_init__
            np.zeros((0, NUM_KEYPOINTS)),  # type: ignore[arg-type]
            np.zeros((0, 4)),  # type: ignore[arg-type]
            np.zeros(0),  # type: ignore[arg-type]
            size_hw,
        )

    def select(self, index: Sequence[int] | NDArray[Any]) -> Poses:
        """The people at ``index`` (integers or a boolean mask), in that order."""
        chosen = np.asarray(index, dtype=None if len(index) else np.intp)
        return Poses(
            self.xy[chosen],
            self.score[chosen],
            self.box[chosen],
            self.box_score[chosen],
            self.size_hw,
            None if self.track_id is None else self.track_id[chosen],
        )
