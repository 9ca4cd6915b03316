"""Teacher, first stage and second stage, each for two steps on a dozen synthetic people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from dwpose_annotator.models import build_pose_model
from dwpose_annotator.models.convert import load_state_dict
from train.config import TrainConfig, Validation
from train.config_files import load_config
from train.engine import train

PEOPLE = Path(__file__).parents[1] / "data" / "synth_people"


def short(config: TrainConfig) -> TrainConfig:
    """Two steps of two people at half size, without what needs more data."""
    return replace(
        config, model="t", data=(str(PEOPLE),), init="", epochs=1, epoch_samples=4, batch_size=2,
        input_scale=0.5, workers=0, validation=Validation(), log_steps=1,
    )  # fmt: skip


def run(config: TrainConfig, out: Path, cache: Path) -> list[dict[str, float]]:
    """Train and give the lines of the log that have a loss."""
    train(config, out, cache_dir=cache, cpu=True)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss_logit" in line]


def test_two_stages_run_on_synthetic_people(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    checkpoint = tmp_path / "teacher.pt"
    torch.manual_seed(1)
    torch.save(build_pose_model("t").state_dict(), checkpoint)
    first = short(load_config("ucoco_stage1_l_t"))
    first = replace(
        first, distill=replace(first.distill, teacher="t", teacher_checkpoint=str(checkpoint))
    )
    log = run(first, tmp_path / "stage1", cache)
    assert len(log) == 2 and all({"loss_kpt", "loss_fea"} <= line.keys() for line in log)

    made = tmp_path / "stage1" / "model.pt"
    second = short(load_config("ucoco_stage2_t"))
    second = replace(second, distill=replace(second.distill, teacher_checkpoint=str(made)))
    assert len(run(second, tmp_path / "stage2", cache)) == 2

    before, after = (
        load_state_dict(tmp_path / stage / "model.pt") for stage in ("stage1", "stage2")
    )
    assert before.keys() == after.keys() == build_pose_model("t").state_dict().keys()
    assert all(torch.isfinite(value.float()).all() for value in after.values())
    same = {key for key in before if torch.equal(before[key], after[key])}
    assert "backbone.stem.0.conv.weight" in same  # frozen
    assert "head.cls_x.weight" not in same  # fresh, and trained
