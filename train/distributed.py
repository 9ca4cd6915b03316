"""What several processes must share for their step to equal one process on the whole batch.

Gradients are averaged over processes by DistributedDataParallel; here are the two other sums: those
of BatchNorm, and weights that a loss is divided by.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def process_count() -> int:
    """Number of training processes; 1 outside ``accelerate launch``."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def mean_over_processes(value: Tensor) -> Tensor:
    """Mean of a tensor that takes no gradient; the tensor itself for one process."""
    if process_count() == 1:
        return value
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / process_count()


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce whose gradient is the all-reduced gradient."""

    @staticmethod
    def forward(_ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, upstream: Tensor) -> Tensor:
        total = upstream.clone()
        dist.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm over the batches of all processes, which must be of one size, on any device."""

    def forward(self, x: Tensor) -> Tensor:
        processes = process_count()
        if not self.training or processes == 1:
            return super().forward(x)
        values = x.float()
        mean: Tensor = _SumOverProcesses.apply(values.mean(dim=(0, 2, 3))) / processes
        centred = values - mean[:, None, None]
        own_variance = centred.square().mean(dim=(0, 2, 3))
        variance: Tensor = _SumOverProcesses.apply(own_variance) / processes
        self._follow(mean.detach(), variance.detach(), processes * x.numel() // x.shape[1])
        factor = self.weight * torch.rsqrt(variance + self.eps)
        out: Tensor = centred * factor[:, None, None] + self.bias[:, None, None]
        return out.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics; the variance is kept unbiased, as torch keeps it."""
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


def share_batch_norm(module: nn.Module, device: torch.device) -> None:
    """Make every BatchNorm below ``module`` work on the batch of all processes, in place.

    On CUDA by torch's SyncBatchNorm; state-dict names stay.
    """
    if process_count() == 1:
        return
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return
    for child in module.modules():
        if type(child) is nn.BatchNorm2d:
            child.__class__ = SharedBatchNorm2d  # same parameters and buffers, another forward
