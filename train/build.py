"""From a configuration to the objective it trains."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from dwpose_annotator.models import PoseModel, build_pose_model
from train.config import TrainConfig
from train.objectives import HeatmapPretraining, Objective, SupervisedPose, part_weights


def load_matching(model: nn.Module, checkpoint: Path) -> list[str]:
    """Copy every entry of ``checkpoint`` whose name and shape fit; return the names left as they were.

    Takes the averaged weights (``model``) of our checkpoints, or a plain state dict.
    """
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    source = content.get("model", content) if isinstance(content, dict) else content
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


def build_objective(config: TrainConfig) -> Objective:
    """The one table from objective names to what they build."""
    weight = part_weights(**vars(config.part_weights))
    student = build_student(config)
    if config.objective == "heatmap":
        objective = HeatmapPretraining(student, weight)
        if config.init:  # a heatmap head goes on where it was
            load_matching(objective.model, Path(config.init))
        return objective
    if config.objective == "supervised":
        return SupervisedPose(student, weight)
    raise ValueError(f"objective must be heatmap or supervised, got {config.objective!r}")
