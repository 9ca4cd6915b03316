"""From a configuration to the objective it trains."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from dwpose_annotator.models import PoseModel, build_pose_model
from dwpose_annotator.models.convert import fill_model, load_state_dict
from train.config import TrainConfig
from train.distill import Stage1, Stage2
from train.objectives import HeatmapPretraining, Objective, SupervisedPose, part_weights


def load_matching(model: nn.Module, checkpoint: Path) -> list[str]:
    """Copy every entry of ``checkpoint`` whose name and shape fit; return the names left alone.

    Takes our checkpoints (the averaged weights) and the original code's.

    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, or nothing fits.
    """
    source = load_state_dict(checkpoint)
    target = model.state_dict()
    fitting = {
        key: value
        for key, value in source.items()
        if key in target and value.shape == target[key].shape
    }
    if not fitting:
        raise ValueError(f"{checkpoint}: no entry fits the model by name and shape")
    model.load_state_dict(fitting, strict=False)
    return sorted(target.keys() - fitting.keys())


def build_student(config: TrainConfig) -> PoseModel:
    """The network to train, started from ``config.init`` where that is given."""
    torch.manual_seed(config.seed)
    model = build_pose_model(config.model)
    if config.init:
        load_matching(model, Path(config.init))
    return model


def build_teacher(config: TrainConfig) -> PoseModel:
    """The network that a distillation stage learns from.

    Raises:
        ValueError: the configuration names no teacher, or its checkpoint is of another size.
        FileNotFoundError: no such checkpoint.
    """
    options = config.distill
    if not (options.teacher and options.teacher_checkpoint):
        raise ValueError(
            f"objective {config.objective} needs a teacher: --set distill.teacher=SIZE "
            "--set distill.teacher_checkpoint=FILE"
        )
    model = build_pose_model(options.teacher)
    state = load_state_dict(options.teacher_checkpoint)
    fill_model(model, state, name=options.teacher_checkpoint, size=options.teacher)
    return model


def build_objective(config: TrainConfig) -> Objective:
    """The one table from objective names to what they build."""
    weight = part_weights(**vars(config.part_weights))
    student = build_student(config)
    objective: Objective
    if config.objective == "heatmap":
        objective = HeatmapPretraining(student, weight)
        if config.init:  # a heatmap head goes on where it was
            load_matching(objective.model, Path(config.init))
    elif config.objective == "supervised":
        objective = SupervisedPose(student, weight, loss_batch=config.loss_batch)
    elif config.objective == "stage1":
        objective = Stage1(
            student,
            build_teacher(config),
            config.distill,
            part_weight=weight,
            loss_batch=config.loss_batch,
        )
    elif config.objective == "stage2":
        return Stage2(student, build_teacher(config), config.distill, part_weight=weight)
    else:
        raise ValueError(
            f"objective must be heatmap, supervised, stage1 or stage2, got {config.objective!r}"
        )
    objective.freeze([student.backbone.get_submodule(name) for name in config.frozen])
    return objective
