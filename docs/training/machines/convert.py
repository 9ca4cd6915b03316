"""A TensorFlow.js graph model as ONNX: ``python convert.py MODEL.json OUT.onnx OUTPUT:0 ...``

TensorFlow.js stores fused operations that tf2onnx does not know; here they become plain ones again.
Needs tensorflow-cpu 2.21 and tf2onnx 1.17 in an environment of their own.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf2onnx
from google.protobuf import json_format
from tensorflow.core.framework import graph_pb2, node_def_pb2

FUSED = {"_FusedConv2D": "Conv2D", "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative"}
WINDOW = ("strides", "padding", "data_format", "dilations", "explicit_paddings")


def read_weights(model: dict, data: bytes) -> dict[str, np.ndarray]:
    """Arrays by name, float16 and affine quantisation undone."""
    weights, offset = {}, 0
    for entry in (entry for group in model["weightsManifest"] for entry in group["weights"]):
        packing = entry.get("quantization", {"dtype": entry["dtype"]})
        stored = np.dtype(packing["dtype"])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, stored, count, offset)
        offset += count * stored.itemsize
        if "scale" in packing:
            values = values * np.float32(packing["scale"]) + np.float32(packing["min"])
        weights[entry["name"]] = values.astype(entry["dtype"]).reshape(entry["shape"])
    if offset != len(data):
        raise ValueError(f"{len(data)} bytes of weights, but the list of them has {offset}")
    return weights


def plain_nodes(node: node_def_pb2.NodeDef) -> list[node_def_pb2.NodeDef]:
    """A fused convolution as convolution, bias and activation; other nodes as they are."""
    if node.op not in FUSED:
        return [node]
    inputs, nodes = list(node.input), []
    steps = [FUSED[node.op], *(name.decode() for name in node.attr["fused_ops"].list.s)]
    extra = iter(inputs[2:])
    for number, op in enumerate(steps):
        last = number == len(steps) - 1
        step = node_def_pb2.NodeDef(op=op, name=node.name if last else f"{node.name}__{number}")
        step.attr["T"].type = tf.float32.as_datatype_enum
        step.input.extend(inputs[:2] if number == 0 else [nodes[-1].name])
        if op == "BiasAdd":
            step.input.append(next(extra))
        if number == 0:
            for key in WINDOW:
                if key in node.attr:
                    step.attr[key].CopyFrom(node.attr[key])
        nodes.append(step)
    return nodes


def main() -> None:
    source, target, *outputs = sys.argv[1:]
    model = json.loads(Path(source).read_text())
    weights = read_weights(model, Path(source).with_suffix(".bin").read_bytes())
    graph = graph_pb2.GraphDef()
    topology = {key: model["modelTopology"][key] for key in ("node", "versions")}
    json_format.ParseDict(topology, graph, ignore_unknown_fields=True)
    for node in graph.node:
        if node.op == "Const" and node.name in weights:
            dtype = tf.as_dtype(node.attr["dtype"].type)
            tensor = tf.make_tensor_proto(weights[node.name], dtype=dtype)
            node.attr["value"].tensor.CopyFrom(tensor)
    plain = graph_pb2.GraphDef(versions=graph.versions)
    plain.node.extend(step for node in graph.node for step in plain_nodes(node))
    inputs = [f"{node.name}:0" for node in graph.node if node.op == "Placeholder"]
    tf2onnx.convert.from_graph_def(
        plain, input_names=inputs, output_names=outputs, opset=15, output_path=target
    )


if __name__ == "__main__":
    main()
