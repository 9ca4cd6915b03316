"""The summary table: each column from the right set, the other systems below."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from dwpose_annotator.models.complexity import Complexity
from tests.unit.test_evaluation import WHOLE, write_set
from train.evaluation.coco_ap import PartAP
from train.evaluation.measure import ModelReport, SetResult
from train.evaluation.run_model import Latency
from train.evaluation.summary import SummaryRow, read_anchors, summary_text
from train.evaluation.uncertainty import Estimate, Interval, interval
from train.table import add_arguments, run


def result(data: str, people: int, ap: dict[str, float], points: dict[str, float]) -> SetResult:
    metrics = {
        part: PartAP({"AP": value, "AR": value + 0.1}, Interval(value - 0.05, value + 0.05))
        for part, value in ap.items()
    }
    estimates = {name: Estimate(value, None, people) for name, value in points.items()}
    return SetResult(data, "ground truth", people, people, metrics, estimates)


def report(*results: SetResult) -> ModelReport:
    latency = Latency(12.34, "some machine")
    return ModelReport(
        "net", (256, 192), Complexity(5_500_000, 550_000_000), latency, False, results
    )


def test_columns_come_from_the_set_that_labels_most_people() -> None:
    few = result(
        "few", 3, {"body": 0.9, "foot": 0.2, "face": 0.3, "lefthand": 0.4, "righthand": 0.2,
                   "wholebody": 0.25},
        {"pck/body": 0.9, "pck/whole": 0.7, "nme/face": 0.5, "pck_hand/hand": 0.6},
    )  # fmt: skip
    many = result("many", 300, {"body": 0.4}, {"pck/body": 0.5})
    faces = result("faces", 20, {"face": 0.8}, {"nme/face": 0.061})
    found = result("many", 280, {"body": 0.35}, {})
    text = summary_text([SummaryRow(report(few, many, faces), found)], {"other": (0.232, 0.325)})
    about, table, machine = text.split("\n\n")
    assert "body: many (300 people)" in about and "face NME: faces (20 people)" in about
    assert "whole: few (3 people)" in about
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    row = dict(zip(rows[0], rows[2], strict=True))
    assert row["body AP / AR"] == "40.0 [35.0, 45.0] / 50.0"
    assert row["detector: body AP / AR"] == "35.0 [30.0, 40.0] / 45.0"
    assert row["hand"] == "30.0 / 40.0"  # mean of both; they have no common interval
    assert (row["face NME %"], row["hand PCK"]) == ("6.1", "0.600")
    assert (row["params M"], row["GMACs"], row["ORT ms"]) == ("5.50", "0.550", "12.3")
    assert rows[3][:3] == ["other", "23.2 / 32.5", ""]
    assert machine == "ORT ms: some machine"


def test_sets_without_a_part_leave_dashes() -> None:
    text = summary_text([SummaryRow(report(result("b", 2, {"body": 0.4}, {"pck/body": 1})), None)])
    assert text.splitlines()[0] == "body: b (2 people)"
    assert text.splitlines()[4].count(" - ") == 7


def test_differences_are_taken_draw_by_draw() -> None:
    """Two models whose own intervals overlap widely, one of them always a little better."""
    draws = np.linspace(0.2, 0.4, 101)
    rows = []
    for name, gain in (("alone", 0.0), ("taught", 0.03)):
        body = PartAP({"AP": 0.3 + gain, "AR": 0.4}, interval(draws + gain), draws + gain)
        measured = dataclasses.replace(result("b", 2, {}, {"pck/body": 1}), ap={"body": body})
        rows.append(SummaryRow(dataclasses.replace(report(measured), name=name), None))
    lines = summary_text(rows).splitlines()
    assert "Body AP against alone" in lines[-5]
    assert lines[-1].split() == ["|", "taught", "|", "+3.0", "[3.0,", "3.0]", "|"]


def test_other_systems_are_read_or_explained(tmp_path: Path) -> None:
    file = tmp_path / "anchors.json"
    file.write_text('{"a": {"AP": 0.5, "AR": 0.6}}')
    assert read_anchors(file) == {"a": (0.5, 0.6)}
    file.write_text('{"a": 0.5}')
    with pytest.raises(ValueError, match=r"anchors.json: expected .* got"):
        read_anchors(file)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "sets" / "whole", WHOLE)
    write_set(tmp_path / "sets" / "body", ("keypoints",))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = ["--data", str(tmp_path / "sets"), "--resamples", "3", "--device", "cpu"]
    out = ["--detector", "person-nano", "--out", str(tmp_path / "out")]
    run(parser.parse_args(["dwpose-t", "dwpose-t", *options, *out]))
    table = (tmp_path / "out" / "table.md").read_text()
    assert table.strip() == capsys.readouterr().out.strip()
    assert "+0.0 [0.0, 0.0]" in table  # a model against itself
    entry, again = json.loads((tmp_path / "out" / "table.json").read_text())
    assert entry["results"] == again["results"]
    assert entry["name"] == "dwpose-t"
    assert entry["end_to_end"]["boxes"] == "person-nano.onnx"
    assert [result["data"] for result in entry["results"]] == ["body", "whole"]
