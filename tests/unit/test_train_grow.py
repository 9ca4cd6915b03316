"""A grown network computes what the small one computes, and every new weight can learn."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from dwpose_annotator.models import PoseModel, build_pose_model
from train.grow import add_arguments, grown, run


def worked(size: str) -> PoseModel:
    """A network whose BatchNorms have seen something, as a trained one's have."""
    torch.manual_seed(1)
    model = build_pose_model(size).train()
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(4, 3, 256, 192))
    return model.eval()


def test_outputs_stay() -> None:
    before = worked("t")
    after = grown(before, "s").eval()
    crops = torch.randn(2, 3, 256, 192)
    with torch.no_grad():
        for old, new in zip(before(crops), after(crops), strict=True):
            assert old.std() > 0
            torch.testing.assert_close(new, old, rtol=1e-4, atol=1e-4 * float(old.abs().max()))


def test_new_weights_get_gradients() -> None:
    model = grown(worked("t"), "s").train()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(2):  # what lies behind a weight of zero learns from the second step on
        optimiser.zero_grad()
        x, y = model(torch.randn(2, 3, 256, 192))
        (x.square().mean() + y.square().mean()).backward()
        optimiser.step()
    for name, parameter in model.backbone.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    new_channels = model.backbone.stage3[0].conv.weight.grad[96:, 48:]
    assert new_channels.flatten(1).any(1).all()


def test_what_cannot_grow_is_refused() -> None:
    with pytest.raises(ValueError, match="stage without residuals"):
        grown(build_pose_model("s"), "m")
    with pytest.raises(ValueError, match="larger size"):
        grown(build_pose_model("s"), "t")
    with pytest.raises(ValueError, match="same crops"):
        grown(build_pose_model("t"), "l-384")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model": build_pose_model("t").state_dict()}, tmp_path / "t.pt")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args([str(tmp_path / "t.pt"), str(tmp_path / "s.pt"), "--size", "s"]))
    assert "s with the function of t" in capsys.readouterr().out
    build_pose_model("s").load_state_dict(torch.load(tmp_path / "s.pt")["model"])
