"""The RTMCC head: features to SimCC logits, with one gated attention unit over the keypoints.

Module names follow the official checkpoints. Source: RTMCCHead and RTMCCBlock of open-mmlab/mmpose.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dwpose_annotator.simcc import SPLIT_RATIO
from dwpose_annotator.skeleton import NUM_KEYPOINTS

HIDDEN = 256  # width of a keypoint token; DWPose configs, gau_cfg.hidden_dims
ATTENTION_DIM = 128  # gau_cfg.s
EXPANSION = 2  # gau_cfg.expansion_factor
NORM_FLOOR = 1e-5  # ScaleNorm eps


class ScaleNorm(nn.Module):
    """Divide by the root mean square over the last axis, times one learnt scalar."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = dim**-0.5
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x.float(), dim=-1, keepdim=True) * self.scale
        out: Tensor = (x / norm.clamp(min=NORM_FLOOR).to(x.dtype)) * self.g
        return out


class ResidualScale(nn.Module):
    """A learnt factor per channel on the residual path."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class GatedAttentionUnit(nn.Module):
    """Gated attention over the keypoint tokens, (N, K, 256) -> (N, K, 256).

    Source: FLASH (Hua et al. 2022), eq. 3-4, in the self-attention form of RTMPose: squared ReLU
    instead of softmax, no position encoding.
    """

    def __init__(self, dim: int = HIDDEN) -> None:
        super().__init__()
        gate = dim * EXPANSION
        self.gate = gate
        self.gamma = nn.Parameter(torch.rand(2, ATTENTION_DIM))
        self.beta = nn.Parameter(torch.rand(2, ATTENTION_DIM))
        self.o = nn.Linear(gate, dim, bias=False)
        self.uv = nn.Linear(dim, 2 * gate + ATTENTION_DIM, bias=False)
        self.ln = ScaleNorm(dim)
        self.res_scale = ResidualScale(dim)

    def forward(self, x: Tensor) -> Tensor:
        gates = F.silu(self.uv(self.ln(x)))
        u, v, base = torch.split(gates, [self.gate, self.gate, ATTENTION_DIM], dim=-1)
        query = base * self.gamma[0] + self.beta[0]
        key = base * self.gamma[1] + self.beta[1]
        attention = F.relu(query @ key.transpose(1, 2) * ATTENTION_DIM**-0.5).square()
        out: Tensor = self.res_scale(x) + self.o(u * (attention @ v))
        return out


class RTMCCHead(nn.Module):
    """Feature map to one row of logits per keypoint and axis.

    Args:
        channels: channels of the feature map.
        crop_wh: network input size in pixels; a multiple of 32.
    """

    def __init__(self, channels: int, crop_wh: tuple[int, int]) -> None:
        super().__init__()
        width, height = crop_wh
        tokens = (width // 32) * (height // 32)
        self.final_layer = nn.Conv2d(channels, NUM_KEYPOINTS, 7, padding=3)
        self.mlp = nn.Sequential(ScaleNorm(tokens), nn.Linear(tokens, HIDDEN, bias=False))
        self.gau = GatedAttentionUnit()
        self.cls_x = nn.Linear(HIDDEN, int(width * SPLIT_RATIO), bias=False)
        self.cls_y = nn.Linear(HIDDEN, int(height * SPLIT_RATIO), bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The reference's initialisation; torch's default gives peaked logits that never learn."""
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)  # type: ignore[arg-type]  # it has a bias
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, h, w) -> simcc_x (N, 133, 2W), simcc_y (N, 133, 2H), raw logits."""
        tokens = self.gau(self.mlp(self.final_layer(features).flatten(2)))
        return self.cls_x(tokens), self.cls_y(tokens)
