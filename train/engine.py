"""The training loop: config in, checkpoints and a JSON-lines log out. Read it top to bottom.

Resume is exact on one process: a sample's randomness depends on (seed, epoch, index), so model,
EMA, optimiser and the step are the whole state.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from dwpose_annotator.models import POSE_CONFIGS
from train.build import build_objective
from train.config import TrainConfig, annotation_and_images
from train.data import EpochSampler, PoseDataset, concatenate, load_people
from train.ema import EMA
from train.objectives import Objective
from train.optim import build_adamw, set_learning_rate
from train.pixels import decode_images
from train.schedule import Schedule

log = logging.getLogger(__name__)


class NonFiniteLossError(RuntimeError):
    """A loss became NaN or infinite; the message holds the loss dictionary."""


@dataclass
class Run:
    """Everything that changes while training."""

    config: TrainConfig
    out: Path
    accelerator: Accelerator
    objective: Objective
    stepper: torch.nn.Module
    """``objective`` as accelerate wraps it (autocast, DDP)."""
    optimizer: torch.optim.Optimizer
    ema: EMA
    schedule: Schedule
    steps_per_epoch: int
    step: int = 0
    stop_requested: bool = field(default=False)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.config.epochs

    @property
    def epoch(self) -> int:
        return self.step // self.steps_per_epoch


def load_training_set(config: TrainConfig, cache_dir: Path) -> PoseDataset:
    """Read and decode the training data; what cannot be used is listed in the log and left out."""
    people = concatenate([load_people(*annotation_and_images(entry)) for entry in config.data])
    pixels, broken = decode_images(people.image, cache_dir, name="train")
    for line in (*people.skipped, *(f"{path}: cannot be decoded" for path in broken)):
        log.warning("skipped %s", line)
    usable = np.array([i for i, path in enumerate(people.image) if path in pixels])
    log.info(
        "%d people; skipped %d annotations, %d images",
        len(usable),
        len(people.skipped),
        len(broken),
    )
    return PoseDataset(
        people.select(usable),
        pixels,
        crop_wh=POSE_CONFIGS[config.model].crop_wh,
        phases=config.phases,
        seed=config.seed,
        input_scale=config.input_scale,
    )


def build_schedule(config: TrainConfig, steps_per_epoch: int, batch: int) -> Schedule:
    """The learning rate in iterations; 512 is the total batch that the published rate is meant for."""
    options = config.optim
    begin, end = (round(epoch * steps_per_epoch) for epoch in options.cosine_epochs)
    return Schedule(
        peak=options.lr * (batch / 512 if options.scale_lr_with_batch else 1),
        cosine_begin=begin,
        cosine_end=end,
        warmup=options.warmup_steps,
        floor_ratio=options.floor_ratio,
    )


def start_run(config: TrainConfig, out: Path, samples: int, *, cpu: bool = False) -> Run:
    """Build the model, optimiser and EMA, and take up ``out/resume.pt`` if it is there."""
    accelerator = Accelerator(mixed_precision=config.precision, cpu=cpu)
    objective = build_objective(config).to(memory_format=torch.channels_last)
    optimizer = build_adamw(objective, lr=config.optim.lr, weight_decay=config.optim.weight_decay)
    stepper, optimizer = accelerator.prepare(objective, optimizer)
    ema = EMA(objective.model, momentum=config.ema_momentum, gamma=config.ema_gamma)
    batch = config.batch_size * accelerator.num_processes
    steps = (config.epoch_samples or samples) // batch
    if steps < 1:
        raise ValueError(
            f"one epoch of {config.epoch_samples or samples} samples is less than a batch of {batch}"
        )
    schedule = build_schedule(config, steps, batch)
    run = Run(config, out, accelerator, objective, stepper, optimizer, ema, schedule, steps)
    if (out / "resume.pt").is_file():
        load_checkpoint(run, out / "resume.pt")
    return run


def write_atomically(content: dict[str, Any], path: Path) -> None:
    """torch.save beside ``path``, then rename: a crash leaves the old file."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def save_checkpoint(run: Run) -> None:
    """``resume.pt`` (everything) and ``model.pt`` (the averaged model alone)."""
    if not run.accelerator.is_main_process:
        return
    averaged = run.ema.module.state_dict()
    state = {
        "model": averaged,
        "objective": run.objective.state_dict(),
        "ema_step": run.ema.step,
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "config": json.dumps(dataclasses.asdict(run.config)),
    }
    write_atomically(state, run.out / "resume.pt")
    write_atomically({"model": averaged, "config": state["config"]}, run.out / "model.pt")


