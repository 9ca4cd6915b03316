"""The mean of checkpoints is the mean of every weight, and only of one network's."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from dwpose_annotator.errors import WeightsError
from dwpose_annotator.models.convert import load_state_dict
from train.average import add_arguments, averaged, run


def checkpoint(
    path: Path, *values: float, steps: int = 0, dtype: torch.dtype = torch.float32
) -> Path:
    state = {"weight": torch.tensor(values, dtype=dtype), "steps": torch.tensor(steps)}
    torch.save({"model": state, "config": "of no interest"}, path)
    return path


def test_every_weight_is_the_mean(tmp_path: Path) -> None:
    files = [
        checkpoint(tmp_path / "a.pt", 1.0, -2.0, steps=7),
        checkpoint(tmp_path / "b.pt", 2.0, 0.5, steps=8),
        checkpoint(tmp_path / "c.pt", 6.0, 0.0, steps=9),
    ]
    state = averaged(files)
    torch.testing.assert_close(state["weight"], torch.tensor([3.0, -0.5]))
    assert state["steps"] == 7  # a count has no mean


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_precision_stays(tmp_path: Path, dtype: torch.dtype) -> None:
    files = [checkpoint(tmp_path / f"{v}.pt", v, dtype=dtype) for v in (1.0, 2.0, 3.0)]
    weight = averaged(files)["weight"]
    assert weight.dtype == dtype
    assert weight.tolist() == [2.0]


def test_command_writes_a_checkpoint(tmp_path: Path) -> None:
    files = [checkpoint(tmp_path / f"{v}.pt", v) for v in (1.0, 2.0)]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args([*map(str, files), "-o", str(tmp_path / "mean.pt")]))
    assert load_state_dict(tmp_path / "mean.pt")["weight"].tolist() == [1.5]


def test_other_networks_are_refused(tmp_path: Path) -> None:
    one = checkpoint(tmp_path / "one.pt", 1.0)
    two = checkpoint(tmp_path / "two.pt", 1.0, 2.0)
    with pytest.raises(ValueError, match=r"weight is \(1,\) in .*one.pt and \(2,\) in .*two.pt"):
        averaged([one, two])
    torch.save({"model": {"other": torch.zeros(1)}}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="None: not there"):
        averaged([one, tmp_path / "other.pt"])


def test_one_file_is_no_mean(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two or more checkpoints"):
        averaged([checkpoint(tmp_path / "a.pt", 1.0)])


def test_missing_and_damaged_files_say_so(tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "a.pt", 1.0)
    with pytest.raises(FileNotFoundError):
        averaged([file, tmp_path / "nothing.pt"])
    (tmp_path / "damaged.pt").write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError):
        averaged([file, tmp_path / "damaged.pt"])
