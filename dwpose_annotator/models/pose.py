"""The pose network: CSPNeXt and the RTMCC head, and the table of its sizes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from dwpose_annotator.models.cspnext import CSPNeXt
from dwpose_annotator.models.rtmcc_head import RTMCCHead


@dataclass(frozen=True)
class PoseConfig:
    """Size of one pose network. Source: the RTMPose configs of open-mmlab/mmpose."""

    deepen: float
    widen: float
    crop_wh: tuple[int, int]


POSE_CONFIGS: dict[str, PoseConfig] = {
    "t": PoseConfig(0.167, 0.375, (192, 256)),
    "s": PoseConfig(0.33, 0.5, (192, 256)),
    "m": PoseConfig(0.67, 0.75, (192, 256)),
    "l": PoseConfig(1.0, 1.0, (192, 256)),
    "l-384": PoseConfig(1.0, 1.0, (288, 384)),
    "x": PoseConfig(1.33, 1.25, (192, 256)),
    "x-384": PoseConfig(1.33, 1.25, (288, 384)),
}


class PoseModel(nn.Module):
    """Whole-body pose of one person per crop; the official checkpoints load unchanged."""

    def __init__(self, config: PoseConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = CSPNeXt(config.deepen, config.widen)
        self.head = RTMCCHead(self.backbone.widths[-1], config.crop_wh)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB, ImageNet-normalised -> (N, C, H/32, W/32)."""
        out: Tensor = self.backbone(x)
        return out

    def forward_head(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features -> raw SimCC logits, (N, 133, 2W) and (N, 133, 2H)."""
        simcc_x, simcc_y = self.head(features)
        return simcc_x, simcc_y

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_head(self.forward_features(x))


def build_pose_model(size: str) -> PoseModel:
    """A freshly initialised pose network of one of the sizes in ``POSE_CONFIGS``.

    Raises:
        ValueError: unknown size.
    """
    if size not in POSE_CONFIGS:
        raise ValueError(f"pose model size must be one of {', '.join(POSE_CONFIGS)}; got {size!r}")
    return PoseModel(POSE_CONFIGS[size])
