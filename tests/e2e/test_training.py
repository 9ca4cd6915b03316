"""The whole way: teacher, stage 1 (interrupted), stage 2, export, evaluate, annotate."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from dwpose_annotator import Annotator, Boxes, crop, simcc
from dwpose_annotator.images import load_image
from dwpose_annotator.models import build_pose_model
from dwpose_annotator.types import SimCC
from tests.tiny_people import IMAGE_HW, write_tiny_people
from train import __main__ as command_line
from train import engine
from train.config import Distillation, Optimisation, TrainConfig
from train.objectives import normalise

TEACHER = TrainConfig(
    name="teacher",
    model="t",
    objective="supervised",
    epochs=1,
    batch_size=4,
    input_scale=0.5,
    optim=Optimisation(lr=1e-3, warmup_steps=2, clip_norm=1.0),
    seed=3,
    workers=0,
    log_steps=1,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    write_tiny_people(folder, 8)
    write_tiny_people(folder, 3, seed=9, name="val")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory, data):
    """Folders of the finished runs by name."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of several threads may round in another order
    out = tmp_path_factory.mktemp("runs")
    teacher = replace(TEACHER, data=(str(data),))
    stage1 = replace(
        teacher,
        name="stage1",
        objective="stage1",
        epochs=2,
        seed=4,
        distill=Distillation("t", str(out / "teacher" / "model.pt")),
    )
    stage2 = replace(
        stage1,
        name="stage2",
        objective="stage2",
        distill=Distillation(
            "t", str(out / "stage1" / "model.pt"), feature_weight=0, logit_weight=1, decay=False
        ),
    )

    def fit(config, name):
        return engine.train(config, out / name, cache_dir=out / "cache", cpu=True)

    fit(teacher, "teacher")
    fit(stage1, "stage1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "stop_signal", _stop_after(steps=2))
        assert fit(stage1, "interrupted").step == 2
    assert fit(stage1, "interrupted").step == 4
    fit(stage2, "stage2")
    torch.set_num_threads(threads)
    return out


def _stop_after(*, steps):
    @contextmanager
    def request():
        answers = iter([False] * (steps - 1) + [True])
        yield lambda: next(answers)

    return request


def _weights(run):
    return torch.load(run / "model.pt", weights_only=True)["model"]


def _command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["train", *map(str, words)])
    command_line.main()


def test_interrupted_first_stage_ends_the_same(runs):
    whole, resumed = _weights(runs / "stage1"), _weights(runs / "interrupted")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    lines = [json.loads(line) for line in (runs / "stage1" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all({"loss_kpt", "loss_fea", "loss_logit"} <= line.keys() for line in lines)


def test_second_stage_keeps_the_backbone_and_starts_a_head(runs):
    first, second = _weights(runs / "stage1"), _weights(runs / "stage2")
    assert first.keys() == second.keys() == build_pose_model("t").state_dict().keys()
    for key in first:
        same = torch.equal(first[key], second[key])
        if key.startswith("head."):
            assert not same or first[key].unique().numel() == 1, key  # a scale may not have moved
        elif "running" in key or "num_batches" in key:
            assert not same, key  # the teacher's statistics drift, as in the reference
        else:
            assert same, key


def test_export_evaluate_annotate(runs, data, monkeypatch, capsys, tmp_path):
    onnx = tmp_path / "dwpose-tiny.onnx"
    checkpoint = runs / "stage2" / "model.pt"
    _command(monkeypatch, "export", checkpoint, onnx, "--crops", data, "--samples", 4)
    assert "0.000 % of the keypoints move" in capsys.readouterr().out

    report = tmp_path / "report.json"
    _command(
        monkeypatch, "evaluate", onnx, "--data", data / "val.json", "--json", report,
        "--resamples", 0, "--device", "cpu",
    )  # fmt: skip
    assert "whole" in capsys.readouterr().out and json.loads(report.read_text())

    image = load_image(data / "images" / "val_1.png")
    box = np.float32([[10, 5, 120, 190]])
    annotator = Annotator.from_pretrained(onnx, detector=None, device="cpu")
    poses = annotator.estimate(image, boxes=Boxes.from_xyxy(box))
    crops = crop.crop_people(image, Boxes.from_xyxy(box), (192, 256))
    model = build_pose_model("t").eval()
    model.load_state_dict(_weights(runs / "stage2"))
    with torch.no_grad():
        x, y = model(normalise(torch.from_numpy(crops.pixels)))
    xy, score = simcc.decode(SimCC(x.numpy(), y.numpy(), simcc.SPLIT_RATIO))
    np.testing.assert_allclose(poses.score, score, atol=1e-4)
    near = np.abs(poses.xy - crop.crop_to_image(xy, crops.image_to_crop)).max(axis=-1) < 1e-2
    assert near.mean() > 0.99  # bins of a hardly trained network may tie
    assert annotator(image).shape == (*IMAGE_HW, 3)


def test_other_commands(runs, data, monkeypatch, capsys, tmp_path):
    _command(monkeypatch, "configs")
    assert "ucoco_stage2_l_384" in capsys.readouterr().out
    _command(monkeypatch, "plot", runs / "stage1", runs / "stage2", "-o", tmp_path / "c.png")
    _command(
        monkeypatch, "sheet", "ucoco_stage1_l_t", "--data", data, "--count", 6, "-o",
        tmp_path / "s.png",
    )  # fmt: skip
    assert load_image(tmp_path / "s.png").shape == (256, 8 * 192, 3)
    assert load_image(tmp_path / "c.png").shape[2] == 3
    with pytest.raises(SystemExit, match=r"error: no configuration .*cpu_t_1_heatmap"):
        _command(monkeypatch, "nothing", "--out", tmp_path)
