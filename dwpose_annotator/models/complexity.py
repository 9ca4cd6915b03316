"""Parameters and multiply-adds of a network: a torch module, or an ONNX file of unknown origin."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Complexity:
    """Size of a network.

    Attributes:
        parameters: stored weights, without BatchNorm statistics. An exported graph has slightly
            fewer than its module, because BatchNorm is folded into the convolutions.
        macs: multiply-adds of one input, in convolutions and matrix products (attention included).
            Published "FLOPs" of pose networks are multiply-adds.
    """

    parameters: int
    macs: int


def module_complexity(module: nn.Module, input_chw: tuple[int, int, int]) -> Complexity:
    """Complexity of a torch module for one input of ``input_chw``; nothing is really computed."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shapes_only = copy.deepcopy(module).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shapes_only(torch.empty(1, *input_chw, device="meta"))
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Complexity(parameters, counter.get_total_flops() // 2)


def onnx_complexity(path: str | os.PathLike[str]) -> Complexity:
    """Complexity of an ONNX file for one input, from its inferred shapes.

    Raises:
        ValueError: a convolution or matrix product whose sizes the file leaves open.
    """
    import onnx

    model = onnx.load(os.fspath(path))
    for graph_input in model.graph.input:
        batch = graph_input.type.tensor_type.shape.dim[0]
        batch.ClearField("dim_param")
        batch.dim_value = 1
    del model.graph.value_info[:]  # they may still name the free batch size
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    integers = (onnx.TensorProto.INT64, onnx.TensorProto.BOOL)  # shapes and axes, no weights
    parameters = sum(
        math.prod(tensor.dims) for tensor in graph.initializer if tensor.data_type not in integers
    )
    shapes = weights | {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    return Complexity(parameters, sum(_node_macs(node, shapes) for node in graph.node))


def _node_macs(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    """Multiply-adds of one ONNX node; 0 for everything that is no product of matrices."""
    if node.op_type not in ("Conv", "MatMul", "Gemm"):
        return 0
    left, right = (shapes.get(name, ()) for name in node.input[:2])
    out = shapes.get(node.output[0], ())
    sizes = (*left, *right, *out)
    if not (left and right and out) or 0 in sizes:
        raise ValueError(f"{node.op_type} {node.name!r} has no fixed sizes: {left}, {right}, {out}")
    if node.op_type == "Conv":
        return math.prod(out) * math.prod(right[1:])
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return math.prod(out) * (left[-2] if transposed else left[-1])
