"""What one optimisation step computes: crops and labels in, a dictionary of losses out.

An objective owns the module that is being trained (``model``: what EMA averages and checkpoints
keep) and turns a batch into losses. The distillation stages (``distill.py``) are objectives too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dwpose_annotator import skeleton
from dwpose_annotator.models import PoseModel
from dwpose_annotator.models.cspnext import CSPNeXt
from train.distributed import mean_over_processes
from train.losses import SimCCLoss, heatmap_cross_entropy

# ImageNet statistics of RGB values 0..255, as every DWPose network expects.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def normalise(crops: Tensor) -> Tensor:
    """(N, h, w, 3) uint8 RGB -> (N, 3, h, w) float32, channels-last in memory."""
    mean = torch.tensor(MEAN, device=crops.device)
    std = torch.tensor(STD, device=crops.device)
    # A copy even of float32 crops, which the caller keeps: in place saves two more.
    return crops.to(torch.float32, copy=True).sub_(mean).div_(std).permute(0, 3, 1, 2)


def part_weights(*, body: float, feet: float, face: float, hands: float) -> Tensor:
    """(133,) loss weight per keypoint from one weight per part."""
    weight = np.empty(skeleton.NUM_KEYPOINTS, np.float32)
    weight[skeleton.BODY], weight[skeleton.FEET], weight[skeleton.FACE] = body, feet, face
    weight[skeleton.LEFT_HAND] = weight[skeleton.RIGHT_HAND] = hands
    return torch.from_numpy(weight)


class Objective(nn.Module):
    """Base of all objectives."""

    model: nn.Module
    part_weight: Tensor | None
    """(133,) loss weight per keypoint."""
    frozen: tuple[nn.Module, ...] = ()
    """Parts of ``model`` that keep their weights and BatchNorm statistics."""

    def freeze(self, parts: Sequence[nn.Module]) -> None:
        """Stop training ``parts``. The first layers have the largest maps: frozen once they have
        learned, a step of the t network costs a third less."""
        for part in parts:
            part.requires_grad_(False).eval()
        self.frozen = tuple(parts)

    def train(self, mode: bool = True) -> Objective:
        """Train mode for everything that is not frozen."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self

    def companions(self) -> Sequence[nn.Module]:
        """Networks beside ``model`` that are asked but not trained; they move to its device."""
        return ()

    def forward(self, crops: Tensor, labels: Tensor, epoch: int, epochs: int) -> dict[str, Tensor]:
        """Losses by name; their sum is minimised.

        Args:
            crops: (N, h, w, 3) uint8 RGB.
            labels: (N, 133, 3) x, y in pixels of the network's input, visible.
            epoch: 0-based.
            epochs: length of the run.
        """
        raise NotImplementedError


class HeatmapModel(nn.Module):
    """A backbone with a small deconvolution head: (N, 3, H, W) -> (N, 133, H/4, W/4)."""

    def __init__(self, backbone: CSPNeXt, widths: tuple[int, ...] = (128, 96, 64)) -> None:
        super().__init__()
        self.backbone = backbone
        layers: list[nn.Module] = []
        channels = backbone.widths[-1]
        for width in widths:
            layers += [
                nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.SiLU(),  # in place, autograd would keep a copy
            ]
            channels = width
        layers.append(nn.Conv2d(channels, skeleton.NUM_KEYPOINTS, 1))
        self.deconv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.deconv(self.backbone(x))
        return out


class HeatmapPretraining(Objective):
    """Teach a fresh backbone where keypoints are; SimCC alone does not get off the ground.

    The reference's students start from heatmap-pretrained CSPNeXt backbones as well.
    """

    STRIDE = 4  # network input pixels per heatmap cell

    def __init__(self, model: PoseModel, part_weight: Tensor, *, sigma: float = 1.5) -> None:
        super().__init__()
        self.model = HeatmapModel(model.backbone)
        self.crop_wh, self.sigma = model.config.crop_wh, sigma
        self.register_buffer("part_weight", part_weight, persistent=False)

    def forward(self, crops: Tensor, labels: Tensor, epoch: int, epochs: int) -> dict[str, Tensor]:
        heatmaps = self.model(normalise(crops))
        stride = self.STRIDE * self.crop_wh[0] / crops.shape[2]  # labels are in full-size pixels
        with torch.autocast(crops.device.type, enabled=False):
            total, weight = heatmap_cross_entropy(
                heatmaps,
                labels,
                stride=stride,
                sigma=self.sigma,
                part_weight=self.part_weight,
            )
            return {"loss_heatmap": total / mean_over_processes(weight).clamp(min=1)}


def full_size_features(model: PoseModel, images: Tensor) -> Tensor:
    """Backbone features, enlarged to the head's grid where the crops are smaller than its input.

    A head made for 256x192 thus trains at 128x96 with every weight kept.
    """
    features = model.forward_features(images)
    width, height = (side // 32 for side in model.config.crop_wh)
    if features.shape[-2:] != (height, width):
        features = F.interpolate(
            features, size=(height, width), mode="bilinear", align_corners=False
        )
    return features


class SupervisedPose(Objective):
    """The ordinary RTMPose training: SimCC loss against the labels.

    Args:
        model: the network to train.
        part_weight: (133,) loss weight per keypoint; the published recipe has none.
        loss_batch: see ``TrainConfig.loss_batch``.
    """

    def __init__(
        self, model: PoseModel, part_weight: Tensor | None = None, *, loss_batch: int = 64
    ) -> None:
        super().__init__()
        self.model, self.loss_batch = model, loss_batch
        self.loss = SimCCLoss(model.config.crop_wh)
        self.register_buffer("part_weight", part_weight, persistent=False)

    def forward(self, crops: Tensor, labels: Tensor, epoch: int, epochs: int) -> dict[str, Tensor]:
        assert isinstance(self.model, PoseModel)
        x, y = self.model.forward_head(full_size_features(self.model, normalise(crops)))
        with torch.autocast(crops.device.type, enabled=False):
            loss = self.loss(x, y, labels, self.part_weight)
            return {"loss_kpt": loss * (self.loss_batch / len(crops))}
