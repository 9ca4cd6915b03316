"""Instance scores, duplicate removal, OKS-NMS and COCO metrics against the reference evaluation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from train.evaluation.coco_ap import METRICS, evaluate_ap
from train.evaluation.predictions import Predictions, counted_people, to_coco_results


def read_gz(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def read_predictions(path: Path) -> Predictions:
    raw = read_gz(path)
    points = np.array([entry["keypoints"] for entry in raw], np.float64).reshape(len(raw), -1, 3)
    return Predictions(
        np.array([entry["image_id"] for entry in raw]),
        np.array([entry["id"] for entry in raw]),
        points[..., :2],
        points[..., 2],
        np.array([entry["bbox_score"] for entry in raw], np.float64),
        np.array([np.prod(entry["scale"]) for entry in raw], np.float64),
    )


@pytest.fixture(scope="module")
def folder(parity_dir: Path) -> Path:
    return parity_dir / "eval"


@pytest.fixture(scope="module")
def golden(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text())


def test_people_that_count(folder: Path) -> None:
    files = sorted(folder.glob("raw_*.json.gz"))
    assert files
    for file in files:
        expected = read_gz(folder / file.name.replace("raw_", "results_"))
        people, scores = counted_people(read_predictions(file))
        assert people.image_id.tolist() == [entry["image_id"] for entry in expected], file.name
        assert scores == pytest.approx([entry["score"] for entry in expected], rel=0, abs=1e-6)
        written = to_coco_results(people, scores)
        for ours, theirs in zip(written, expected, strict=True):
            assert ours.keys() == theirs.keys()
            for name in ours.keys() - {"image_id", "category_id", "score"}:
                assert ours[name] == pytest.approx(theirs[name], abs=1e-6), (file.name, name)


def test_metrics(folder: Path, golden: dict[str, Any]) -> None:
    """Every case whose ground truth is in the folder (photos' annotations may not be copied)."""
    sets = {
        name: json.loads((folder / entry["file"]).read_text())
        for name, entry in golden["gt"].items()
        if (folder / entry["file"]).is_file()
    }
    checked = 0
    for case, expected in golden.items():
        data_set, _, rest = case.partition("_")
        if data_set not in sets:
            continue
        kind, _, area = rest.rpartition("_")
        results = evaluate_ap(
            sets[data_set],
            read_predictions(folder / f"raw_{data_set}_{kind}.json.gz"),
            parts=tuple(expected["metrics"]),
            use_area={"area": True, "noarea": False}[area],
        )
        for part, metrics in expected["metrics"].items():
            got = results[part].metrics
            assert {name: got[name] for name in METRICS} == pytest.approx(metrics, abs=1e-6), case
            checked += 1
    assert checked >= 6
