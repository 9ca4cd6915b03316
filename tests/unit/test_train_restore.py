"""A file goes back to a checkpoint that computes the same and learns like any other."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from torch import nn

from dwpose_annotator.models import build_pose_model
from dwpose_annotator.models.onnx_export import export_pose_onnx
from dwpose_annotator.models.person_detector import PersonDetector
from tests.tiny_people import write_tiny_people
from train.detector.export import export_detector
from train.restore import add_arguments, largest_difference, restored, run


def worked(model: nn.Module, batch: torch.Tensor) -> nn.Module:
    """A network whose weights and BatchNorms are not those of the start."""
    model.train()
    for parameter in model.parameters():
        parameter.data += 0.05 * parameter.data.abs().mean() * torch.randn_like(parameter)
    with torch.no_grad():
        for _ in range(2):
            model(batch)
    return model.eval()


@pytest.fixture(scope="module")
def pose_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("pose") / "t.onnx"
    model = worked(build_pose_model("t"), torch.randn(4, 3, 256, 192))
    export_pose_onnx(model, path, half_storage=True)
    return path


def test_outputs_and_training_statistics_are_the_files(pose_file: Path) -> None:
    torch.manual_seed(6)
    batch = torch.randn(8, 3, 256, 192)
    model = restored(build_pose_model("t"), pose_file, batch)
    assert largest_difference(model, pose_file, batch[:2]) < 1e-4
    with torch.no_grad():
        still = model(batch)
        trained = model.train()(batch)  # now by the statistics of the batch itself
    for a, b in zip(still, trained, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * float(a.abs().max()))


def test_every_weight_can_learn(pose_file: Path) -> None:
    batch = torch.randn(4, 3, 256, 192)
    model = restored(build_pose_model("t"), pose_file, batch).train()
    sum(output.square().mean() for output in model(batch)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
        if parameter.ndim == 4:  # neither vanishing nor exploding
            assert 0.001 < parameter.square().mean().sqrt() < 1, name


def test_detector_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(7)
    batch = torch.rand(2, 3, 64, 64) * 255
    export_detector(worked(PersonDetector(), batch), tmp_path / "d.onnx", size=64)  # type: ignore[arg-type]
    model = restored(PersonDetector(), tmp_path / "d.onnx", batch)
    assert largest_difference(model, tmp_path / "d.onnx", batch) < 1e-4


def test_files_of_another_size_are_refused(pose_file: Path) -> None:
    with pytest.raises(ValueError, match="of another network"):
        restored(build_pose_model("s"), pose_file, torch.randn(1, 3, 256, 192))


def test_command_writes_a_checkpoint_to_start_from(pose_file: Path, tmp_path: Path) -> None:
    write_tiny_people(tmp_path)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    out = tmp_path / "t.pt"
    data = f"{tmp_path / 'train.json'}@{tmp_path / 'images'}"
    run(parser.parse_args([str(pose_file), str(out), "--size", "t", "--data", data]))
    state = torch.load(out, weights_only=True)["model"]
    assert state.keys() == build_pose_model("t").state_dict().keys()
