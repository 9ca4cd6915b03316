"""AdamW with the reference's two parameter groups."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

# ScaleNorm is none of these: the reference decays it.
_NORM_LAYERS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)


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
    parameters = list(named_trainable(model))
    if not parameters:
        raise ValueError("nothing to optimise: no parameter of the model requires a gradient")
    groups = [
        {"params": [p for _, p, decayed in parameters if decayed], "weight_decay": weight_decay},
        {"params": [p for _, p, decayed in parameters if not decayed], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Use ``lr`` for every group from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = lr
