"""Exported files equal the network they came from, and a file that does not is refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx
import pytest
import torch
from onnx import numpy_helper

import train.export
from dwpose_annotator.models import build_pose_model
from dwpose_annotator.models.onnx_export import export_pose_onnx
from dwpose_annotator.models.pose import PoseConfig, PoseModel
from dwpose_annotator.session import OnnxSession
from train.export import add_arguments, compare, noise_crops, run
from train.quantize import quantize_pose

SMALL = PoseConfig(deepen=0.167, widen=0.125, crop_wh=(64, 96))


@pytest.fixture(scope="module")
def small() -> PoseModel:
    """A small pose network with running statistics and logits of ordinary size."""
    torch.manual_seed(0)
    model = PoseModel(SMALL)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 96, 64))
        for layer in (model.head.final_layer, model.head.cls_x, model.head.cls_y):
            layer.weight.mul_(30)
    return model.eval()


@pytest.fixture(scope="module")
def exported(small: PoseModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "small.onnx"
    export_pose_onnx(small, path)
    return path


def test_float32_file_equals_the_network(small: PoseModel, exported: Path) -> None:
    parity = compare(small, exported, noise_crops(5, SMALL.crop_wh))
    assert parity.crops == 5
    assert parity.logit < 1e-4
    assert (parity.moved, parity.pixels) == (0, 0)


def test_a_changed_weight_is_seen(small: PoseModel, exported: Path, tmp_path: Path) -> None:
    model = onnx.load(exported)
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    spoilt = numpy_helper.to_array(weight)[::-1].copy()
    weight.CopyFrom(numpy_helper.from_array(spoilt, weight.name))
    onnx.save(model, tmp_path / "spoilt.onnx")
    parity = compare(small, tmp_path / "spoilt.onnx", noise_crops(2, SMALL.crop_wh))
    assert parity.logit > train.export.FLOAT32_LIMIT
    assert parity.moved > 0 and parity.pixels > 0


def test_int8_quantises_convolutions_alone(
    small: PoseModel, exported: Path, tmp_path: Path
) -> None:
    target = tmp_path / "int8.onnx"
    crops = noise_crops(4, SMALL.crop_wh)
    quantize_pose(exported, target, crops)
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]
    assert target.stat().st_size < exported.stat().st_size
    nodes = onnx.load(target).graph.node
    dequantised = {n.output[0] for n in nodes if n.op_type == "DequantizeLinear"}
    for node in nodes:
        if node.op_type == "Conv":
            assert set(node.input[:2]) <= dequantised
        elif node.op_type in ("MatMul", "Gemm"):
            assert not set(node.input) & dequantised
    session, original = OnnxSession(target, "cpu"), OnnxSession(exported, "cpu")
    assert session.input_shape == original.input_shape
    assert session.output_shapes == original.output_shapes
    assert 0 < compare(small, target, crops).logit < 0.5


def test_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"state_dict": build_pose_model("t").state_dict()}, tmp_path / "plain.pth")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = [str(tmp_path / "plain.pth"), str(tmp_path / "t.onnx"), "--samples", "2"]
    run(parser.parse_args([*arguments, "--fp16-storage"]))
    assert "size t" in capsys.readouterr().out
    assert (tmp_path / "t.onnx").stat().st_size < 12e6
    monkeypatch.setattr(train.export, "FLOAT32_LIMIT", 0)
    with pytest.raises(SystemExit, match="do not use this file"):
        run(parser.parse_args(arguments))
    with pytest.raises(SystemExit, match="--calibrate"):
        run(parser.parse_args([*arguments, "--int8"]))
