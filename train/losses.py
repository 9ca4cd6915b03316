"""The losses of supervised pose training: SimCC divergence and the heatmap loss of pre-training.

The distillation losses live in ``distill.py``. Every loss is computed in float32 at least, outside
autocast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dwpose_annotator import simcc

BETA = 10.0  # multiplies logits and labels before the softmax; KLDiscretLoss of the DWPose configs


def simcc_kl(logits: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """KL(softmax(10 label) || softmax(10 logit)), mean over bins, weighted sum over N and K.

    Args:
        logits, labels: (N, K, L).
        weight: (N, K).

    Source: KLDiscretLoss(beta=10, label_softmax=True) of open-mmlab/mmpose. Note the sum over N.
    """
    log_p = F.log_softmax(logits * BETA, dim=-1)
    target = F.softmax(labels * BETA, dim=-1)
    per_point = F.kl_div(log_p, target, reduction="none").mean(dim=-1)
    return (per_point * weight).sum()


class _Divergence(torch.autograd.Function):
    """Weighted sum of KL(target || softmax(BETA logit)) over rows, with its gradient written out.

    d/dz KL = BETA * (softmax(BETA z) - target); nothing of size (N, K, L) is kept but that.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, target: Tensor, negentropy: Tensor, weight: Tensor
    ) -> Tensor:
        log_p = F.log_softmax(at_least_float32(logits) * BETA, dim=-1)
        loss: Tensor = ((negentropy - torch.linalg.vecdot(target, log_p)) * weight).sum()
        gradient = log_p.exp_().sub_(target).mul_(weight.unsqueeze(-1) * BETA)
        ctx.save_for_backward(gradient.to(logits.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream.to(gradient.dtype), None, None, None


def divergence(logits: Tensor, target: Tensor, negentropy: Tensor, weight: Tensor) -> Tensor:
    """Sum over rows of weight * KL(target || softmax(10 logit)), each KL a sum over bins.

    Args:
        logits: (N, K, L), the only argument that takes a gradient.
        target: (N, K, L) probabilities.
        negentropy: (N, K), sum of target * log(target).
        weight: (N, K).
    """
    total: Tensor = _Divergence.apply(logits, target, negentropy, weight)
    return total


def at_least_float32(values: Tensor) -> Tensor:
    """Half precision to float32; float64 stays."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


class LabelTable(nn.Module):
    """Softmaxed label rows of one axis for every bin centre that ``simcc.encode`` can produce.

    Args:
        axis: 0 for x, 1 for y.
        crop_wh: network input size in pixels.
    """

    target: Tensor
    negentropy: Tensor

    def __init__(self, axis: int, crop_wh: tuple[int, int]) -> None:
        super().__init__()
        size = crop_wh[axis]
        margin = 64  # bins; more than 3 sigma of any table entry
        centres = np.arange(-margin, size * simcc.SPLIT_RATIO + margin)
        xy = np.full((1, len(centres), 2), 1.0)
        xy[0, :, axis] = centres / simcc.SPLIT_RATIO
        *labels, weight = simcc.encode(xy, np.ones((1, len(centres))), crop_wh)
        known = weight[0] > 0
        target = torch.from_numpy(labels[axis][0][known] * BETA).softmax(dim=-1)
        self.first, self.rows = int(centres[known][0]), int(known.sum())
        self.register_buffer("target", target, persistent=False)
        self.register_buffer("negentropy", (target * target.log()).sum(dim=-1), persistent=False)

    def rows_of(self, coordinate: Tensor) -> tuple[Tensor, Tensor]:
        """Row index (clamped) and whether the 3-sigma window meets the crop, for crop pixels."""
        row = torch.round(coordinate * simcc.SPLIT_RATIO).long() - self.first
        return row.clamp(0, self.rows - 1), (row >= 0) & (row < self.rows)


class SimCCLoss(nn.Module):
    """Ground-truth loss of SimCC logits straight from keypoint coordinates.

    Equals ``simcc_kl`` on the labels of ``simcc.encode``, which it looks up instead of making.

    Args:
        crop_wh: network input size in pixels.
    """

    def __init__(self, crop_wh: tuple[int, int]) -> None:
        super().__init__()
        self.table_x, self.table_y = LabelTable(0, crop_wh), LabelTable(1, crop_wh)

    def forward(
        self, x: Tensor, y: Tensor, labels: Tensor, part_weight: Tensor | None = None
    ) -> Tensor:
        """(loss_x + loss_y) / K, summed over the batch.

        Source: RTMCCHead.loss of open-mmlab/mmpose.

        Args:
            x, y: (N, K, 2W), (N, K, 2H) raw logits.
            labels: (N, K, 3) x, y in crop pixels, visible.
            part_weight: (K,) extra weight per keypoint; the published recipe has none.
        """
        row_x, inside_x = self.table_x.rows_of(labels[..., 0])
        row_y, inside_y = self.table_y.rows_of(labels[..., 1])
        weight = labels[..., 2] * inside_x * inside_y
        if part_weight is not None:
            weight = weight * part_weight
        axes = ((x, self.table_x, row_x), (y, self.table_y, row_y))
        losses = [
            divergence(logits, table.target[row], table.negentropy[row], weight / logits.shape[-1])
            for logits, table, row in axes
        ]
        return (losses[0] + losses[1]) / x.shape[1]


def heatmap_cross_entropy(
    heatmaps: Tensor,
    labels: Tensor,
    *,
    stride: float,
    sigma: float,
    part_weight: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Cross entropy between a spatial softmax and a normalised Gaussian.

    Args:
        heatmaps: (N, K, h, w) raw scores.
        labels: (N, K, 3) x, y in pixels of the frame whose cells are ``stride`` wide, visible.
        sigma: width of the Gaussian in cells.

    Returns:
        Weighted sum over the labelled points, and the sum of their weights.
    """
    height, width = heatmaps.shape[-2:]
    scores = at_least_float32(heatmaps)

    def gaussian(coordinate: Tensor, size: int) -> Tensor:
        cells = torch.arange(size, device=scores.device, dtype=scores.dtype)
        distance = (cells - coordinate.unsqueeze(-1) / stride) / sigma
        return (distance.square() * -0.5).softmax(dim=-1)

    x, y = labels[..., 0], labels[..., 1]
    inside = (x > -stride) & (y > -stride) & (x < width * stride) & (y < height * stride)
    weight = labels[..., 2] * inside
    if part_weight is not None:
        weight = weight * part_weight
    along_x = (scores * gaussian(x, width).unsqueeze(-2)).sum(dim=-1)
    cross = (along_x * gaussian(y, height)).sum(dim=-1)
    per_point = torch.logsumexp(scores.flatten(2), dim=-1) - cross
    return (per_point * weight).sum(), weight.sum()
