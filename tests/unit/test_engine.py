"""The training loop: exact resume, signals, non-finite losses, logs, several processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.tiny_people import write_tiny_people
from train import engine
from train.config import Optimisation, TrainConfig, Validation
from train.config_files import load_config
from train.engine import NonFiniteLossError, train
from train.objectives import SupervisedPose
from train.plot import draw_curves, read_curves

ROOT = Path(__file__).parents[2]
CONFIG = TrainConfig(
    name="tiny",
    model="t",
    objective="supervised",
    epochs=3,
    batch_size=4,
    input_scale=0.25,
    optim=Optimisation(lr=1e-3, warmup_steps=2, clip_norm=1.0),
    workers=0,
    log_steps=2,
)
CONFIG_FILE = """
from train import engine
from train.config import Optimisation, TrainConfig

config = TrainConfig(
    name="tiny", model="t", objective="supervised", epochs=6, batch_size=2, input_scale=0.25,
    optim=Optimisation(lr=1e-3, warmup_steps=2), workers=1, log_steps=1, data=({data!r},),
)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    write_tiny_people(folder, 8)
    write_tiny_people(folder, 4, seed=9, name="val")
    return folder


@pytest.fixture
def config(data):
    return replace(CONFIG, data=(str(data),))


def _weights(out):
    return torch.load(out / "model.pt", weights_only=True)["model"]


