"""A larger pose network that starts where a trained smaller one stands (``python -m train grow``).

Channels and blocks are added so that the outputs stay the same: what is old gets weight zero from
what is new, and a new residual block adds zero at first. New channels start at random, so they
learn something of their own. Source of the idea: Net2Net (Chen, Goodfellow, Shlens, 2016).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from dwpose_annotator.files import write_atomic
from dwpose_annotator.models import POSE_CONFIGS, PoseModel, build_pose_model
from dwpose_annotator.models.cspnext import ConvUnit, CSPLayer, CSPNeXt, CSPNeXtBlock, SPPBottleneck
from train.evaluation.run_model import load_pose_checkpoint


def grown(small: PoseModel, size: str) -> PoseModel:
    """A network of a larger size that computes what ``small`` computes.

    Raises:
        ValueError: ``size`` is not larger in width and depth, has other crops, or more blocks in
            the last stage, which has no residuals.
    """
    large = build_pose_model(size)
    old, new = small.config, large.config
    if old.crop_wh != new.crop_wh or new.widen < old.widen or new.deepen < old.deepen:
        raise ValueError(f"cannot grow {old} to {size}: expected the same crops and a larger size")
    with torch.no_grad():
        _grow_backbone(small.backbone, large.backbone)
        head = {name: value.clone() for name, value in small.head.state_dict().items()}
        first = "final_layer.weight"
        head[first] = torch.zeros_like(large.head.state_dict()[first])
        head[first][:, : small.backbone.widths[-1]] = small.head.state_dict()[first]
        large.head.load_state_dict(head)
    return large


def _grow_backbone(small: CSPNeXt, large: CSPNeXt) -> None:
    for old, new in zip(small.stem, large.stem, strict=True):
        _grow_unit(old, new, _first(old.conv.in_channels))
    for number in (1, 2, 3, 4):
        stages = (getattr(model, f"stage{number}") for model in (small, large))
        for old, new in zip(*stages, strict=True):
            if isinstance(old, ConvUnit):
                _grow_unit(old, new, _first(old.conv.in_channels))
            elif isinstance(old, SPPBottleneck):
                _grow_unit(old.conv1, new.conv1, _first(old.conv1.conv.in_channels))
                _grow_unit(old.conv2, new.conv2, _joined(old.conv1, new.conv1, 4))
            else:
                _grow_csp(old, new)


def _grow_csp(old: CSPLayer, new: CSPLayer) -> None:
    inputs = _first(old.main_conv.conv.in_channels)
    _grow_unit(old.main_conv, new.main_conv, inputs)
    _grow_unit(old.short_conv, new.short_conv, inputs)
    joined = _joined(old.main_conv, new.main_conv, 2)
    _grow_convolution(old.attention.fc, new.attention.fc, joined, joined)
    _grow_unit(old.final_conv, new.final_conv, joined)
    for number, block in enumerate(new.blocks):
        if number < len(old.blocks):
            _grow_block(old.blocks[number], block)
        elif block.identity:
            nn.init.zeros_(block.conv2.pointwise_conv.bn.weight)  # adds SiLU(0) = 0
        else:
            raise ValueError(
                "a stage without residuals cannot take more blocks: only t grows, to s"
            )


def _grow_block(old: CSPNeXtBlock, new: CSPNeXtBlock) -> None:
    channels = _first(old.conv1.conv.in_channels)
    _grow_unit(old.conv1, new.conv1, channels)
    _grow_unit(old.conv2.depthwise_conv, new.conv2.depthwise_conv, channels)
    _grow_unit(old.conv2.pointwise_conv, new.conv2.pointwise_conv, channels)


def _grow_unit(old: ConvUnit, new: ConvUnit, inputs: Tensor) -> None:
    """Old outputs are the first ones; ``inputs``: where the new unit finds the old inputs."""
    outputs = _first(old.conv.out_channels)
    _grow_convolution(old.conv, new.conv, inputs, outputs)
    for name, value in old.bn.state_dict().items():
        target = new.bn.state_dict()[name]
        if value.ndim:
            target[outputs] = value


def _grow_convolution(old: nn.Conv2d, new: nn.Conv2d, inputs: Tensor, outputs: Tensor) -> None:
    if old.groups > 1:  # depthwise: no channel sees another
        new.weight[outputs] = old.weight
        return
    new.weight[outputs] = 0
    new.weight[outputs[:, None], inputs] = old.weight
    if old.bias is not None and new.bias is not None:
        new.bias[outputs] = old.bias


def _first(count: int) -> Tensor:
    return torch.arange(count)


def _joined(old: ConvUnit, new: ConvUnit, parts: int) -> Tensor:
    """Where the old channels are after ``parts`` tensors of these widths were concatenated."""
    starts = torch.arange(parts) * new.conv.out_channels
    return (starts[:, None] + _first(old.conv.out_channels)).flatten()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train grow``."""
    parser.add_argument("checkpoint", type=Path, help="trained pose network (.pt, .pth)")
    parser.add_argument("out", type=Path, help="checkpoint to write, for --set init=OUT")
    parser.add_argument("--size", choices=list(POSE_CONFIGS), required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the new channels")


def run(arguments: argparse.Namespace) -> None:
    """``python -m train grow CKPT OUT --size s``."""
    small, name = load_pose_checkpoint(arguments.checkpoint)
    torch.manual_seed(arguments.seed)
    large = grown(small, arguments.size)
    write_atomic(arguments.out, lambda file: torch.save({"model": large.state_dict()}, file))
    print(f"{arguments.out}: {arguments.size} with the function of {name}")
