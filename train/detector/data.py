"""Photos with person boxes to training pictures: mosaics and single photos, shifted and scaled.

Everything is one operation, ``paste``: a photo goes onto the canvas at a scale and an offset, and
its boxes follow. Randomness depends on (seed, lap, index) alone, as in pose training.

Labels are those of ``labels.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from dwpose_annotator.detect import PAD_VALUE
from dwpose_annotator.types import ImageArray
from train.data import read_json
from train.detector.crowd import Figures, add_group
from train.detector.labels import MAX_BOXES, PERSON, UNKNOWN
from train.pixels import Pixels
from train.sampling import SampleKey
from train.transforms import draw_hsv_gains, hsv_jitter

MIN_VISIBLE = 0.3  # a box cut by the frame below this share of its area is dropped
MIN_SIDE_PX = 6.0
LIGHT_SHARE, LOG_GAMMA = 0.4, 0.9  # gamma from 0.4 to 2.5
GREY_SHARE = 0.08


@dataclass(frozen=True)
class Photos:
    """Photos and the people in them.

    Attributes:
        image: N files.
        boxes: of each the people, (n, 4) float32 xyxy pixels.
        doubtful: of each the areas about which nothing is known, (m, 4).
    """

    image: tuple[Path, ...]
    boxes: tuple[NDArray[np.float32], ...]
    doubtful: tuple[NDArray[np.float32], ...]

    def __len__(self) -> int:
        return len(self.image)

    def labels(self, number: int) -> NDArray[np.float32]:
        """(n + m, 5) rows of ``labels.py`` in pixels of photo ``number``."""
        people, areas = self.boxes[number], self.doubtful[number]
        kinds = np.repeat(np.float32([PERSON, UNKNOWN]), [len(people), len(areas)])
        return np.column_stack([np.concatenate([people, areas]), kinds]).astype(np.float32)

    def select(self, usable: Container[Path]) -> Photos:
        """Only the images in ``usable``."""
        kept = [i for i, path in enumerate(self.image) if path in usable]
        return Photos(
            tuple(self.image[i] for i in kept),
            tuple(self.boxes[i] for i in kept),
            tuple(self.doubtful[i] for i in kept),
        )


def load_photos(annotation_file: Path, image_dir: Path, *, sources: Collection[str] = ()) -> Photos:
    """Read a COCO detection file; photos without people are kept as negatives.

    A crowd region (``iscrowd``) is an area about which nothing is known.

    Args:
        sources: keep only images with one of these ``source`` entries; empty keeps all. Cut-outs
            of upper bodies (``part``) are left out, because their boxes end at the cut.
    """
    content = read_json(annotation_file)
    images = [
        image
        for image in content["images"]
        if (not sources or image["source"] in sources) and image.get("part") != "upper"
    ]
    boxes: dict[tuple[int, bool], list[list[float]]] = defaultdict(list)
    for annotation in content["annotations"]:
        x, y, w, h = annotation["bbox"]
        if w > 0 and h > 0:
            crowd = bool(annotation.get("iscrowd"))
            boxes[annotation["image_id"], crowd].append([x, y, x + w, y + h])
    people, areas = (
        tuple(np.float32(boxes[image["id"], crowd]).reshape(-1, 4) for image in images)
        for crowd in (False, True)
    )
    return Photos(tuple(image_dir / image["file_name"] for image in images), people, areas)


def paste(
    canvas: ImageArray,
    photo: ImageArray,
    labels: NDArray[np.float32],
    *,
    scale: float,
    offset_xy: tuple[int, int],
    region: tuple[int, int, int, int],
    complete: bool = True,
) -> NDArray[np.float32]:
    """Draw ``photo``, scaled, with its corner at ``offset_xy``, where that lies in ``region``.

    Args:
        canvas: (S, S, 3) uint8, changed in place.
        labels: (n, 5) in pixels of the photo.
        region: left, top, right, bottom that may be painted.
        complete: whether everybody in the photo has a box.

    Returns:
        (m, 5) labels in canvas pixels, clipped. Who is hardly visible any more is unknown, and so
        is all that was painted of an incomplete photo.
    """
    height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(photo, (width, height), interpolation=method)
    left, top = max(region[0], offset_xy[0]), max(region[1], offset_xy[1])
    right = min(region[2], offset_xy[0] + width)
    bottom = min(region[3], offset_xy[1] + height)
    if right <= left or bottom <= top:
        return np.zeros((0, 5), np.float32)
    canvas[top:bottom, left:right] = scaled[
        top - offset_xy[1] : bottom - offset_xy[1], left - offset_xy[0] : right - offset_xy[0]
    ]
    ratio = np.array([width / photo.shape[1], height / photo.shape[0]] * 2, np.float32)
    moved = labels[:, :4] * ratio + np.array(offset_xy * 2, np.float32)
    clipped = np.clip(moved, [left, top, left, top], [right, bottom, right, bottom])
    area, whole = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (clipped, moved))
    seen = (area > MIN_VISIBLE * whole) & ((clipped[:, 2:] - clipped[:, :2]).min(1) > MIN_SIDE_PX)
    painted = np.column_stack([clipped, np.where(seen, labels[:, 4], UNKNOWN)])[area > 0]
    if not complete:
        painted = np.vstack([painted, [left, top, right, bottom, UNKNOWN]])
    return np.asarray(painted, np.float32)


def place(
    rng: np.random.Generator,
    photo: ImageArray,
    scale: float,
    region: tuple[int, int, int, int],
) -> tuple[int, int]:
    """Random corner of a scaled photo: inside ``region`` if it fits there, else covering it."""
    left, top, right, bottom = region
    slack = (right - left - photo.shape[1] * scale, bottom - top - photo.shape[0] * scale)
    x, y = (round(float(rng.uniform(min(s, 0), max(s, 0)))) for s in slack)
    return left + x, top + y


def vary_light(rng: np.random.Generator, picture: ImageArray) -> ImageArray:
    """Darker or lighter by a gamma curve, and now and then grey: silhouettes, old photos."""
    if rng.random() < LIGHT_SHARE:
        gamma = np.exp(rng.uniform(-LOG_GAMMA, LOG_GAMMA))
        curve = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        picture = np.asarray(cv2.LUT(picture, curve), np.uint8)
    if rng.random() < GREY_SHARE:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    return picture


@dataclass(frozen=True)
class PicturePhase:
    """What training pictures are like from an epoch on.

    Attributes:
        epoch: 0-based, the first one of the phase.
        size: side of the square pictures in pixels, a multiple of 32.
        mosaic: probability of a mosaic.
        group: probability that a single photo gets a group of pasted people.
        fine: probability that a mosaic is 3x3 instead of 2x2: smaller people, more around them.
    """

    epoch: int
    size: int
    mosaic: float
    group: float = 0.0
    fine: float = 0.0


class DetectionDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Training pictures.

    Args:
        phases: in the order of their epochs, the first one from epoch 0.
        crops: cut-outs with one labelled person each, for mosaics.
        crop_share: probability that a further member of a mosaic is a cut-out.
        figures: people to paste in groups.
        synthetic: rendered pictures in which everybody is boxed by the visible pixels.
        synthetic_share: probability that one of them stands in for a photo.
    """

    def __init__(
        self,
        photos: Photos,
        pixels: Pixels,
        *,
        phases: Sequence[PicturePhase],
        seed: int,
        crops: Photos | None = None,
        crop_share: float = 0.4,
        figures: Figures | None = None,
        synthetic: Photos | None = None,
        synthetic_share: float = 0.25,
    ) -> None:
        if not phases or phases[0].epoch != 0 or any(phase.size % 32 for phase in phases):
            raise ValueError(f"phases start at epoch 0 and have sizes of 32 n pixels: {phases}")
        self.photos, self.pixels, self.phases, self.seed = photos, pixels, tuple(phases), seed
        self.crops, self.crop_share = crops, crop_share if crops else 0.0
        self.figures = figures
        self.synthetic, self.synthetic_share = synthetic, synthetic_share if synthetic else 0.0

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, key: SampleKey) -> tuple[torch.Tensor, torch.Tensor]:
        """(S, S, 3) uint8 RGB and (MAX_BOXES, 5) float32 labels in its pixels."""
        epoch, index, lap = key
        rng = np.random.default_rng((self.seed, 3, lap, index))
        phase = [phase for phase in self.phases if phase.epoch <= epoch][-1]
        size = phase.size
        canvas = np.full((size, size, 3), PAD_VALUE, np.uint8)
        if rng.random() < phase.mosaic:
            fine = phase.fine > 0 and rng.random() < phase.fine
            found = self._mosaic(rng, index, canvas, cells=3 if fine else 2)
        else:
            found = self._single(rng, index, canvas)
            if self.figures is not None and rng.random() < phase.group:
                found = add_group(rng, canvas, found, self.figures, self.pixels)
        canvas = vary_light(rng, hsv_jitter(canvas, draw_hsv_gains(rng)))
        if rng.random() < 0.5:
            canvas = np.ascontiguousarray(canvas[:, ::-1])
            found[:, [0, 2]] = size - found[:, [2, 0]]
        if rng.random() < 0.1:
            canvas = np.asarray(cv2.blur(canvas, (3, 3)), np.uint8)
        labels = np.zeros((MAX_BOXES, 5), np.float32)
        kept = found[:MAX_BOXES]
        labels[: len(kept)] = kept
        return torch.from_numpy(canvas), torch.from_numpy(labels)

    def _single(
        self, rng: np.random.Generator, index: int, canvas: ImageArray
    ) -> NDArray[np.float32]:
        """One photo at half to twice the canvas, anywhere that fills as much of it as it can."""
        photo, labels, complete = self._member(rng, index)
        scale = len(canvas) * float(np.exp(rng.uniform(np.log(0.5), np.log(2.0))))
        scale /= max(photo.shape[:2])
        region = (0, 0, len(canvas), len(canvas))
        return paste(
            canvas, photo, labels, scale=scale, offset_xy=place(rng, photo, scale, region),
            region=region, complete=complete,
        )  # fmt: skip

    def _mosaic(
        self, rng: np.random.Generator, index: int, canvas: ImageArray, *, cells: int
    ) -> NDArray[np.float32]:
        """``cells`` x ``cells`` photos, each filling its part of the canvas or more."""
        side = len(canvas)
        columns, rows = (_cuts(rng, side, cells) for _ in range(2))
        regions = [
            (left, top, right, bottom)
            for top, bottom in pairwise(rows)
            for left, right in pairwise(columns)
        ]
        found: list[NDArray[np.float32]] = []
        own = int(rng.integers(len(regions)))
        for number, region in enumerate(regions):
            photo, labels, complete = self._member(rng, index if number == own else None)
            room = (region[2] - region[0], region[3] - region[1])
            cover = max(room[0] / photo.shape[1], room[1] / photo.shape[0])
            scale = cover * float(np.exp(rng.uniform(np.log(0.75), np.log(1.6))))
            painted = paste(
                canvas, photo, labels, scale=scale, offset_xy=place(rng, photo, scale, region),
                region=region, complete=complete,
            )  # fmt: skip
            found.append(painted)
        return np.concatenate(found)

    def _member(
        self, rng: np.random.Generator, index: int | None
    ) -> tuple[ImageArray, NDArray[np.float32], bool]:
        """Pixels, labels, completeness of photo ``index``, or of a random picture of any kind."""
        if index is None and self.crops is not None and rng.random() < self.crop_share:
            number = int(rng.integers(len(self.crops)))
            return self.pixels[self.crops.image[number]], self.crops.labels(number), False
        if self.synthetic is not None and rng.random() < self.synthetic_share:
            number = int(rng.integers(len(self.synthetic)))
            return self.pixels[self.synthetic.image[number]], self.synthetic.labels(number), True
        number = int(rng.integers(len(self.photos))) if index is None else index
        return self.pixels[self.photos.image[number]], self.photos.labels(number), True


def _cuts(rng: np.random.Generator, side: int, cells: int) -> list[int]:
    """Where a mosaic's cells begin and end: even parts, moved by up to two fifths of a part."""
    inner = (np.arange(1, cells) + rng.uniform(-0.4, 0.4, cells - 1)) * side / cells
    return [0, *np.sort(inner).astype(int).tolist(), side]
