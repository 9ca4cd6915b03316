"""A shipped ONNX file as a checkpoint to train on from (``python -m train restore``).

    python -m train restore dwpose-s.onnx s.pt --size s --data DATA/people_daily
    python -m train CONFIG --set init=s.pt ...

In the file BatchNorm is folded into the convolutions. Here each one is put back, with the
statistics of real crops, so that the network computes the same and can be trained as before. What
cannot come back is how large the weights in front of a BatchNorm were: they are given the size
that such weights have after some ten thousand steps.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from dwpose_annotator.crop import batch_slices
from dwpose_annotator.files import write_atomic
from dwpose_annotator.models import POSE_CONFIGS, build_pose_model
from dwpose_annotator.models.person_detector import PersonDetector
from dwpose_annotator.network_input import POSE_INPUT
from train.config import annotation_and_images
from train.data import load_people
from train.detector.export import sample_batch
from train.export import sample_crops

DETECTOR = "person-nano"
SAMPLES = 128  # crops or photos whose statistics the BatchNorms get
COMPARED_AT_ONCE = 16  # of them, which bounds the memory
# Root mean square of trained weights that no BatchNorm follows (dwpose-s, dwpose-t): 0.04 to 0.09.
GROWTH_RMS = 0.05
HALF_ENDING = "_half"  # of an initialiser that is stored as float16
ROWS_EACH = 2  # of gamma and of beta in the attention unit: for the query, for the key


def restored(model: nn.Module, file: Path, batch: Tensor) -> nn.Module:
    """Fill ``model`` with what an ONNX file of the same network holds.

    Args:
        model: freshly built; is changed and returned, in evaluation mode.
        batch: network input; the BatchNorms get the statistics of its crops.

    Raises:
        ValueError: the file is of another network; says where it differs.
    """
    values = _stored(file)
    units, linears = _in_order_of_use(model.eval(), batch[:1])
    with torch.no_grad():
        state = model.state_dict()
        for name, value in values.by_name.items():
            _copy(name, state.get(name), value)
        _check_count("convolutions", units, values.convolutions)
        _check_count("linear layers", linears, values.linears)
        for linear, value in zip(linears, values.linears, strict=True):
            _copy("a linear layer", linear.weight, value.T)
        _copy_rows(model, values.rows)
        biases = {}
        for unit, (weight, bias) in zip(units, values.convolutions, strict=True):
            _copy("a convolution", unit.conv.weight, weight)
            biases[unit] = bias
        _unfold(model, biases, batch)
    return model


class _Stored:
    """Initialisers of a file: those that kept their name, and the others in order of use.

    Attributes:
        by_name: entries of the state dictionary.
        convolutions: weight and bias of those whose BatchNorm was folded.
        linears: (inputs, outputs) each.
        rows: the attention unit's gamma and beta, alternating, query first.
    """

    def __init__(self) -> None:
        self.by_name: dict[str, Tensor] = {}
        self.convolutions: list[tuple[Tensor, Tensor]] = []
        self.linears: list[Tensor] = []
        self.rows: list[Tensor] = []


def _stored(file: Path) -> _Stored:
    graph = onnx.load(str(file)).graph
    tensors = {
        item.name.removesuffix(HALF_ENDING): torch.from_numpy(
            np.array(numpy_helper.to_array(item), np.float32)
        )
        for item in graph.initializer
    }
    found = _Stored()
    found.by_name = {name: value for name, value in tensors.items() if "::" not in name}
    cast = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    for node in graph.node:
        names = [cast.get(name, name).removesuffix(HALF_ENDING) for name in node.input]
        inner = [tensors[name] for name in names if name in tensors and "::" in name]
        if node.op_type == "Conv" and len(inner) == 2:
            found.convolutions.append((inner[0], inner[1]))
        elif node.op_type == "MatMul" and inner:
            found.linears.append(inner[0])
        elif node.op_type in ("Mul", "Add") and inner:
            found.rows.append(inner[0])
    return found


def _in_order_of_use(model: nn.Module, batch: Tensor) -> tuple[list[Any], list[nn.Linear]]:
    """Units of convolution and BatchNorm, and linear layers, as one forward pass meets them."""
    units: list[Any] = []
    linears: list[nn.Linear] = []
    handles = []
    for module in model.modules():
        if _is_unit(module):
            handles.append(module.register_forward_hook(lambda used, *_: units.append(used)))
        elif isinstance(module, nn.Linear):
            handles.append(module.register_forward_hook(lambda used, *_: linears.append(used)))
    with torch.no_grad():
        model(batch)
    for handle in handles:
        handle.remove()
    return units, linears


def _is_unit(module: nn.Module) -> bool:
    return isinstance(getattr(module, "conv", None), nn.Conv2d) and isinstance(
        getattr(module, "bn", None), nn.BatchNorm2d
    )


def _copy(name: str, target: Tensor | None, value: Tensor) -> None:
    if target is None or target.shape != value.shape:
        expected = "nothing" if target is None else str(tuple(target.shape))
        raise ValueError(
            f"the file is of another network: {name} is {tuple(value.shape)}, expected {expected}"
        )
    target.copy_(value)


def _check_count(what: str, expected: list[Any], found: list[Any]) -> None:
    if len(expected) != len(found):
        raise ValueError(
            f"the file is of another network: {len(found)} {what}, expected {len(expected)}"
        )


def _copy_rows(model: nn.Module, rows: list[Tensor]) -> None:
    """Gamma and beta of the attention unit, which the export takes apart."""
    targets = [
        parameter
        for name, parameter in model.named_parameters()
        if name.endswith((".gau.gamma", ".gau.beta"))
    ]
    _check_count("rows of gamma and beta", targets * ROWS_EACH, rows)
    for target, values in zip(targets, (rows[0::2], rows[1::2]), strict=False):
        _copy("gamma or beta", target, torch.stack(values))


def _unfold(model: nn.Module, biases: dict[Any, Tensor], batch: Tensor) -> None:
    """Put the BatchNorms back: one pass over the batch, each with what the ones before give."""
    factors = {unit: _usual_size(unit.conv) for unit in biases}

    def calibrate(unit: Any) -> Any:
        def hook(bn: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
            variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
            assert bn.running_mean is not None and bn.running_var is not None
            bn.running_mean.copy_(mean)
            bn.running_var.copy_(variance)
            bn.weight.copy_((variance + bn.eps).sqrt() / factors[unit])
            bn.bias.copy_(biases[unit] + mean / factors[unit])

        return hook

    handles = [unit.bn.register_forward_pre_hook(calibrate(unit)) for unit in biases]
    model(batch)
    for handle in handles:
        handle.remove()


def _usual_size(conv: nn.Conv2d) -> Tensor:
    """(channels,) by what each channel's weights were multiplied, to be like trained ones."""
    inputs = conv.weight[0].numel()
    usual = math.hypot(GROWTH_RMS, 1 / math.sqrt(3 * inputs))  # the latter: torch's start
    rms = conv.weight.square().mean(dim=(1, 2, 3)).sqrt()
    factor = (usual / rms.clamp(min=1e-8)).clamp(max=100.0)
    conv.weight.mul_(factor[:, None, None, None])
    return factor


