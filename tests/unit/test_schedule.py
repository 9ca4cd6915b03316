"""Schedule, EMA and optimiser on small made-up cases."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from train.ema import EMA
from train.optim import build_adamw, set_learning_rate
from train.schedule import Schedule, published_schedule


def test_second_stage_never_decays() -> None:
    schedule = published_schedule(10)
    warm = [schedule.lr(i) for i in range(1000)]
    assert warm == sorted(warm) and warm[-1] == pytest.approx(schedule.peak)
    assert {schedule.lr(i) for i in range(1000, 60 * 10)} <= {schedule.peak}


def test_schedule_stays_at_its_floor_and_rejects_a_backward_cosine() -> None:
    schedule = Schedule(peak=1.0, cosine_begin=20, cosine_end=40, warmup=1)
    assert schedule.lr(0) == pytest.approx(1e-5)
    assert schedule.lr(20) == 1.0
    assert schedule.lr(30) == pytest.approx((1 + 0.05) / 2)
    assert schedule.lr(40) == schedule.lr(99) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="cosine"):
        Schedule(peak=1.0, cosine_begin=5, cosine_end=4)


def test_ema_resumes_exactly() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ema = EMA(model)

    def step(average: EMA) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        average.update(model)

    for _ in range(3):
        step(ema)
    other = EMA(model)
    other.load_state_dict(copy.deepcopy(ema.state_dict()))
    state = torch.get_rng_state()
    weights = copy.deepcopy(model.state_dict())
    step(ema)
    torch.set_rng_state(state)
    model.load_state_dict(weights)
    step(other)
    for ours, theirs in zip(
        ema.module.state_dict().values(), other.module.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)
    assert not any(p.requires_grad for p in ema.module.parameters())


def test_frozen_parameters_stay_out_of_the_optimiser() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    optimizer = build_adamw(model)
    assert [len(g["params"]) for g in optimizer.param_groups] == [1, 1]
    set_learning_rate(optimizer, 0.5)
    assert {g["lr"] for g in optimizer.param_groups} == {0.5}
    with pytest.raises(ValueError, match="nothing to optimise"):
        build_adamw(model.requires_grad_(False))
