import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_people import write_tiny_people
from train.evaluation.eval_set import find_eval_sets
from train.experiments import distillation, synthetic
from train.experiments.arms import run_arms, to_table, write_plot


def _quick(arm):
    """The arm's stages with two steps each."""

    def shorten(stage):
        return lambda folder: replace(
            stage(folder), epochs=2, epoch_samples=2, batch_size=2, workers=0, precision="no"
        )

    return replace(arm, stages=tuple(map(shorten, arm.stages)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiment")
    write_tiny_people(folder / "data", 4)
    write_tiny_people(folder / "eval", 2, seed=5, name="val")
    return folder


@pytest.fixture(scope="module")
def teacher(folder):
    """A checkpoint after two steps."""
    (alone, *_) = distillation.arms([str(folder / "data")], Path(), Path())
    stage = alone.stages[0]
    start = replace(alone, stages=(lambda path: replace(stage(path), init=""),))
    run_arms([_quick(start)], [0], folder / "teacher", cache=folder / "cache", sets=[])
    return folder / "teacher" / "alone_0" / "stage1" / "model.pt"


def test_distillation_arms_train_are_measured_and_resume(folder, teacher):
    arms = [_quick(a) for a in distillation.arms([str(folder / "data")], teacher, teacher)]
    sets = find_eval_sets(folder / "eval" / "val.json")
    out, cache = folder / "out", folder / "cache"
    results = run_arms(arms, [1], out, cache=cache, sets=sets)
    assert list(results) == ["alone", "stage 1", "stage 1 + 2"]
    assert (out / "stage 1 + 2_1" / "stage2" / "model.pt").is_file()
    for by_seed in results.values():
        assert {f"{sets[0].name} AP/body", f"{sets[0].name} oks/body", "minutes"} <= by_seed[
            1
        ].keys()

    stored = json.loads((out / "results.json").read_text())
    stored["alone"]["1"]["minutes"] = 99.0
    (out / "results.json").write_text(json.dumps(stored))
    again = run_arms(arms, [1], out, cache=cache, sets=sets)
    assert again["alone"][1]["minutes"] == 99.0  # not trained again

    write_plot(again, {f"{sets[0].name} oks/body": "OKS"}, out / "plot.png")
    assert (out / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_table_has_mean_and_spread():
    results = {"a": {1: {"ap": 0.1}, 2: {"ap": 0.3}}, "b": {1: {"ap": 0.5}}, "c": {1: {}}}
    lines = to_table(results, {"ap": "AP"}).splitlines()
    assert lines[0] == "| arm | seeds | AP |"
    assert lines[2] == "| a | 2 | 0.200 [0.100, 0.300] |"
    assert lines[3:] == ["| b | 1 | 0.500 |", "| c | 1 | - |"]


def test_every_arm_of_an_experiment_sees_as_many_crops():
    folder = Path("runs")
    for arms in (
        distillation.arms(["a"], folder, folder),
        synthetic.arms(["a", "b"], "synth", folder),
    ):
        crops = {
            sum(c.epochs * c.epoch_samples for c in (stage(folder) for stage in arm.stages))
            for arm in arms
        }
        assert crops == {12 * 1536}


def test_mixtures_have_their_share():
    data = synthetic.mixture(["a", "b"], "synth", 0.25)
    assert data == (("a", 0.375), ("b", 0.375), ("synth", 0.25))
    hidden = [arm.stages[0](Path()).hidden_points for arm in synthetic.arms(["a"], "s", Path())]
    assert hidden == [True, True, True, True, False]
