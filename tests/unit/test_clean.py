"""Label cleaning: what a sure network sees elsewhere goes, nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from dwpose_annotator.skeleton import BODY
from tests.unit.test_evaluation import WHOLE, write_set
from train.clean import Disputes, add_arguments, find_disputes, run, without
from train.data import keypoints_of, load_people, read_json
from train.evaluation.eval_set import EvalSet, load_eval_set
from train.evaluation.predictions import Predictions


@pytest.fixture
def labelled(tmp_path: Path) -> EvalSet:
    file = write_set(tmp_path / "set", WHOLE)
    return load_eval_set(file, file.parent / "images")


def agreeing(eval_set: EvalSet, score: float = 0.9) -> Predictions:
    """What a network says that sees every point where it is labelled."""
    people = eval_set.people
    count = len(people)
    return Predictions(
        people.ids[:, 1], np.arange(count), people.xy.astype(np.float64),
        np.full((count, 133), score), np.ones(count), np.ones(count),
    )  # fmt: skip


def test_only_sure_and_distant_points_are_disputed(labelled: EvalSet) -> None:
    side = 200  # the longer one of every box
    says = agreeing(labelled)
    says.xy[0, 5, 0] += 0.2 * side
    says.xy[0, 6, 0] += 0.1 * side  # near enough
    says.xy[1, 7, 1] -= 0.2 * side
    says.score[1, 7] = 0.3  # not sure
    says.xy[2, 100, 1] += 0.2 * side
    labelled.people.visible[2, 101] = 0
    says.xy[2, 101, 1] += 0.2 * side  # no label to dispute
    disputes = find_disputes(labelled.people, says, limit=0.15, sure=0.5)
    assert np.argwhere(disputes.points).tolist() == [[0, 5], [2, 100]]
    assert not disputes.people.any()


def test_whoever_is_seen_elsewhere_is_left_out(labelled: EvalSet) -> None:
    says = agreeing(labelled)
    says.xy[3, :9] += 100
    says.xy[4, :8] += 100  # eight of seventeen
    disputes = find_disputes(labelled.people, says)
    assert np.flatnonzero(disputes.people).tolist() == [3]
    before, after = labelled.content, without(labelled.content, labelled.people, disputes)
    ids = [annotation["id"] for annotation in before["annotations"]]
    assert [a["id"] for a in after["annotations"]] == ids[:3] + ids[4:]
    changed = keypoints_of(after["annotations"][3])
    assert (changed[:8] == 0).all()
    kept = keypoints_of(before["annotations"][4])[8:]
    np.testing.assert_array_equal(changed[8:], kept)
    assert (keypoints_of(before["annotations"][4])[:8, 2] == 2).all()  # the input is untouched


def test_labels_made_by_people_stay(labelled: EvalSet) -> None:
    for image in labelled.content["images"]:
        image["source"] = "hand" if image["id"] == 1 else "machine"
    count = len(labelled.people)
    everything = Disputes(np.ones((count, 133), bool), np.zeros(count, bool))
    cleaned = without(labelled.content, labelled.people, everything, keep=["hand"])
    for annotation in cleaned["annotations"]:
        left = (keypoints_of(annotation)[:, 2] > 0).sum()
        assert left == (133 if annotation["image_id"] == 1 else 0)


def test_command_line_writes_what_training_reads(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", WHOLE)
    out, sheet = tmp_path / "cleaned.json.gz", tmp_path / "worst.png"
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    # The photos are noise: the network is never sure, unless nothing is asked of it.
    options = ["dwpose-t", str(source), "-o", str(out), "--device", "cpu", "--limit", "0.1"]
    run(parser.parse_args([*options, "--sheet", str(sheet), "--sure", "0"]))
    assert sheet.stat().st_size > 1000
    before = load_people(source, source.parent / "images")
    content = read_json(out)
    assert len(content["annotations"]) < len(before)
    run(parser.parse_args([*options, "--sure", "2"]))
    after = load_people(out, source.parent / "images")
    np.testing.assert_array_equal(after.xy, before.xy)
    assert (after.visible[:, BODY] == before.visible[:, BODY]).all()
