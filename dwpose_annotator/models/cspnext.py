"""CSPNeXt, the backbone of RTMPose and DWPose, in plain torch.

Module names follow the official checkpoints, so their state dicts load unchanged.
Source: CSPNeXt of open-mmlab/mmdetection (arch "P5"), BatchNorm as in the DWPose configs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Per stage: channels in, channels out, blocks, residual blocks, SPP. Source: CSPNeXt arch "P5".
STAGES = (
    (64, 128, 3, True, False),
    (128, 256, 6, True, False),
    (256, 512, 6, True, False),
    (512, 1024, 3, False, True),
)
# The DWPose configs name the norm layer without arguments: torch's defaults, not 1e-3 / 0.03.
BN_EPS, BN_MOMENTUM = 1e-5, 0.1


class DepthwiseConv2d(nn.Conv2d):
    """A filter for each channel, in float32 where autocast would take bfloat16 on a CPU.

    oneDNN's bfloat16 gradient of such a filter takes four to eight times as long as the float32
    one. Steps swapped in pairs: a training step takes 2 to 11 % longer with it (torch 2.14).
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float()).to(x.dtype)
        return super().forward(x)


class ConvUnit(nn.Module):
    """Convolution without bias, BatchNorm, SiLU; "same" padding."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d if groups == 1 else DepthwiseConv2d
        self.conv = convolution(
            in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return F.silu(x, inplace=not x.requires_grad)  # in place, autograd keeps a copy of x


class DepthwiseSeparable(nn.Module):
    """5x5 depthwise unit followed by a 1x1 unit, each with its own BatchNorm and SiLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvUnit(channels, channels, 5, groups=channels)
        self.pointwise_conv = ConvUnit(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return out


class CSPNeXtBlock(nn.Module):
    """3x3 unit and a depthwise separable unit, with a residual where ``identity``."""

    def __init__(self, channels: int, *, identity: bool) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, channels, 3)
        self.conv2 = DepthwiseSeparable(channels)
        self.identity = identity

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(x))
        return x + out if self.identity else out


class ChannelAttention(nn.Module):
    """Global average pool, 1x1 convolution, hard sigmoid, product."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        # The pool sums h*w values: the reference keeps it in float32 under autocast.
        pooled = F.adaptive_avg_pool2d(x.float(), 1).to(x.dtype)
        return x * F.hardsigmoid(self.fc(pooled))


class CSPLayer(nn.Module):
    """Cross-stage partial layer: half the channels pass the blocks, half take a short cut."""

    def __init__(self, channels: int, blocks: int, *, identity: bool) -> None:
        super().__init__()
        middle = int(channels * 0.5)
        self.main_conv = ConvUnit(channels, middle, 1)
        self.short_conv = ConvUnit(channels, middle, 1)
        self.final_conv = ConvUnit(2 * middle, channels, 1)
        self.blocks = nn.Sequential(
            *(CSPNeXtBlock(middle, identity=identity) for _ in range(blocks))
        )
        self.attention = ChannelAttention(2 * middle)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([self.blocks(self.main_conv(x)), self.short_conv(x)], dim=1)
        out: Tensor = self.final_conv(self.attention(joined))
        return out


class SPPBottleneck(nn.Module):
    """Spatial pyramid pooling: max pools of 5, 9 and 13 pixels beside the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, channels // 2, 1)
        self.conv2 = ConvUnit(channels * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        pools = [F.max_pool2d(x, size, stride=1, padding=size // 2) for size in (5, 9, 13)]
        out: Tensor = self.conv2(torch.cat([x, *pools], dim=1))
        return out


class CSPNeXt(nn.Module):
    """The backbone: stem and four stages, each halving the resolution.

    Args:
        deepen: factor on the blocks of a stage.
        widen: factor on the channels of a stage.
    """

    stage1: nn.Sequential
    stage2: nn.Sequential
    stage3: nn.Sequential
    stage4: nn.Sequential

    def __init__(self, deepen: float, widen: float) -> None:
        super().__init__()
        stem = int(STAGES[0][0] * widen)
        self.stem = nn.Sequential(
            ConvUnit(3, stem // 2, 3, stride=2),
            ConvUnit(stem // 2, stem // 2, 3),
            ConvUnit(stem // 2, stem, 3),
        )
        widths: list[int] = []
        for number, (c_in, c_out, blocks, identity, spp) in enumerate(STAGES, start=1):
            width = int(c_out * widen)
            widths.append(width)
            layers: list[nn.Module] = [ConvUnit(int(c_in * widen), width, 3, stride=2)]
            if spp:
                layers.append(SPPBottleneck(width))
            layers.append(CSPLayer(width, max(round(blocks * deepen), 1), identity=identity))
            self.add_module(f"stage{number}", nn.Sequential(*layers))
        self.widths = tuple(widths)

    def forward_stages(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Outputs of the four stages, at strides 4, 8, 16 and 32, for (N, 3, H, W) images."""
        one: Tensor = self.stage1(self.stem(x))
        two: Tensor = self.stage2(one)
        three: Tensor = self.stage3(two)
        four: Tensor = self.stage4(three)
        return one, two, three, four

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) normalised RGB -> (N, widths[-1], H/32, W/32)."""
        return self.forward_stages(x)[-1]
