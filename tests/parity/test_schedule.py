"""Learning rate, EMA and parameter groups against the reference's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from dwpose_annotator.models import POSE_CONFIGS, build_pose_model
from train.ema import EMA
from train.optim import build_adamw, named_trainable
from train.schedule import published_schedule


@pytest.fixture(scope="module")
def golden(parity_dir: Path) -> dict[str, Any]:
    return json.loads((parity_dir / "schedule" / "schedule.json").read_text())


def test_learning_rate(golden: dict[str, Any]) -> None:
    lr = golden["lr"]
    schedule = published_schedule(lr["epoch_length"])
    assert [schedule.lr(i) for i in lr["iterations"]] == pytest.approx(lr["lr"], rel=1e-6)


def _module_like(state: dict[str, Any]) -> nn.Sequential:
    """The convolution + BatchNorm that the states belong to, sized from their shapes."""
    shapes = {name: torch.tensor(value).shape for name, value in state.items()}
    out_channels, in_channels, *kernel = shapes["0.weight"]
    convolution = nn.Conv2d(in_channels, out_channels, tuple(kernel), bias="0.bias" in shapes)
    module = nn.Sequential(convolution, nn.BatchNorm2d(out_channels))
    assert {name: value.shape for name, value in module.state_dict().items()} == shapes
    return module


def test_ema(golden: dict[str, Any]) -> None:
    states, averages = golden["ema"]["model"], golden["ema"]["ema"]
    model = _module_like(states[0])

    def load(state: dict[str, Any]) -> None:
        model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})

    load(states[0])
    ema = EMA(model, momentum=golden["ema"]["momentum"], gamma=golden["ema"]["gamma"])
    for step, (state, average) in enumerate(zip(states, averages, strict=True)):
        load(state)
        if step:
            ema.update(model)
        for name, value in ema.module.state_dict().items():
            torch.testing.assert_close(value, torch.tensor(average[name]), rtol=1e-6, atol=1e-6)


def test_parameter_groups(golden: dict[str, Any]) -> None:
    expected = golden["optimizer"]
    names = {*expected["decayed"], *expected["not_decayed"]}
    with torch.device("meta"):
        candidates = [build_pose_model(size) for size in POSE_CONFIGS]
    model = next(m for m in candidates if {n for n, _ in m.named_parameters()} == names)
    parameters = list(named_trainable(model))
    assert [n for n, _, decayed in parameters if decayed] == expected["decayed"]
    assert [n for n, _, decayed in parameters if not decayed] == expected["not_decayed"]

    optimizer = build_adamw(model)
    defaults = expected["defaults"]
    decayed, plain = optimizer.param_groups
    assert (len(decayed["params"]), len(plain["params"])) == (
        len(expected["decayed"]),
        len(expected["not_decayed"]),
    )
    for group in (decayed, plain):
        assert {k: group[k] for k in ("lr", "eps", "amsgrad")} == {
            k: defaults[k] for k in ("lr", "eps", "amsgrad")
        }
        assert list(group["betas"]) == defaults["betas"]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (defaults["weight_decay"], 0)
