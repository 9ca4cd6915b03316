"""``person-nano``: a one-class detector on the pose network's backbone, in the YOLOX contract."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dwpose_annotator.models.cspnext import CSPNeXt
from dwpose_annotator.models.pose import POSE_CONFIGS
from dwpose_annotator.models.yolox import PAFPN, STRIDES, BaseConv

NECK_WIDTHS = (64, 96, 128)
HEAD_WIDTH = 64
# ImageNet statistics, RGB, 0..255: what the pose network's backbone was trained with.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class PersonHead(nn.Module):
    """Per cell raw x, y, w, h and one score logit; a tower of two convolutions for each."""

    def __init__(self) -> None:
        super().__init__()

        def tower(width: int) -> nn.Sequential:
            return nn.Sequential(
                BaseConv(width, HEAD_WIDTH, 1),
                BaseConv(HEAD_WIDTH, HEAD_WIDTH, 3),
                BaseConv(HEAD_WIDTH, HEAD_WIDTH, 3),
            )

        self.box_towers = nn.ModuleList(tower(width) for width in NECK_WIDTHS)
        self.score_towers = nn.ModuleList(tower(width) for width in NECK_WIDTHS)
        self.boxes = nn.ModuleList(nn.Conv2d(HEAD_WIDTH, 4, 1) for _ in STRIDES)
        self.scores = nn.ModuleList(nn.Conv2d(HEAD_WIDTH, 1, 1) for _ in STRIDES)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with boxes of about four cells and scores of 1 % (focal-loss prior)."""
        for box, score in zip(self.boxes, self.scores, strict=True):
            assert isinstance(box, nn.Conv2d) and isinstance(score, nn.Conv2d)
            assert box.bias is not None and score.bias is not None
            nn.init.normal_(box.weight, std=0.01)
            nn.init.normal_(score.weight, std=0.01)
            with torch.no_grad():
                box.bias.copy_(torch.tensor([0.5, 0.5, math.log(4.0), math.log(4.0)]))
                score.bias.fill_(-math.log(99.0))

    def forward(self, levels: tuple[Tensor, ...]) -> Tensor:
        """Three feature maps -> (N, rows, 5), finest level first."""
        rows = [
            torch.cat([box(box_tower(level)), score(score_tower(level))], dim=1).flatten(2)
            for level, box_tower, score_tower, box, score in zip(
                levels, self.box_towers, self.score_towers, self.boxes, self.scores, strict=True
            )
        ]
        return torch.cat(rows, dim=2).transpose(1, 2)


class PersonDetector(nn.Module):
    """People in a letterboxed image.

    Colour order and normalisation are part of the network, so that its ONNX file is used like any
    other YOLOX file: (N, 3, H, W) BGR 0..255 in, raw rows out.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        size = POSE_CONFIGS["t"]
        self.backbone = CSPNeXt(size.deepen, size.widen)
        self.adapters = nn.ModuleList(
            BaseConv(width, neck, 1)
            for width, neck in zip(self.backbone.widths[1:], NECK_WIDTHS, strict=True)
        )
        self.neck = PAFPN(NECK_WIDTHS, depth=1)
        self.head = PersonHead()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward_logits(self, bgr: Tensor) -> Tensor:
        """(N, 3, H, W) BGR 0..255 -> (N, rows, 5): raw x, y, w, h and the score's logit."""
        x = (bgr.flip(1) - self.mean) / self.std
        levels = self.backbone.forward_stages(x)[1:]
        adapted = [adapter(level) for adapter, level in zip(self.adapters, levels, strict=True)]
        out: Tensor = self.head(self.neck.fuse(adapted))
        return out

    def forward(self, bgr: Tensor) -> Tensor:
        """The YOLOX contract with one class: (N, rows, 6); the class score is always 1."""
        rows = self.forward_logits(bgr)
        score = rows[..., 4:].sigmoid()
        return torch.cat([rows[..., :4], score, torch.ones_like(score)], dim=-1)
