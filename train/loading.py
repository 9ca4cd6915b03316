"""From the ``data`` entries of a configuration to batches."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dwpose_annotator.models import POSE_CONFIGS
from train.config import TrainConfig, annotation_and_images, data_shares
from train.data import People, PoseDataset, concatenate, load_people, log_skipped
from train.pixels import DecodedImages, ImageFiles, Pixels, Place, decode_images
from train.sampling import EpochSampler

log = logging.getLogger(__name__)

PREFETCHED_BATCHES = 4  # per loading process


@dataclass(frozen=True)
class TrainingSet:
    """The data of a run.

    Attributes:
        dataset: every usable person, source after source; keyed by ``SampleKey``.
        lengths: people of each source.
        shares: of each source in every epoch; None: plain concatenation.
    """

    dataset: Dataset[tuple[Tensor, Tensor]]
    lengths: tuple[int, ...]
    shares: tuple[float, ...] | None = None

    def __len__(self) -> int:
        return sum(self.lengths)


def load_training_set(
    config: TrainConfig, cache_dir: Path, *, skipped_file: Path | None = None, first: bool = True
) -> TrainingSet:
    """Read annotations and pixels; what cannot be used is counted in the log and listed.

    Args:
        cache_dir: where decoded pixels are kept, unless ``config.cache_images`` is off.
        skipped_file: list of everything that was left out and why.
        first: begin that list (one process does).

    Raises:
        FileNotFoundError: an entry does not exist.
        ValueError: an entry is not COCO-shaped or has nobody to train on.
    """
    entries, shares = data_shares(config.data)
    if skipped_file is not None and first:
        skipped_file.write_text("")
    sources: list[People] = []
    places: dict[Path, Place] = {}
    for entry in entries:
        people = load_people(*annotation_and_images(entry), hidden=config.hidden_points)
        broken: list[str] = []
        if config.cache_images:
            decoded = decode_images(people.image, cache_dir)
            places |= decoded.places
            broken = decoded.broken
            people = people.select(
                np.array([i for i, p in enumerate(people.image) if p in decoded.places], int)
            )
        if first:
            log_skipped([*people.skipped, *broken], skipped_file)
            log.info(
                "%s: %d people; left out %d annotations and %d images",
                entry, len(people), len(people.skipped), len(broken),
            )  # fmt: skip
        if not len(people):
            raise ValueError(f"{entry}: not one image can be read")
        sources.append(people)
    pixels: Pixels = DecodedImages(places) if config.cache_images else ImageFiles()
    dataset = PoseDataset(
        concatenate(sources),
        pixels,
        crop_wh=POSE_CONFIGS[config.model].crop_wh,
        phases=config.phases,
        seed=config.seed,
        input_scale=config.input_scale,
        skipped_file=skipped_file,
    )
    return TrainingSet(dataset, tuple(map(len, sources)), tuple(shares) if shares else None)


def build_loader(
    training_set: TrainingSet,
    config: TrainConfig,
    *,
    steps_per_epoch: int,
    start_step: int = 0,
    rank: int = 0,
    world_size: int = 1,
    pin_memory: bool = False,
) -> DataLoader[Any]:
    """This process's batches of crops (N, h, w, 3) uint8 and labels (N, 133, 3), from a step on."""
    batch = config.batch_size * world_size
    sampler = EpochSampler(
        training_set.lengths,
        shares=training_set.shares,
        epoch_samples=steps_per_epoch * batch,
        epochs=config.epochs,
        seed=config.seed,
        start=start_step * batch,
        rank=rank,
        world_size=world_size,
    )
    return DataLoader(
        training_set.dataset,
        batch_size=config.batch_size,
        sampler=sampler,
        num_workers=config.workers,
        pin_memory=pin_memory,
        prefetch_factor=PREFETCHED_BATCHES if config.workers else None,
        worker_init_fn=_quiet_worker,
        # A forked copy of OpenCV's or OpenMP's threads would hang at their first use.
        multiprocessing_context="spawn" if config.workers else None,
        drop_last=True,
    )


def _quiet_worker(_number: int) -> None:
    """One OpenCV thread a worker; signals are the main process's to handle."""
    cv2.setNumThreads(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def open_batches(loader: DataLoader[Any]) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """The loader's batches; its processes end with the block, whatever happens inside."""
    batches = iter(loader)
    try:
        yield batches
    finally:
        # An exception's traceback keeps the iterator alive, and Python waits for its processes,
        # which ignore the signal that would end them.
        if loader.num_workers:
            batches._shutdown_workers()  # type: ignore[attr-defined]  # torch has no public way
