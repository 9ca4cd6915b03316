"""Key-for-key transfer of the original code's distillation checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from train.transfer import transfer_checkpoint, transfer_file


@pytest.fixture(scope="module")
def golden(parity_dir: Path) -> dict[str, Any]:
    return json.loads((parity_dir / "transfer" / "transfer.json").read_text())


def checkpoint_of(case: dict[str, Any]) -> dict[str, Any]:
    """The input checkpoint: every entry holds the number of its key."""
    content: dict[str, Any] = {name: {} for name in case["input_top_level"]}
    content["state_dict"] = {key: torch.tensor([i]) for i, key in enumerate(case["input_keys"])}
    return content


def expected_of(case: dict[str, Any], run: str) -> dict[str, Any]:
    expected = case[run]
    if expected.get("same_as_idea"):
        return {**case[run.replace("mmpose", "idea")], **expected}
    return expected


def test_every_recorded_transfer(golden: dict[str, Any]) -> None:
    runs = [
        (name, run)
        for name, case in golden.items()
        for run in case
        if run.partition("_")[0] in ("idea", "mmpose")
    ]
    assert runs
    for name, run in runs:
        variant, stage = run.split("_")
        expected = expected_of(golden[name], run)
        result = transfer_checkpoint(
            checkpoint_of(golden[name]), two_dis=stage == "S2", variant=variant
        )
        assert list(result) == expected["top_level"], (name, run)
        assert list(result["state_dict"]) == expected["keys"], (name, run)
        sources = [int(value) for value in result["state_dict"].values()]
        assert sources == expected["from_index"], (name, run)


def test_transferred_file_loads_as_plain_data(golden: dict[str, Any], tmp_path: Path) -> None:
    for name, case in golden.items():
        torch.save(checkpoint_of(case), tmp_path / "distilled.pth")
        count = transfer_file(tmp_path / "distilled.pth", tmp_path / "plain.pth", two_dis=True)
        content = torch.load(tmp_path / "plain.pth", weights_only=True)
        expected = expected_of(case, "mmpose_S2")
        assert list(content["state_dict"]) == expected["keys"], name
        assert count == len(expected["keys"])


def test_a_plain_model_is_refused() -> None:
    with pytest.raises(ValueError, match="needs no transfer"):
        transfer_checkpoint({"state_dict": {"backbone.stem.0.conv.weight": torch.zeros(1)}})
    with pytest.raises(ValueError, match="state_dict"):
        transfer_checkpoint({"model": {}})
