"""Person boxes from a JSON file, for photos where the detector should not decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dwpose_annotator.types import Boxes


@dataclass(frozen=True)
class GivenBoxes:
    """The user's boxes: of each photo by its name, or the same for every photo."""

    boxes: Boxes | Mapping[str, Boxes]

    def of(self, photo: Path, size_hw: tuple[int, int]) -> Boxes:
        """Boxes of one photo, found by the path as given or by the file name.

        Raises:
            ValueError: the file has none for it, or one that lies wholly outside it.
        """
        boxes = self.boxes
        if not isinstance(boxes, Boxes):
            key = str(photo) if str(photo) in boxes else photo.name
            if key not in boxes:
                raise ValueError(f"the boxes file has no entry {key!r}")
            boxes = boxes[key]
        height, width = size_hw
        for left, top, right, bottom in boxes.xyxy.tolist():
            if left >= width or top >= height or right <= 0 or bottom <= 0:
                raise ValueError(
                    f"box {left:g}, {top:g}, {right:g}, {bottom:g} lies outside the {width}x"
                    f"{height} image (expected left, top, right, bottom in pixels)"
                )
        return boxes


def read_boxes(path: Path) -> GivenBoxes:
    """Boxes of a JSON file: ``[[left, top, right, bottom], ...]`` or ``{"photo.jpg": [...]}``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, or not boxes of finite numbers with left < right and top < bottom.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from error
    if isinstance(content, dict):
        return GivenBoxes({name: _boxes(rows, f"{path}: {name}") for name, rows in content.items()})
    return GivenBoxes(_boxes(content, str(path)))


def _boxes(rows: object, where: str) -> Boxes:
    if rows == []:
        return Boxes.from_xyxy([])
    try:
        xyxy = np.array(rows, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        xyxy = np.zeros((1, 0), np.float32)  # refused below, like every other wrong shape
    good = xyxy.ndim == 2 and xyxy.shape[1] == 4 and bool(np.isfinite(xyxy).all())
    if not good or bool((xyxy[:, :2] >= xyxy[:, 2:]).any()):
        raise ValueError(
            f"{where}: expected a list of boxes [left, top, right, bottom], finite pixels with "
            "left < right and top < bottom"
        )
    return Boxes.from_xyxy(xyxy)
