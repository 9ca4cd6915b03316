"""AdamW with the reference's two parameter groups, and Muon for the large matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

# ScaleNorm is none of these: the reference decays it.
_NORM_LAYERS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)

# Source: Keller Jordan et al., "Muon: An optimizer for hidden layers" (2024): momentum, the
# coefficients of the quintic iteration and how often it is applied.
MOMENTUM, NEWTON_SCHULZ, ITERATIONS = 0.95, (3.4445, -4.7750, 2.0315), 5
# Root mean square of an AdamW step as a share of its rate, which an orthogonal step is scaled to,
# so that both share one rate. Source: Liu et al., "Muon is Scalable for LLM Training" (2025), 2.2.
ADAMW_RMS = 0.2
LEAST_INPUTS = 32  # per output; below (depthwise, the first convolution) AdamW has less to lose


def is_decayed(owner: nn.Module, name: str) -> bool:
    """Whether weight decay acts on parameter ``name`` of module ``owner``.

    Not on BatchNorm and not on biases; on everything else, the GAU's gamma and beta, ScaleNorm's g
    and the residual scale included.
    Source: ``norm_decay_mult=0, bias_decay_mult=0`` of the DWPose configs.
    """
    return not isinstance(owner, _NORM_LAYERS) and name != "bias"


def named_trainable(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, bool]]:
    """(name, parameter, decayed) of every parameter that takes gradients, as registered."""
    for prefix, owner in model.named_modules():
        for name, parameter in owner.named_parameters(prefix="", recurse=False):
            if parameter.requires_grad:
                yield f"{prefix}.{name}".lstrip("."), parameter, is_decayed(owner, name)


def build_adamw(
    model: nn.Module, *, lr: float = 4e-3, weight_decay: float = 0.05
) -> torch.optim.AdamW:
    """AdamW over the trainable parameters; the defaults are the published recipe's."""
    groups = _groups(model, weight_decay)
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr)


def build_muon(model: nn.Module, *, lr: float = 1e-3, weight_decay: float = 0.05) -> MuonAdamW:
    """Muon over the matrices of convolutions and linear layers, AdamW over all else."""
    decayed, others = _groups(model, weight_decay)
    matrices = [p for p in decayed["params"] if is_matrix(p)]
    decayed["params"] = [p for p in decayed["params"] if not is_matrix(p)]
    muon = {"params": matrices, "weight_decay": weight_decay, "muon": True}
    return MuonAdamW([group for group in (muon, decayed, others) if group["params"]], lr=lr)


def _groups(model: nn.Module, weight_decay: float) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters = list(named_trainable(model))
    if not parameters:
        raise ValueError("nothing to optimise: no parameter of the model requires a gradient")
    return (
        {"params": [p for _, p, decayed in parameters if decayed], "weight_decay": weight_decay},
        {"params": [p for _, p, decayed in parameters if not decayed], "weight_decay": 0.0},
    )


def is_matrix(parameter: Tensor) -> bool:
    """Whether a weight mixes many inputs into many outputs."""
    inputs = parameter[0].numel() if parameter.ndim in (2, 4) else 0
    return inputs >= LEAST_INPUTS and len(parameter) >= LEAST_INPUTS


class MuonAdamW(torch.optim.AdamW):
    """AdamW whose groups with ``muon: True`` take the orthogonalised step of Muon instead.

    A convolution's weight counts as a matrix of outputs by everything else. Where AdamW lets the
    few directions with large gradients rule, every direction of the matrix gets a step as large.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step; gradients of the matrices are gone afterwards."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("muon"):
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step_matrix(parameter, group["lr"], group["weight_decay"])
                        parameter.grad = None  # AdamW passes over it
        super().step()
        return loss

    def _step_matrix(self, parameter: Tensor, lr: float, weight_decay: float) -> None:
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:  # AdamW's loading of a checkpoint expects a step everywhere
            state["step"] = torch.zeros(())
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
        direction = parameter.grad.lerp(state["momentum"], MOMENTUM)
        matrix = direction.flatten(1)
        scale = ADAMW_RMS * math.sqrt(max(matrix.shape))
        parameter.mul_(1 - lr * weight_decay)
        parameter.add_(orthogonalised(matrix).view(parameter.shape), alpha=-lr * scale)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix with all its singular values brought near 1, in bfloat16."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.bfloat16()
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        square = wide @ wide.T
        polynomial = torch.addmm(square, square, square, beta=b, alpha=c)
        wide = torch.addmm(wide, polynomial, wide, beta=a)
    return wide if x.shape[0] <= x.shape[1] else wide.T


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Use ``lr`` for every group from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = lr