def _equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def _log(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_run_writes_checkpoints_and_log(config, tmp_path):
    run = train(config, tmp_path, cpu=True)
    assert run.step == run.total_steps == 6
    assert _equal(_weights(tmp_path), run.ema.module.state_dict())
    state = torch.load(tmp_path / "resume.pt", weights_only=True)
    assert state["step"] == 6 and json.loads(state["config"])["name"] == "tiny"
    lines = _log(tmp_path)
    assert [line["step"] for line in lines] == [2, 4, 6]
    for line in lines:
        assert {"loss_kpt", "grad_norm", "lr", "img_per_s", "wait", "epoch"} <= line.keys()
        assert 0 <= line["wait"] <= 1 and line["img_per_s"] > 0
    assert (tmp_path / "skipped.txt").read_text() == ""
    assert not list(tmp_path.glob("*.part"))

    again = train(config, tmp_path, cpu=True)  # nothing is left to do
    assert again.step == 6 and _log(tmp_path) == lines

    curves = read_curves(tmp_path / "log.jsonl")
    assert curves["loss_kpt"][0] == [2, 4, 6] and "epoch" not in curves
    draw_curves({"run": curves}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("one_thread")
def test_killed_and_resumed_run_equals_an_uninterrupted_one(data, tmp_path):
    """A real process gets a real SIGTERM in the middle; the weights end bit-equal."""
    file = tmp_path / "tiny.py"
    file.write_text(CONFIG_FILE.format(data=str(data)))
    whole, killed, cache = (tmp_path / name for name in ("whole", "killed", "cache"))
    train(load_config(str(file)), whole, cache_dir=cache, cpu=True)

    command = [sys.executable, "-m", "train", str(file), "--out", str(killed)]
    command += ["--cache", str(cache), "--cpu"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    log = killed / "log.jsonl"
    while process.poll() is None and not (log.is_file() and log.read_text().count("\n") >= 5):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == 0
    stopped = torch.load(killed / "resume.pt", weights_only=True)["step"]
    assert 5 <= stopped < 24

    train(load_config(str(file)), killed, cache_dir=cache, cpu=True)
    assert _equal(_weights(whole), _weights(killed))
    ends = [torch.load(out / "resume.pt", weights_only=True) for out in (whole, killed)]
    assert ends[0]["step"] == ends[1]["step"] == 24
    assert _equal(ends[0]["objective"], ends[1]["objective"])
    losses = [[line["loss_kpt"] for line in _log(out)] for out in (whole, killed)]
    assert losses[0] == losses[1]


@pytest.fixture
def one_thread():
    """Sums of several threads may round in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_non_finite_loss_stops_with_the_losses(config, tmp_path, monkeypatch):
    honest = SupervisedPose.forward

    def spoiled(self, crops, labels, epoch, epochs):
        losses = honest(self, crops, labels, epoch, epochs)
        factor = float("nan") if epoch == 2 else 1.0
        return {"loss_fine": losses["loss_kpt"], "loss_bad": losses["loss_kpt"] * factor}

    monkeypatch.setattr(SupervisedPose, "forward", spoiled)
    config = replace(config, checkpoint_minutes=0.0)
    with pytest.raises(NonFiniteLossError, match=r"step 4: .*loss_fine.*loss_bad.*nan"):
        train(config, tmp_path, cpu=True)
    state = torch.load(tmp_path / "resume.pt", weights_only=True)
    assert state["step"] == 4
    assert all(
        torch.isfinite(v).all() for v in state["objective"].values() if v.is_floating_point()
    )


def test_validation_keeps_the_best(config, data, tmp_path):
    validation = Validation(data=str(data / "val.json"), every_epochs=2, flip_test=False)
    run = train(replace(config, validation=validation), tmp_path, cpu=True)
    measured = [line for line in _log(tmp_path) if "val_ap" in line]
    assert [line["step"] for line in measured] == [4, 6]
    assert run.best_ap == max(line["val_ap"] for line in measured)
    assert (tmp_path / "best.pt").is_file()
    assert torch.load(tmp_path / "resume.pt", weights_only=True)["best_ap"] == run.best_ap


def test_bf16_and_tensorboard(config, tmp_path, monkeypatch):
    """TensorBoard is optional, so a stand-in takes its calls."""
    scalars = []

    class Writer:
        def __init__(self, folder):
            assert folder == str(tmp_path / "tensorboard")

        def add_scalar(self, name, value, step):
            scalars.append((name, value, step))

        def close(self):
            scalars.append("closed")

    board = types.ModuleType("torch.utils.tensorboard")
    board.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    train(replace(config, precision="bf16", tensorboard=True), tmp_path, cpu=True)
    logged = [("loss_kpt", line["loss_kpt"], line["step"]) for line in _log(tmp_path)]
    assert [entry for entry in scalars if entry[0] == "loss_kpt"] == logged
    assert scalars[-1] == "closed"


@pytest.mark.usefixtures("one_thread")
def test_an_error_ends_the_loading_processes(config, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "train_step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(replace(config, workers=2), tmp_path, cpu=True)
    assert not multiprocessing.active_children()


def test_frozen_parts_stay(config, tmp_path):
    first = train(replace(config, epochs=1), tmp_path / "a", cpu=True).ema.module
    frozen = replace(config, epochs=1, init=str(tmp_path / "a/model.pt"), frozen=("stem", "stage1"))
    second = train(frozen, tmp_path / "b", cpu=True).ema.module
    for (name, before), after in zip(
        first.state_dict().items(), second.state_dict().values(), strict=True
    ):
        parts = name.split(".")
        if parts[1] in frozen.frozen or after.numel() > 1:
            assert torch.equal(before, after) == (parts[1] in frozen.frozen), name


def test_errors(config, tmp_path):
    with pytest.raises(ValueError, match="holds no batch"):
        train(replace(config, batch_size=64), tmp_path / "a", cpu=True)
    with pytest.raises(ValueError, match="names no data"):
        train(replace(config, data=()), tmp_path / "b", cpu=True)
    with pytest.raises(ValueError, match="needs a teacher"):
        train(replace(config, objective="stage1"), tmp_path / "c", cpu=True)
    train(replace(config, epochs=1), tmp_path / "d", cpu=True)
    with pytest.raises(ValueError, match="another network"):
        train(replace(config, model="s"), tmp_path / "d", cpu=True)
