"""``python -m train sheet CONFIG``: augmented samples with their labels on one picture.

To be looked at before a long run.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from dwpose_annotator.images import save_image
from dwpose_annotator.skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, WHOLEBODY_LINKS
from dwpose_annotator.types import ImageArray
from train.config_files import add_config_arguments, load_config
from train.loading import load_training_set
from train.sampling import EpochSampler, SampleKey

Colour = tuple[int, int, int]
COLOURS: tuple[tuple[slice, Colour], ...] = (
    (BODY, (255, 64, 64)),
    (FEET, (255, 200, 0)),
    (FACE, (255, 255, 255)),
    (LEFT_HAND, (64, 255, 64)),
    (RIGHT_HAND, (64, 160, 255)),
)
RADIUS = {True: 1, False: 3}  # dense parts (face, hands) and the others
SMALL = 128  # crops narrower than this are drawn at twice their size


def draw_labels(crop: ImageArray, labels: NDArray[np.float32], *, zoom: int = 2) -> ImageArray:
    """A crop, enlarged, with its (133, 3) labels in crop pixels: links as lines, points as dots."""
    picture = cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    points = [tuple(int(v) for v in (xy + 0.5) * zoom) for xy in labels[:, :2]]
    visible = labels[:, 2] > 0
    for part, colour in COLOURS:
        members = range(part.start, part.stop)
        for a, b in WHOLEBODY_LINKS:
            if b in members and visible[a] and visible[b]:
                cv2.line(picture, points[a], points[b], colour, 1, cv2.LINE_AA)
        radius = RADIUS[part in (FACE, LEFT_HAND, RIGHT_HAND)]
        for index in members:
            if visible[index]:
                cv2.circle(picture, points[index], radius, colour, -1)
    return np.asarray(picture, np.uint8)


def draw_sheet(
    dataset: Dataset[tuple[Tensor, Tensor]],
    keys: Iterable[SampleKey],
    *,
    input_scale: float = 1.0,
    columns: int = 8,
) -> ImageArray:
    """A grid of augmented samples."""
    tiles = []
    for key in keys:
        crop, labels = (tensor.numpy() for tensor in dataset[key])
        labels[:, :2] *= input_scale
        tiles.append(draw_labels(crop, labels, zoom=2 if crop.shape[1] < SMALL else 1))
    return grid(tiles, columns=columns)


def grid(tiles: Sequence[ImageArray], *, columns: int) -> ImageArray:
    """Pictures of one size, row after row; the last row is filled up with black."""
    blank = [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    filled = [*tiles, *blank]
    rows = [np.concatenate(filled[i : i + columns], axis=1) for i in range(0, len(filled), columns)]
    return np.concatenate(rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train sheet``."""
    add_config_arguments(parser)
    parser.add_argument("--data", nargs="+", help="instead of the configuration's data")
    parser.add_argument("--epoch", type=int, default=0, help="whose augmentation is drawn")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("-o", "--output", type=Path, default=Path("sheet.png"))


def run(arguments: argparse.Namespace) -> None:
    """Draw the first samples of an epoch; decodes only what it draws."""
    config = load_config(arguments.config, arguments.set)
    data = tuple(arguments.data or config.data)
    config = dataclasses.replace(config, data=data, cache_images=False)
    training_set = load_training_set(config, arguments.output.parent)
    samples = config.epoch_samples or len(training_set)
    sampler = EpochSampler(
        training_set.lengths,
        shares=training_set.shares,
        epoch_samples=samples,
        epochs=arguments.epoch + 1,
        seed=config.seed,
        start=arguments.epoch * samples,
    )
    keys = islice(sampler, arguments.count)
    sheet = draw_sheet(training_set.dataset, keys, input_scale=config.input_scale)
    save_image(arguments.output, sheet)
    print(arguments.output)
