"""Schedule, EMA and optimiser on small made-up cases."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from train.ema import EMA
from train.optim import build_adamw, build_muon, is_matrix, orthogonalised, set_learning_rate
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


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((64, 200), (200, 64)):
        # A spread of a thousand between the largest and the smallest of the 64.
        u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
        skewed = u @ torch.diag(torch.logspace(0, -3, 64)) @ v
        values = torch.linalg.svdvals(orthogonalised(skewed).float())
        assert values.max() < 1.3
        assert values[:48].min() > 0.5  # the rest were a thousandth of the largest
        assert torch.linalg.svdvals(skewed)[47] < 0.01


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9")
def test_matrices_step_as_torchs_muon() -> None:
    torch.manual_seed(0)
    ours = nn.Linear(96, 40, bias=False)
    theirs = nn.Linear(96, 40, bias=False)
    theirs.load_state_dict(ours.state_dict())
    optimizers = (
        build_muon(ours, lr=0.02, weight_decay=0.1),
        torch.optim.Muon(
            theirs.parameters(), lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
        ),
    )
    for _ in range(3):
        x = torch.randn(64, 96)
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=0, atol=1e-4)


def test_everything_but_matrices_steps_as_adamw() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 64, 3))
    other = copy.deepcopy(model)
    assert [is_matrix(p) for p in model.parameters()] == [False] * 4 + [True, False]
    optimizers = build_muon(model, lr=0.01), build_adamw(other, lr=0.01)
    x = torch.randn(4, 3, 16, 16)
    for net, optimizer in zip((model, other), optimizers, strict=True):
        net(x).square().mean().backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        same = torch.equal(parameter, other.get_parameter(name))
        assert same != is_matrix(parameter), name


def test_muon_resumes_exactly() -> None:
    def stepped(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            model(torch.randn(16, 64)).square().mean().backward()
            optimizer.step()

    torch.manual_seed(0)
    model = nn.Linear(64, 64)
    optimizer = build_muon(model)
    stepped(model, optimizer, 2)
    resumed = copy.deepcopy(model)
    other = build_muon(resumed)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for net, some in ((model, optimizer), (resumed, other)):
        torch.manual_seed(1)
        stepped(net, some, 2)
    for a, b in zip(model.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
