"""Training throughput of one process: the engine's whole loop against a plain torch loop.

    PYTHONPATH=. python benchmarks/train_throughput.py --data FOLDER --rounds 3

Rounds alternate, so that other load on the machine hits both alike. The plain loop is what one
writes first: float32, default memory layout, images decoded anew, label rows made in the loading
process, losses by autograd. It has no EMA and no log, which is to its advantage.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dwpose_annotator import simcc
from dwpose_annotator.models import POSE_CONFIGS, build_pose_model
from train.build import build_objective
from train.config import Optimisation, TrainConfig
from train.engine import train_step
from train.loading import TrainingSet, build_loader, load_training_set, open_batches
from train.losses import simcc_kl
from train.objectives import normalise
from train.run import build_accelerator, start_run
from train.sampling import EpochSampler, SampleKey


@dataclasses.dataclass(frozen=True)
class Speed:
    """Images per second, and processor seconds per image of the training and loading processes."""

    images: float
    processor: float


class PlainDataset(Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Normalised crops and encoded labels of an un-cached training set."""

    def __init__(self, training_set: TrainingSet, crop_wh: tuple[int, int]) -> None:
        self.training_set, self.crop_wh = training_set, crop_wh

    def __getitem__(self, key: SampleKey) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        crop, labels = self.training_set.dataset[key]
        xy, visible = labels.numpy()[None, :, :2], labels.numpy()[None, :, 2]
        x, y, weight = (torch.from_numpy(a[0]) for a in simcc.encode(xy, visible, self.crop_wh))
        return normalise(crop[None])[0].contiguous(), x, y, weight


def timed(step: Callable[[], int], *, warm_up: int, steps: int) -> Speed:
    """Speed of ``step``, which returns the images it trained on."""
    for _ in range(warm_up):
        step()
    processor, start = processor_seconds(), time.perf_counter()
    images = sum(step() for _ in range(steps))
    seconds = time.perf_counter() - start
    return Speed(images / seconds, (processor_seconds() - processor) / images)


def processor_seconds() -> float:
    """Of this process; loading processes are added when they end."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def engine_loop(
    config: TrainConfig, data: TrainingSet, steps: int, out: Path
) -> tuple[Speed, Speed]:
    """The engine's step fed by the loader, and on one batch that is already there."""
    run = start_run(
        config, out, build_objective(config), len(data), build_accelerator(config, cpu=True)
    )
    run.stepper.train()
    loader = build_loader(data, config, steps_per_epoch=run.steps_per_epoch)
    with open_batches(loader) as batches:
        crops, labels = next(batches)

        def loaded() -> int:
            train_step(run, *next(batches))
            return len(crops)

        def fixed() -> int:
            train_step(run, crops, labels)
            return len(crops)

        whole = timed(loaded, warm_up=2, steps=steps)
    return whole, timed(fixed, warm_up=1, steps=steps)


def plain_loop(config: TrainConfig, data: TrainingSet, steps: int) -> Speed:
    """An ordinary float32 loop over the same samples."""
    crop_wh = POSE_CONFIGS[config.model].crop_wh
    model = build_pose_model(config.model).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.optim.lr, weight_decay=0.05)
    sampler = EpochSampler(data.lengths, epoch_samples=len(data), epochs=100, seed=config.seed)
    loader: DataLoader[Any] = DataLoader(
        PlainDataset(data, crop_wh), config.batch_size, sampler=sampler, num_workers=config.workers
    )

    def step(batches: Iterator[Any]) -> int:
        images, label_x, label_y, weight = next(batches)
        x, y = model(images)
        loss = (simcc_kl(x, label_x, weight) + simcc_kl(y, label_y, weight)) / x.shape[1]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return len(images)

    with open_batches(loader) as batches:
        return timed(lambda: step(batches), warm_up=2, steps=steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--model", default="t")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8, help="timed steps a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="threads of torch; default: all cores")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="folder of decoded images")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    config = TrainConfig(
        name="throughput", model=options.model, objective="supervised", data=tuple(options.data),
        batch_size=options.batch, workers=options.workers, precision="bf16", epochs=1000,
        optim=Optimisation(clip_norm=1.0),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        ours = load_training_set(config, options.cache or Path(folder))
        plain = load_training_set(dataclasses.replace(config, cache_images=False), Path(folder))
        rows = []
        for number in range(1, options.rounds + 1):
            whole, networks = engine_loop(config, ours, options.steps, Path(folder))
            simple = plain_loop(config, plain, options.steps)
            rows.append((whole, networks, simple))
            print(
                f"round {number}: engine {whole.images:.1f} img/s, networks alone "
                f"{networks.images:.1f}, plain loop {simple.images:.1f}"
            )
    report(rows)


def report(rows: list[tuple[Speed, Speed, Speed]]) -> None:
    """Medians over the rounds."""
    whole, networks, simple = (statistics.median(row[i].images for row in rows) for i in range(3))
    outside = statistics.median(1 - row[0].images / row[1].images for row in rows)
    ratio = statistics.median(row[0].images / row[2].images for row in rows)
    busy, plain_busy = (statistics.median(row[i].processor for row in rows) for i in (0, 2))
    print(f"engine      {whole:6.1f} img/s   {1e3 * busy:6.1f} ms of processor per image")
    print(f"plain loop  {simple:6.1f} img/s   {1e3 * plain_busy:6.1f} ms of processor per image")
    print(f"networks    {networks:6.1f} img/s on a batch that is there")
    print(f"outside the networks: {100 * max(outside, 0):.1f} % of the engine's time")
    print(f"engine / plain loop: {ratio:.2f}")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, numpy {np.__version__}")


if __name__ == "__main__":
    main()
