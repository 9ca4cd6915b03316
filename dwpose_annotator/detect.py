"""People in a photo: the YOLOX contract (letterbox, grid decode, non-maximum suppression).

Source of every rule and number: preproc, demo_postprocess and multiclass_nms of
Megvii-BaseDetection/YOLOX as the annotator of IDEA-Research/DWPose (branch ``onnx``) calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.errors import WeightsError
from dwpose_annotator.network_input import YOLOX_INPUT, NetworkInput
from dwpose_annotator.session import Session, batch_limit, run_padded
from dwpose_annotator.types import Boxes, FloatArray, ImageArray

STRIDES = (8, 16, 32)
PAD_VALUE = 114
PERSON_CLASS = 0
SCORE_THRESHOLD = 0.3
NMS_IOU = 0.45


def letterbox(image: ImageArray, size_hw: tuple[int, int]) -> tuple[ImageArray, float]:
    """Fit an RGB image into the top-left corner of a grey canvas.

    Returns:
        (h, w, 3) uint8 RGB and the ratio canvas pixels / image pixels.
    """
    height, width = image.shape[:2]
    ratio = min(size_hw[0] / height, size_hw[1] / width)
    # max: a very thin image must keep one pixel
    fitted_wh = (max(1, int(width * ratio)), max(1, int(height * ratio)))
    canvas = np.full((*size_hw, 3), PAD_VALUE, np.uint8)
    canvas[: fitted_wh[1], : fitted_wh[0]] = cv2.resize(
        image, fitted_wh, interpolation=cv2.INTER_LINEAR
    )
    return canvas, ratio


def make_grid(size_hw: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cell positions (R, 2) as (x, y) and strides (R, 1) of the output rows, finest level first."""
    cells, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size_hw[0] // stride, : size_hw[1] // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float64), np.concatenate(strides).astype(np.float64)


def decode_rows(
    raw: FloatArray, cells: NDArray[np.float64], strides: NDArray[np.float64]
) -> FloatArray:
    """(R, >=4) raw rows -> (R, 4) float32 centre x, centre y, width, height in canvas pixels."""
    centre = (raw[:, :2] + cells) * strides
    size = np.exp(raw[:, 2:4]) * strides
    return np.concatenate([centre, size], axis=1).astype(np.float32)


def non_maximum_suppression(
    xyxy: FloatArray, score: FloatArray, iou_threshold: float = NMS_IOU
) -> NDArray[np.intp]:
    """Indices of the kept boxes, best first. Sides count one pixel more, as in YOLOX."""
    order = np.argsort(score, kind="stable")[::-1]
    left, top, right, bottom = xyxy.T
    area = (right - left + 1) * (bottom - top + 1)
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(best)
        width = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest]) + 1
        height = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest]) + 1
        overlap = np.maximum(width, 0) * np.maximum(height, 0)
        order = rest[overlap / (area[best] + area[rest] - overlap) <= iou_threshold]
    return np.array(keep, dtype=np.intp)


@dataclass(frozen=True)
class DetectorOptions:
    """What counts as a person.

    Attributes:
        score_threshold: boxes must score above it.
        nms_iou: of two boxes that overlap more, the better one stays.
        max_people: keep only so many, best first; None keeps all.
    """

    score_threshold: float = SCORE_THRESHOLD
    nms_iou: float = NMS_IOU
    max_people: int | None = None

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_iou"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.max_people is not None and self.max_people < 1:
            raise ValueError(f"max_people must be at least 1 or None, got {self.max_people}")


class Detector:
    """A YOLOX-style person detector: official (80 classes) or one-class, any input size.

    Args:
        session: one input (N, 3, H, W), output 0 (N, rows, 5 + classes) as raw x, y, w, h, then
            objectness and class scores in [0, 1]; class 0 is the person.
        network_input: colour order and normalisation of the weights.

    Raises:
        WeightsError: the network has other inputs or outputs.
    """

    def __init__(
        self,
        session: Session,
        *,
        network_input: NetworkInput = YOLOX_INPUT,
        options: DetectorOptions | None = None,
        max_batch: int = 16,
    ) -> None:
        self.session = session
        self.network_input = network_input
        self.options = options or DetectorOptions()
        self.size_hw = _check_contract(session)
        self.max_batch = batch_limit(session, max_batch)
        self._cells, self._strides = make_grid(self.size_hw)

    def __call__(self, images: Sequence[ImageArray]) -> list[Boxes]:
        """People of each RGB image, best first; boxes in its pixels may reach past its border."""
        found: list[Boxes] = []
        for start in range(0, len(images), self.max_batch):
            found += self._detect_batch(images[start : start + self.max_batch])
        return found

    def _detect_batch(self, images: Sequence[ImageArray]) -> list[Boxes]:
        canvases, ratios = zip(*(letterbox(image, self.size_hw) for image in images), strict=True)
        batch = self.network_input.to_batch(canvases)
        raw = run_padded(self.session, batch)[0]
        return [self._people(rows, ratio) for rows, ratio in zip(raw, ratios, strict=True)]

    def _people(self, raw: FloatArray, ratio: float) -> Boxes:
        """Boxes of one image's raw rows; decodes only rows that can still become a person.

        Dropping low scores before suppression changes nothing: a box only yields to better ones.
        """
        score = raw[:, 4] * raw[:, 5 + PERSON_CLASS]
        # float64: the reference compares float32 scores with a float64 0.3
        chosen = np.flatnonzero(score.astype(np.float64) > self.options.score_threshold)
        decoded = decode_rows(raw[chosen], self._cells[chosen], self._strides[chosen])
        centre, half = decoded[:, :2], decoded[:, 2:] / 2
        corners = np.concatenate([centre - half, centre + half], axis=1)
        xyxy = np.asarray(corners / np.float32(ratio), dtype=np.float32)
        keep = non_maximum_suppression(xyxy, score[chosen], self.options.nms_iou)
        keep = keep[: self.options.max_people]
        return Boxes(xyxy[keep], score[chosen][keep])


def _check_contract(session: Session) -> tuple[int, int]:
    """Input (h, w) of a session that keeps the YOLOX contract."""
    _, channels, height, width = session.input_shape
    expected = (
        "a detector has one input (N, 3, H, W) of fixed H and W and an output (N, rows, 5+classes)"
    )
    if channels != 3 or not height or not width or height % STRIDES[-1] or width % STRIDES[-1]:
        raise WeightsError(f"{session.name}: {expected}; this input is {session.input_shape}")
    rows = sum((height // stride) * (width // stride) for stride in STRIDES)
    shape = session.output_shapes[0] if session.output_shapes else ()
    if len(shape) != 3 or shape[1] not in (rows, None) or (shape[2] or 6) < 6:
        raise WeightsError(
            f"{session.name}: {expected}, here {rows} rows; this one gives {session.output_shapes}"
        )
    return height, width
