"""The state of a training run, its start and its checkpoints.

Resume is exact on one process: a sample's randomness depends on (seed, position), so model,
average, optimiser and the step are the whole state.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs

from dwpose_annotator.files import write_atomic
from train.allocator import keep_freed_memory
from train.config import TrainConfig
from train.distributed import process_count, share_batch_norm
from train.ema import EMA
from train.objectives import Objective
from train.optim import build_adamw, build_muon
from train.schedule import Schedule

log = logging.getLogger(__name__)

PUBLISHED_BATCH = 512  # total batch that the published learning rate is meant for; DWPose configs


@dataclass
class Run:
    """Everything that changes while training.

    Attributes:
        objective: losses and the model that is trained.
        stepper: ``objective`` as accelerate wraps it (autocast, DistributedDataParallel).
        ema: the averaged model, which is the result.
        step: optimiser steps done.
        best_ap: highest whole AP of the validations so far.
    """

    config: TrainConfig
    out: Path
    accelerator: Accelerator
    objective: Objective
    stepper: torch.nn.Module
    optimizer: torch.optim.Optimizer
    ema: EMA
    schedule: Schedule
    steps_per_epoch: int
    step: int = 0
    best_ap: float = -1.0

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.config.epochs

    @property
    def epoch(self) -> int:
        return self.step // self.steps_per_epoch

    @property
    def batch(self) -> int:
        """People in a step, over all processes."""
        return self.config.batch_size * int(self.accelerator.num_processes)


def build_accelerator(config: TrainConfig, *, cpu: bool = False) -> Accelerator:
    """One process, or one of those that ``accelerate launch`` started."""
    if process_count() == 1:
        # accelerate keeps one state a process and would refuse a second run of other precision.
        AcceleratorState._reset_state(reset_partial_state=True)
    # The others wait while the main process decodes the images or validates.
    patience = InitProcessGroupKwargs(timeout=timedelta(hours=3))
    accelerator = Accelerator(mixed_precision=config.precision, cpu=cpu, kwargs_handlers=[patience])
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    return accelerator


def build_schedule(config: TrainConfig, steps_per_epoch: int, batch: int) -> Schedule:
    """The learning rate in iterations."""
    options = config.optim
    begin, end = (round(epoch * steps_per_epoch) for epoch in options.cosine_epochs)
    return Schedule(
        peak=options.lr * (batch / PUBLISHED_BATCH if options.scale_lr_with_batch else 1),
        cosine_begin=begin,
        cosine_end=end,
        warmup=options.warmup_steps,
        floor_ratio=options.floor_ratio,
    )


def start_run(
    config: TrainConfig, out: Path, objective: Objective, samples: int, accelerator: Accelerator
) -> Run:
    """Build the optimiser and average, and take up ``out/resume.pt`` if it is there.

    Args:
        samples: people in the training data.

    Raises:
        ValueError: an epoch holds less than one batch.
    """
    batch = config.batch_size * accelerator.num_processes
    steps = (config.epoch_samples or samples) // batch
    if steps < 1:
        raise ValueError(
            f"an epoch of {config.epoch_samples or samples} samples holds no batch of {batch}"
        )
    for module in (objective, *objective.companions()):
        share_batch_norm(module, accelerator.device)
        module.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    build = build_muon if config.optim.algorithm == "muon" else build_adamw
    optimizer = build(objective, lr=config.optim.lr, weight_decay=config.optim.weight_decay)
    stepper, prepared = accelerator.prepare(objective, optimizer)
    run = Run(
        config, out, accelerator, objective, stepper, prepared,
        EMA(objective.model, momentum=config.ema_momentum, gamma=config.ema_gamma),
        build_schedule(config, steps, batch), steps,
    )  # fmt: skip
    if (out / "resume.pt").is_file():
        load_checkpoint(run, out / "resume.pt")
    return run


def save_checkpoint(run: Run) -> None:
    """``resume.pt`` (everything) and ``model.pt`` (the averaged model alone)."""
    if not run.accelerator.is_main_process:
        return
    averaged = run.ema.module.state_dict()
    scaler = run.accelerator.scaler
    config = json.dumps(dataclasses.asdict(run.config))
    state = {
        "model": averaged,
        "objective": run.objective.state_dict(),
        "ema_step": run.ema.step,
        "optimizer": run.optimizer.state_dict(),
        "scaler": scaler.state_dict() if scaler is not None else None,
        "step": run.step,
        "best_ap": run.best_ap,
        "config": config,
    }
    _save(state, run.out / "resume.pt")
    save_model(run, run.out / "model.pt")


def save_model(run: Run, path: Path) -> None:
    """The averaged model alone, with the configuration that made it."""
    config = json.dumps(dataclasses.asdict(run.config))
    _save({"model": run.ema.module.state_dict(), "config": config}, path)


def _save(content: dict[str, Any], path: Path) -> None:
    write_atomic(path, lambda file: torch.save(content, file))


def load_checkpoint(run: Run, path: Path) -> None:
    """Continue exactly where ``path`` was written.

    Raises:
        ValueError: the checkpoint is of another network or objective.
    """
    state = torch.load(path, map_location="cpu", weights_only=True)
    try:
        run.objective.load_state_dict(state["objective"])
        run.ema.load_state_dict({"model": state["model"], "step": state["ema_step"]})
        run.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, KeyError) as error:
        raise ValueError(
            f"{path} is of another network or objective than {run.config.name}; train into another "
            f"folder, or delete it to begin anew ({error})"
        ) from error
    if run.accelerator.scaler is not None and state.get("scaler"):
        run.accelerator.scaler.load_state_dict(state["scaler"])
    run.step, run.best_ap = state["step"], state.get("best_ap", -1.0)
    log.info("resumed %s at step %d of %d", path, run.step, run.total_steps)