def load_checkpoint(run: Run, path: Path) -> None:
    """Continue exactly where ``path`` was written."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    run.objective.load_state_dict(state["objective"])
    run.ema.load_state_dict({"model": state["model"], "step": state["ema_step"]})
    run.optimizer.load_state_dict(state["optimizer"])
    run.step = state["step"]
    log.info("resumed %s at step %d of %d", path, run.step, run.total_steps)


@contextmanager
def stop_on_signal(run: Run) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the run after the current step, with a checkpoint."""

    def request(number: int, frame: FrameType | None) -> None:
        run.stop_requested = True

    previous = {
        number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def build_loader(run: Run, dataset: PoseDataset) -> DataLoader[Any]:
    """Batches from the run's current step on."""
    config, accelerator = run.config, run.accelerator
    batch = config.batch_size * accelerator.num_processes
    sampler = EpochSampler(
        len(dataset),
        epoch_samples=run.steps_per_epoch * batch,
        epochs=config.epochs,
        seed=config.seed,
        start=run.step * batch,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
    )
    return DataLoader(
        dataset,
        batch_size=config.batch_size,
        sampler=sampler,
        num_workers=config.workers,
        pin_memory=accelerator.device.type == "cuda",
        prefetch_factor=4 if config.workers else None,
        worker_init_fn=quiet_worker,
        drop_last=True,
    )


def quiet_worker(worker: int) -> None:
    """One OpenCV thread a worker; signals are the main process's to handle."""
    cv2.setNumThreads(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def train_step(run: Run, crops: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Forward, backward, clip, update, average. Returns the losses and the gradient norm."""
    config = run.config
    lr = run.schedule.lr(run.step)
    set_learning_rate(run.optimizer, lr)
    losses: dict[str, Tensor] = run.stepper(crops, labels, run.epoch, config.epochs)
    total = torch.stack(list(losses.values())).sum()
    if not torch.isfinite(total):
        values = {name: float(value.detach()) for name, value in losses.items()}
        raise NonFiniteLossError(f"step {run.step}: {values}")
    run.accelerator.backward(total)
    limit = config.optim.clip_norm
    norm = run.accelerator.clip_grad_norm_(run.objective.parameters(), limit or float("inf"))
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    run.ema.update(run.objective.model)
    run.step += 1
    return {**losses, "grad_norm": torch.as_tensor(norm), "lr": torch.tensor(lr)}


def train(
    config: TrainConfig, out: Path, *, cache_dir: Path | None = None, cpu: bool = False
) -> Run:
    """Train ``config`` into the folder ``out``; running it again resumes.

    Raises:
        NonFiniteLossError: with the loss dictionary.
    """
    out.mkdir(parents=True, exist_ok=True)
    dataset = load_training_set(config, cache_dir or out / "cache")
    run = start_run(config, out, len(dataset), cpu=cpu)
    main = run.accelerator.is_main_process
    bar = tqdm(
        total=run.total_steps, initial=run.step, disable=not main, smoothing=0.05, mininterval=5
    )
    saved = logged = time.monotonic()
    sums: dict[str, float] = {}
    with stop_on_signal(run), (out / "log.jsonl").open("a") as log_file:
        run.stepper.train()
        for crops, labels in build_loader(run, dataset):
            device = run.accelerator.device
            values = train_step(
                run, crops.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            )
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            bar.update(1)
            if run.step % config.log_steps == 0 and main:
                now = time.monotonic()
                line = {name: value / config.log_steps for name, value in sums.items()}
                rate = (
                    config.log_steps
                    * config.batch_size
                    * run.accelerator.num_processes
                    / (now - logged)
                )
                log_file.write(
                    json.dumps({"step": run.step, "epoch": run.epoch, **line, "img_per_s": rate})
                    + "\n"
                )
                log_file.flush()
                bar.set_postfix(
                    {name: f"{value:.4g}" for name, value in line.items()}, refresh=False
                )
                sums, logged = {}, now
            if time.monotonic() - saved > config.checkpoint_minutes * 60:
                save_checkpoint(run)
                saved = time.monotonic()
            if run.stop_requested:
                break
        save_checkpoint(run)
    bar.close()
    return run