def largest_difference(model: nn.Module, file: Path, batch: Tensor) -> float:
    """Of any output, as a share of that output's largest value, against ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    worst = 0.0
    for part in (batch[rows] for rows in batch_slices(len(batch), COMPARED_AT_ONCE)):
        with torch.no_grad():
            outputs = model(part)
        ours = outputs if isinstance(outputs, tuple) else (outputs,)
        for mine, theirs in zip(ours, session.run(None, {name: part.numpy()}), strict=True):
            worst = max(worst, float(np.abs(mine.numpy() - theirs).max() / np.abs(theirs).max()))
    return worst


def pose_batch(data: str, crop_wh: tuple[int, int]) -> Tensor:
    """Crops of people of a data set, as the pose network takes them."""
    people = load_people(*annotation_and_images(data))
    pixels = sample_crops(people, SAMPLES, crop_wh).pixels
    return torch.from_numpy(POSE_INPUT.to_batch(pixels))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train restore``."""
    parser.add_argument("file", type=Path, help="ONNX file as python -m train export writes it")
    parser.add_argument("out", type=Path, help="checkpoint to write, for --set init=OUT")
    parser.add_argument("--size", choices=[*POSE_CONFIGS, DETECTOR], required=True)
    parser.add_argument("--data", required=True, help="what a configuration's data takes")


def run(arguments: argparse.Namespace) -> None:
    """``python -m train restore FILE OUT --size s --data DATA``."""
    model: nn.Module
    if arguments.size == DETECTOR:
        side = onnx.load(str(arguments.file)).graph.input[0].type.tensor_type.shape.dim[-1]
        batch = torch.from_numpy(sample_batch(arguments.data, count=SAMPLES, size=side.dim_value))
        model = PersonDetector()
    else:
        batch = pose_batch(arguments.data, POSE_CONFIGS[arguments.size].crop_wh)
        model = build_pose_model(arguments.size)
    restored(model, arguments.file, batch)
    worst = largest_difference(model, arguments.file, batch)
    write_atomic(arguments.out, lambda file: torch.save({"model": model.state_dict()}, file))
    print(f"{arguments.out}: outputs differ from the file's by at most {worst:.1e} of the largest")
