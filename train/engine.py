"""The training loop: configuration in, checkpoints and a log out. Read it top to bottom."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from accelerate import Accelerator
from torch import Tensor

from train.build import build_objective
from train.config import TrainConfig
from train.loading import TrainingSet, build_loader, load_training_set, open_batches
from train.objectives import Objective
from train.optim import set_learning_rate
from train.progress import Progress
from train.run import Run, build_accelerator, save_checkpoint, save_model, start_run
from train.validation import Validator

log = logging.getLogger(__name__)

STOP_CHECK_STEPS = 10  # how often several processes agree on stopping


class NonFiniteLossError(RuntimeError):
    """A loss became NaN or infinite; the message holds the loss dictionary."""


def train(
    config: TrainConfig, out: Path, *, cache_dir: Path | None = None, cpu: bool = False
) -> Run:
    """Train ``config`` into the folder ``out``; running it again resumes.

    Writes ``resume.pt`` and ``model.pt`` (averaged weights) in time and on SIGTERM or SIGINT,
    ``log.jsonl``, ``skipped.txt`` and, with validation, ``best.pt``.

    Args:
        cache_dir: for decoded images; ``out/cache`` if None.
        cpu: use the CPU even where there is a GPU.

    Raises:
        NonFiniteLossError: with the loss dictionary; the last checkpoint stays.
        ValueError, FileNotFoundError: the configuration names what is not there or does not fit.
    """
    out.mkdir(parents=True, exist_ok=True)
    accelerator = build_accelerator(config, cpu=cpu)
    with accelerator.local_main_process_first():  # decodes; the others find it done
        data = load_training_set(
            config,
            cache_dir or out / "cache",
            skipped_file=out / "skipped.txt",
            first=accelerator.is_main_process,
        )
    return fit(config, out, build_objective(config), data, accelerator)


def fit(
    config: TrainConfig,
    out: Path,
    objective: Objective,
    data: TrainingSet,
    accelerator: Accelerator,
) -> Run:
    """Train any objective on any data, as ``train`` does for those that a configuration names."""
    validator = Validator.from_config(config)
    run = start_run(config, out, objective, len(data), accelerator)
    loader = build_loader(
        data,
        config,
        steps_per_epoch=run.steps_per_epoch,
        start_step=run.step,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        pin_memory=accelerator.device.type == "cuda",
    )
    progress = Progress(
        out,
        total=run.total_steps * run.batch,
        done=run.step * run.batch,
        every=config.log_steps,
        tensorboard=config.tensorboard,
        enabled=accelerator.is_main_process,
    )
    with progress, stop_signal() as stop_requested:
        with open_batches(loader) as batches:
            watched = progress.stopwatch.watch(batches)
            run_steps(run, watched, progress, validator, stop_requested)
        save_checkpoint(run)
    accelerator.end_training()
    return run


def run_steps(
    run: Run,
    batches: Iterator[tuple[Tensor, Tensor]],
    progress: Progress,
    validator: Validator | None,
    stop_requested: Callable[[], bool],
) -> None:
    """Train on every batch, or until asked to stop."""
    saved = time.monotonic()
    run.stepper.train()
    for crops, labels in batches:
        device = run.accelerator.device
        values = train_step(
            run, crops.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        )
        progress.step(run.step, run.epoch, values, run.batch)
        if validator is not None and validator.is_due(run):
            validate(run, validator, progress)
        if time.monotonic() - saved > run.config.checkpoint_minutes * 60:
            save_checkpoint(run)
            saved = time.monotonic()
        if agreed(run, stop_requested()):
            log.info("stopping after step %d of %d", run.step, run.total_steps)
            break


def train_step(run: Run, crops: Tensor, labels: Tensor) -> dict[str, float]:
    """Forward, backward, clip, update, average. Returns the losses, gradient norm and rate.

    Raises:
        NonFiniteLossError: before the weights are touched.
    """
    lr = run.schedule.lr(run.step)
    set_learning_rate(run.optimizer, lr)
    losses: dict[str, Tensor] = run.stepper(crops, labels, run.epoch, run.config.epochs)
    total = torch.stack(list(losses.values())).sum()
    run.accelerator.backward(total)
    limit = run.config.optim.clip_norm
    norm = run.accelerator.clip_grad_norm_(run.objective.parameters(), limit or float("inf"))
    # One transfer for everything that is read: on a GPU each waits for the whole queue.
    numbers = torch.stack([*losses.values(), torch.as_tensor(norm, device=total.device)]).tolist()
    values = dict(zip(losses, numbers, strict=False))
    if not all(map(math.isfinite, values.values())):
        raise NonFiniteLossError(f"step {run.step}: {values}")
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    run.ema.update(run.objective.model)
    run.step += 1
    if math.isfinite(numbers[-1]):  # float16 skips the steps where it is not
        values["grad_norm"] = numbers[-1]
    return {**values, "lr": lr}


def validate(run: Run, validator: Validator, progress: Progress) -> None:
    """Measure the averaged model on the main process; keep it as ``best.pt`` if it leads."""
    if run.accelerator.is_main_process:
        metrics = validator.measure(run.ema.module)
        progress.write(run.step, run.epoch, metrics)
        log.info("epoch %d: %s", run.epoch, {k: round(v, 4) for k, v in metrics.items()})
        if metrics["val_ap"] > run.best_ap:
            run.best_ap = metrics["val_ap"]
            save_model(run, run.out / "best.pt")
    run.accelerator.wait_for_everyone()


def agreed(run: Run, requested: bool) -> bool:
    """Whether to stop now: at once on one process, at a common step on several."""
    if run.accelerator.num_processes == 1:
        return requested
    if run.step % STOP_CHECK_STEPS:
        return False
    flag = torch.tensor(float(requested), device=run.accelerator.device)
    return bool(run.accelerator.reduce(flag, "sum") > 0)


@contextmanager
def stop_signal() -> Iterator[Callable[[], bool]]:
    """Let SIGTERM and SIGINT ask for the end instead of ending the process."""
    requested: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        requested.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(requested)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
