"""Small ONNX networks with the contracts of the real ones and answers that a test can predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KEYPOINTS = 133
STRIDES = (8, 16, 32)


def save_bright_spot_pose(
    path: Path, *, size_hw: tuple[int, int] = (256, 192), batch: int | str = "batch"
) -> Path:
    """A pose network that puts every keypoint on the brightest column and row of its crop.

    Logits are the column (row) means of the normalised crop plus 3, twice per pixel; keypoint k's
    are weighted by 1 - k / 1000, so that scores differ. Black is about -2, so all are positive.
    """
    height, width = size_hw
    weights = (1 - np.arange(KEYPOINTS) / 1000).astype(np.float32).reshape(1, KEYPOINTS, 1)
    nodes, outputs, constants = [], [], {"weights": weights, "one": np.array([1])}
    constants["three"] = np.array([3], np.float32)
    for axis, reduced, side in (("x", [1, 2], width), ("y", [1, 3], height)):
        constants[f"scales_{axis}"] = np.array([1, 1, 2], np.float32)
        nodes += [
            helper.make_node("ReduceMean", ["input"], [f"mean_{axis}"], axes=reduced, keepdims=0),
            helper.make_node("Unsqueeze", [f"mean_{axis}", "one"], [f"row_{axis}"]),
            helper.make_node(
                "Resize",
                [f"row_{axis}", "", f"scales_{axis}"],
                [f"bins_{axis}"],
                mode="nearest",
                nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            ),
            helper.make_node("Add", [f"bins_{axis}", "three"], [f"light_{axis}"]),
            helper.make_node("Mul", [f"light_{axis}", "weights"], [f"simcc_{axis}"]),
        ]
        outputs.append((f"simcc_{axis}", [batch, KEYPOINTS, 2 * side]))
    return _save(path, nodes, ("input", [batch, 3, height, width]), outputs, constants)


def save_fixed_detector(
    path: Path,
    boxes_xywh: list[tuple[float, float, float, float]],
    scores: list[float],
    *,
    size_hw: tuple[int, int] = (320, 320),
    classes: int = 1,
    batch: int | str = "batch",
) -> Path:
    """A YOLOX-shaped detector that always answers with these boxes (canvas pixels) as persons."""
    rows = sum((size_hw[0] // s) * (size_hw[1] // s) for s in STRIDES)
    answer = np.zeros((1, rows, 5 + classes), np.float32)
    columns = size_hw[1] // STRIDES[0]
    for (x, y, w, h), score in zip(boxes_xywh, scores, strict=True):
        cell_x, cell_y = int(x // STRIDES[0]), int(y // STRIDES[0])
        row = cell_y * columns + cell_x
        assert answer[0, row, 4] == 0, "two boxes fall into one cell of the finest level"
        answer[0, row, :6] = (
            x / STRIDES[0] - cell_x,
            y / STRIDES[0] - cell_y,
            np.log(w / STRIDES[0]),
            np.log(h / STRIDES[0]),
            score,
            1,
        )
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "column"], ["cells"]),
        helper.make_node("Add", ["cells", "answer"], ["output"]),
    ]
    constants = {
        "zero": np.zeros(1, np.float32),
        "column": np.array([-1, 1, 1]),
        "answer": answer,
    }
    return _save(
        path,
        nodes,
        ("images", [batch, 3, *size_hw]),
        [("output", [batch, rows, 5 + classes])],
        constants,
    )


def save_network(
    path: Path,
    input_shape: list[int | str],
    output_shapes: list[list[int | str]],
    *,
    element: int = TensorProto.FLOAT,
) -> Path:
    """A network of any declared shapes that gives its input back, for contract checks."""
    nodes = [
        helper.make_node("Identity", ["input"], [f"output{i}"]) for i in range(len(output_shapes))
    ]
    outputs = [(f"output{i}", shape) for i, shape in enumerate(output_shapes)]
    return _save(path, nodes, ("input", input_shape), outputs, {}, element)


def _save(path, nodes, network_input, outputs, constants, element=TensorProto.FLOAT):
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "fake",
        [info(network_input[0], element, network_input[1])],
        [info(name, element, shape) for name, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path
