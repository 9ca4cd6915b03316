"""Parameter and multiply-add counts against the published table."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from dwpose_annotator.models import POSE_CONFIGS, build_pose_model
from dwpose_annotator.models.complexity import module_complexity, onnx_complexity

# Parameters and GMACs of the official architecture; the published GFLOPs column of the DWPose page
# (0.5, 0.9, 2.22, 4.52, 10.07; teacher x-384: 18.1) rounds the latter.
EXPECTED = {
    "t": (5_519_779, 0.548),
    "s": (8_383_575, 0.905),
    "m": (17_953_039, 2.216),
    "l": (33_480_871, 4.510),
    "l-384": (33_610_919, 10.039),
    "x": (56_579_871, 8.071),
    "x-384": (56_709_919, 18.050),
}


@pytest.mark.parametrize("size", POSE_CONFIGS)
def test_published_complexity(size: str) -> None:
    with torch.device("meta"):
        model = build_pose_model(size)
    width, height = POSE_CONFIGS[size].crop_wh
    complexity = module_complexity(model, (3, height, width))
    assert complexity.parameters == EXPECTED[size][0]
    assert complexity.macs / 1e9 == pytest.approx(EXPECTED[size][1], rel=0.01)


class Small(nn.Module):
    """A grouped convolution, a linear layer, a product of activations: each is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
        self.linear = nn.Linear(16, 5, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.linear(self.conv(x).flatten(2))
        return tokens @ tokens.transpose(1, 2)


def test_module_and_onnx_agree_with_the_count_by_hand(tmp_path: Path) -> None:
    model = Small().eval()
    macs = 8 * 16 * (2 * 9) + 8 * 16 * 5 + 8 * 8 * 5
    parameters = 8 * 2 * 9 + 8 + 16 * 5
    module = module_complexity(model, (4, 8, 8))
    assert (module.parameters, module.macs) == (parameters, macs)
    assert next(model.parameters()).device.type == "cpu"  # the caller's module is left alone

    path = tmp_path / "small.onnx"
    torch.onnx.export(
        model,
        (torch.zeros(2, 4, 8, 8),),
        str(path),
        input_names=["input"],
        dynamic_axes={"input": {0: "batch"}},
        dynamo=False,
    )
    exported = onnx_complexity(path)
    assert (exported.parameters, exported.macs) == (parameters, macs)
