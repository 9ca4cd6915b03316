"""Exponential moving average of a model, with a momentum that starts high and settles low."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import nn

MOMENTUM, GAMMA = 2e-4, 2000  # Source: the DWPose configs (ExpMomentumEMA of mmengine)


class EMA:
    """A frozen copy of ``model`` that follows it.

    ``ema = (1 - m) * ema + m * model``, where
    ``m = (1 - momentum) * exp(-(1 + step) / gamma) + momentum``, over all floating-point parameters
    AND buffers (BatchNorm statistics included). The first update copies everything; integer buffers
    stay as that copy left them.
    Source: ExpMomentumEMA with ``update_buffers=True`` of open-mmlab/mmengine.
    """

    def __init__(
        self, model: nn.Module, *, momentum: float = MOMENTUM, gamma: float = GAMMA
    ) -> None:
        self.module = copy.deepcopy(model).eval().requires_grad_(False)
        self.momentum, self.gamma = momentum, gamma
        self.step = 0

    def momentum_at(self, step: int) -> float:
        """Weight of the model's own values in update number ``step`` (from 1; update 0 copies)."""
        return (1 - self.momentum) * math.exp(-(1 + step) / self.gamma) + self.momentum

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Follow ``model``, which must be the architecture that this average was made from."""
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        if self.step == 0:
            for average, value in pairs:
                average.copy_(value)
        else:
            floating = [(average, value) for average, value in pairs if average.is_floating_point()]
            averages, values = ([pair[side] for pair in floating] for side in (0, 1))
            torch._foreach_lerp_(averages, values, self.momentum_at(self.step))
        self.step += 1

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on: the averaged weights and the number of updates."""
        return {"model": self.module.state_dict(), "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()`` of an average over the same architecture."""
        self.module.load_state_dict(state["model"])
        self.step = int(state["step"])


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]
