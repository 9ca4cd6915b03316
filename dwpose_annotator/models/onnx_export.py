"""Write torch networks as ONNX files with a free batch size, at full or half storage size."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dwpose_annotator.models.pose import PoseModel

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

# The newest that DirectML runs (ONNX Runtime's DirectML page); the official files have 11.
OPSET = 17
# Smaller tensors (biases, scales) keep float32: halving them saves nothing and costs precision.
_HALF_MIN_ELEMENTS = 1024


def export_pose_onnx(
    model: PoseModel, path: str | os.PathLike[str], *, half_storage: bool = False
) -> None:
    """Write a pose network with the official contract: ``input`` -> ``simcc_x``, ``simcc_y``.

    Args:
        model: put into eval mode here and back afterwards.
        path: the file to write.
        half_storage: see ``store_as_half``.
    """
    width, height = model.config.crop_wh
    export_onnx(
        model,
        path,
        input_chw=(3, height, width),
        input_name="input",
        output_names=("simcc_x", "simcc_y"),
        half_storage=half_storage,
    )


def export_onnx(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    input_chw: tuple[int, int, int],
    input_name: str,
    output_names: Sequence[str],
    half_storage: bool = False,
) -> None:
    """Write any network with one image input and a free batch size.

    The file appears complete or not at all.

    Raises:
        ImportError: ``half_storage`` without the ``onnx`` package.
        OSError: the folder cannot be written.
    """
    target = Path(path)
    device = next(model.parameters()).device
    was_training = model.training
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".onnx-") as folder:
        draft = Path(folder) / target.name
        model.eval()
        try:
            with warnings.catch_warnings():
                # The exporter that needs no further packages is the one that torch calls legacy.
                warnings.simplefilter("ignore", DeprecationWarning)
                torch.onnx.export(
                    model,
                    (torch.zeros(1, *input_chw, device=device),),
                    str(draft),
                    input_names=[input_name],
                    output_names=list(output_names),
                    dynamic_axes={name: {0: "batch"} for name in (input_name, *output_names)},
                    opset_version=OPSET,
                    dynamo=False,
                )
        finally:
            model.train(was_training)
        if half_storage:
            import onnx

            onnx.save(store_as_half(onnx.load(draft)), draft)
        os.replace(draft, target)


def store_as_half(model: ModelProto) -> ModelProto:
    """Keep large float32 weights as float16 with a cast to float32 behind each: half the file.

    Inputs, outputs and all arithmetic stay float32; runtimes fold the casts at load.

    Raises:
        ValueError: a weight exceeds the range of float16.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or _elements(tensor) < _HALF_MIN_ELEMENTS:
            continue
        values = numpy_helper.to_array(tensor)
        largest = float(np.abs(values).max())
        if largest > float(np.finfo(np.float16).max):
            raise ValueError(f"weight {tensor.name} reaches {largest:g}, too large for float16")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _elements(tensor: TensorProto) -> int:
    return int(np.prod(tensor.dims, dtype=np.int64))
