"""YOLOX, the detector of the original annotator, in plain torch.

Module names follow the official checkpoints. Source: Megvii-BaseDetection/YOLOX (CSPDarknet,
YOLOPAFPN, YOLOXHead).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BN_EPS, BN_MOMENTUM = 1e-3, 0.03  # YOLOX Exp.get_model
STRIDES = (8, 16, 32)


class BaseConv(nn.Module):
    """Convolution without bias, BatchNorm, SiLU; "same" padding."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.bn(self.conv(x)))


class Focus(nn.Module):
    """Fold 2x2 pixels into channels: top-left, bottom-left, top-right, bottom-right."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = BaseConv(in_channels * 4, out_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        phases = [x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]]
        out: Tensor = self.conv(torch.cat(phases, dim=1))
        return out


class Bottleneck(nn.Module):
    """1x1 and 3x3 convolution, with a residual where ``shortcut``."""

    def __init__(self, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = BaseConv(channels, channels, 1)
        self.conv2 = BaseConv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(x))
        return x + out if self.shortcut else out


class CSPLayer(nn.Module):
    """Half of the output width passes the bottlenecks, half takes a short cut."""

    def __init__(
        self, in_channels: int, out_channels: int, *, blocks: int, shortcut: bool = True
    ) -> None:
        super().__init__()
        hidden = out_channels // 2
        self.conv1 = BaseConv(in_channels, hidden, 1)
        self.conv2 = BaseConv(in_channels, hidden, 1)
        self.conv3 = BaseConv(2 * hidden, out_channels, 1)
        self.m = nn.Sequential(*(Bottleneck(hidden, shortcut=shortcut) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv3(torch.cat([self.m(self.conv1(x)), self.conv2(x)], dim=1))
        return out


class SPPBottleneck(nn.Module):
    """Max pools of 5, 9 and 13 pixels beside the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = BaseConv(channels, channels // 2, 1)
        self.conv2 = BaseConv(channels * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        pools = [F.max_pool2d(x, size, stride=1, padding=size // 2) for size in (5, 9, 13)]
        out: Tensor = self.conv2(torch.cat([x, *pools], dim=1))
        return out


class CSPDarknet(nn.Module):
    """Backbone with outputs at strides 8, 16 and 32."""

    def __init__(self, stem: int, depth: int) -> None:
        super().__init__()
        self.stem = Focus(3, stem)
        self.dark2 = self._stage(stem, stem * 2, depth)
        self.dark3 = self._stage(stem * 2, stem * 4, depth * 3)
        self.dark4 = self._stage(stem * 4, stem * 8, depth * 3)
        self.dark5 = nn.Sequential(
            BaseConv(stem * 8, stem * 16, 3, 2),
            SPPBottleneck(stem * 16),
            CSPLayer(stem * 16, stem * 16, blocks=depth, shortcut=False),
        )
        self.widths = (stem * 4, stem * 8, stem * 16)

    @staticmethod
    def _stage(c_in: int, c_out: int, blocks: int) -> nn.Sequential:
        return nn.Sequential(BaseConv(c_in, c_out, 3, 2), CSPLayer(c_out, c_out, blocks=blocks))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        three: Tensor = self.dark3(self.dark2(self.stem(x)))
        four: Tensor = self.dark4(three)
        five: Tensor = self.dark5(four)
        return three, four, five


class PAFPN(nn.Module):
    """Path-aggregation neck over features at strides 8, 16 and 32.

    Args:
        widths: channels of the three levels, the same for input and output.
        depth: bottlenecks per CSP layer.
        backbone: kept as a submodule, as the official checkpoints nest it here.
    """

    def __init__(
        self, widths: Sequence[int], *, depth: int, backbone: nn.Module | None = None
    ) -> None:
        super().__init__()
        c3, c4, c5 = widths
        if backbone is not None:
            self.backbone = backbone
        self.lateral_conv0 = BaseConv(c5, c4, 1)
        self.C3_p4 = CSPLayer(2 * c4, c4, blocks=depth, shortcut=False)
        self.reduce_conv1 = BaseConv(c4, c3, 1)
        self.C3_p3 = CSPLayer(2 * c3, c3, blocks=depth, shortcut=False)
        self.bu_conv2 = BaseConv(c3, c3, 3, 2)
        self.C3_n3 = CSPLayer(2 * c3, c4, blocks=depth, shortcut=False)
        self.bu_conv1 = BaseConv(c4, c4, 3, 2)
        self.C3_n4 = CSPLayer(2 * c4, c5, blocks=depth, shortcut=False)

    def fuse(self, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Top-down, then bottom-up: three feature maps in, three out."""
        x3, x4, x5 = levels
        top = self.lateral_conv0(x5)
        middle = self.C3_p4(torch.cat([F.interpolate(top, scale_factor=2.0), x4], dim=1))
        reduced = self.reduce_conv1(middle)
        out3 = self.C3_p3(torch.cat([F.interpolate(reduced, scale_factor=2.0), x3], dim=1))
        out4 = self.C3_n3(torch.cat([self.bu_conv2(out3), reduced], dim=1))
        out5 = self.C3_n4(torch.cat([self.bu_conv1(out4), top], dim=1))
        return out3, out4, out5

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.fuse(self.backbone(x))


class YOLOXHead(nn.Module):
    """Decoupled head: per cell x, y, w, h (raw), objectness and class scores (in [0, 1])."""

    def __init__(self, widths: Sequence[int], hidden: int, classes: int) -> None:
        super().__init__()

        def tower() -> nn.Sequential:
            return nn.Sequential(BaseConv(hidden, hidden, 3), BaseConv(hidden, hidden, 3))

        self.stems = nn.ModuleList(BaseConv(width, hidden, 1) for width in widths)
        self.cls_convs = nn.ModuleList(tower() for _ in widths)
        self.reg_convs = nn.ModuleList(tower() for _ in widths)
        self.cls_preds = nn.ModuleList(nn.Conv2d(hidden, classes, 1) for _ in widths)
        self.reg_preds = nn.ModuleList(nn.Conv2d(hidden, 4, 1) for _ in widths)
        self.obj_preds = nn.ModuleList(nn.Conv2d(hidden, 1, 1) for _ in widths)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Three feature maps -> (N, rows, 5 + classes), finest level first, each row-major."""
        rows = []
        for i, level in enumerate(levels):
            x = self.stems[i](level)
            boxes = self.reg_convs[i](x)
            score = torch.cat(
                [self.obj_preds[i](boxes), self.cls_preds[i](self.cls_convs[i](x))], 1
            )
            rows.append(torch.cat([self.reg_preds[i](boxes), score.sigmoid()], 1).flatten(2))
        return torch.cat(rows, dim=2).transpose(1, 2)


@dataclass(frozen=True)
class YOLOXConfig:
    """Size of one YOLOX network; ``width`` scales channels, ``depth`` blocks."""

    depth: float
    width: float
    classes: int = 80


YOLOX_CONFIGS: dict[str, YOLOXConfig] = {
    "s": YOLOXConfig(0.33, 0.5),
    "m": YOLOXConfig(0.67, 0.75),
    "l": YOLOXConfig(1.0, 1.0),
}  # Source: exps/default of Megvii-BaseDetection/YOLOX


class YOLOX(nn.Module):
    """(N, 3, H, W) BGR 0..255 -> (N, rows, 5 + classes), boxes not decoded (the ONNX contract)."""

    def __init__(self, config: YOLOXConfig) -> None:
        super().__init__()
        darknet = CSPDarknet(int(64 * config.width), max(round(3 * config.depth), 1))
        depth = round(3 * config.depth)
        self.backbone = PAFPN(darknet.widths, depth=depth, backbone=darknet)
        self.head = YOLOXHead(darknet.widths, int(256 * config.width), config.classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.backbone(x))
        return out


def build_yolox(size: str) -> YOLOX:
    """A freshly initialised YOLOX of one of the sizes in ``YOLOX_CONFIGS``.

    Raises:
        ValueError: unknown size.
    """
    if size not in YOLOX_CONFIGS:
        raise ValueError(f"YOLOX size must be one of {', '.join(YOLOX_CONFIGS)}; got {size!r}")
    return YOLOX(YOLOX_CONFIGS[size])
