"""Evaluation on a tiny made-up data set whose right answers are known."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from dwpose_annotator.crop import box_to_center_scale, fix_aspect
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.models import build_pose_model
from dwpose_annotator.models.complexity import Complexity
from dwpose_annotator.skeleton import BODY, FACE, LEFT_HAND, RIGHT_HAND
from dwpose_annotator.types import Boxes
from train.data import PARTS
from train.evaluate import add_arguments, run
from train.evaluation.coco_ap import evaluate_ap
from train.evaluation.eval_set import EvalSet, find_eval_sets, load_eval_set
from train.evaluation.measure import ModelReport, hand_mean, measure
from train.evaluation.person_boxes import (
    PersonBoxes,
    boxes_from_file,
    detected_boxes,
    detection_quality,
    ground_truth_boxes,
)
from train.evaluation.point_metrics import evaluate_predictions, point_errors, point_metrics
from train.evaluation.predictions import Predictions
from train.evaluation.report import to_text
from train.evaluation.run_model import Latency, predict
from train.evaluation.uncertainty import ratio_estimate

SIZE_WH = (320, 240)
IMAGES, PEOPLE_PER_IMAGE = 4, 2


def write_set(folder: Path, labelled: tuple[str, ...]) -> Path:
    """Write a COCO-WholeBody folder with labels for the named fields only; returns the JSON."""
    rng = np.random.default_rng(7)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for image_id in range(1, IMAGES + 1):
        file = f"{image_id}.png"
        pixels = rng.integers(0, 256, (SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
        assert cv2.imwrite(str(folder / "images" / file), pixels)
        images.append(
            {"id": image_id, "file_name": file, "width": SIZE_WH[0], "height": SIZE_WH[1]}
        )
        for number in range(PEOPLE_PER_IMAGE):
            corner, extent = np.array([10 + 160 * number, 20]), np.array([120, 200])
            annotation: dict[str, Any] = {
                "id": 10 * image_id + number,
                "image_id": image_id,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [*corner.tolist(), *extent.tolist()],
            }
            for name, count in PARTS:
                if name in labelled:
                    points = corner + extent * rng.random((count, 2))
                    triples = np.concatenate([points, np.full((count, 1), 2)], axis=1)
                    annotation[name] = triples.ravel().tolist()
            if "keypoints" in labelled:
                annotation["area"] = 12_000.0
            annotations.append(annotation)
    path = folder / "labels.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": []}))
    return path


WHOLE = tuple(name for name, _ in PARTS)


@pytest.fixture
def whole_set(tmp_path: Path) -> EvalSet:
    file = write_set(tmp_path / "whole", WHOLE)
    return load_eval_set(file, file.parent / "images")


def predictions_of(
    eval_set: EvalSet, move: Callable[[np.ndarray], None] | None = None
) -> Predictions:
    """The labels as predictions, after ``move`` has changed their (N, 133, 2) coordinates."""
    people = eval_set.people
    xy = people.xy.astype(np.float64)
    if move is not None:
        move(xy)
    boxes = ground_truth_boxes(eval_set)
    _, scale = box_to_center_scale(boxes.xyxy)
    area = fix_aspect(scale, (192, 256)).prod(axis=1).astype(np.float64)
    ones = np.ones(len(people))
    return Predictions(
        boxes.image_id, boxes.instance_id, xy, np.ones(xy.shape[:2]), ones, area
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "ap"),
    [(("keypoints",), 0.5), (("keypoints", "face_kpts"), 0.25)],
)
def test_only_labelled_bodies_rank_where_nothing_else_is_labelled(tmp_path, fields, ap):
    file = write_set(tmp_path / "data", fields)
    eval_set = load_eval_set(file, file.parent / "images")
    wrong = np.arange(len(eval_set.people)) % PEOPLE_PER_IMAGE == 1
    right = predictions_of(eval_set)
    xy = right.xy + 1000.0 * wrong[:, None, None]
    score = np.where(wrong[:, None], 0.5, 0.9) * np.ones(right.score.shape)
    score[:, FACE] = np.where(wrong, 0.9, 0.3)[:, None]  # a sure face beside a wrong body
    found = Predictions(
        right.image_id, right.instance_id, xy, score, right.box_score, right.area
    )  # fmt: skip
    results = evaluate_ap(eval_set.content, found, parts=("body",))
    assert results["body"].metrics["AP"] == pytest.approx(ap, abs=0.01)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        (("keypoints",), ("body",)),
        (("face_kpts",), ("face",)),
        (WHOLE, ("body", "foot", "face", "lefthand", "righthand", "wholebody")),
        (("keypoints", "face_kpts"), ("body", "face", "wholebody")),
    ],
)
def test_perfect_predictions_are_perfect_on_what_is_labelled(
    tmp_path: Path, fields: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    write_set(tmp_path / "some", fields)
    (eval_set,) = find_eval_sets(tmp_path)
    assert eval_set.parts == parts
    assert eval_set.has_area == ("keypoints" in fields)
    perfect = predictions_of(eval_set)
    for part, result in evaluate_ap(eval_set.content, perfect, parts=parts).items():
        assert (result.metrics["AP"], result.metrics["AR"]) == (pytest.approx(1), 1), part
    figures = evaluate_predictions(eval_set.people, perfect.xy)
    assert figures.pop("nme/face", 0) == figures.pop("nme_box/face", 0) == 0
    assert set(figures.values()) == {1.0}
    expected = {"hand" if part.endswith("hand") else part for part in parts} - {"wholebody"}
    named = {name.removeprefix("pck/") for name in figures if name.startswith("pck/")}
    assert named == expected | ({"whole"} if len(expected) > 1 else set())


def test_a_spoilt_part_lowers_that_part_alone(whole_set: EvalSet) -> None:
    def spoil_left_hands(xy: np.ndarray) -> None:
        xy[:, LEFT_HAND] += 100

    predictions = predictions_of(whole_set, spoil_left_hands)
    ap = evaluate_ap(whole_set.content, predictions)
    assert ap["lefthand"].metrics["AP"] == 0
    assert ap["righthand"].metrics["AP"] == ap["body"].metrics["AP"] == pytest.approx(1)
    assert hand_mean(ap, "AP") == pytest.approx(0.5)
    assert 0 < ap["wholebody"].metrics["AP"] < 1
    assert evaluate_predictions(whole_set.people, predictions.xy)["pck/hand"] == 0.5


def test_thresholds_are_inclusive_and_relative_to_the_crop(whole_set: EvalSet) -> None:
    people = whole_set.people
    _, scale = box_to_center_scale(people.box)
    limit = 0.05 * fix_aspect(scale, (192, 256))[:, 1]
    for share, expected in ((0.99, 1.0), (1.01, 0.0)):
        moved = people.xy.astype(np.float64)
        moved[..., 0] += share * limit[:, None]
        assert evaluate_predictions(people, moved)["pck/whole"] == expected


def test_face_error_is_relative_to_eyes_and_box(whole_set: EvalSet) -> None:
    people = whole_set.people
    face = people.xy[:, FACE].astype(np.float64)
    moved = people.xy.astype(np.float64)
    size = np.sqrt(np.ptp(face, axis=1).prod(axis=1))
    moved[:, FACE, 0] += 0.04 * size[:, None]
    assert evaluate_predictions(people, moved)["nme_box/face"] == pytest.approx(0.04, rel=1e-4)

    moved = people.xy.astype(np.float64)
    eyes = np.linalg.norm(moved[:, FACE.start + 36] - moved[:, FACE.start + 45], axis=-1)
    moved[:, FACE, 1] += 0.07 * eyes[:, None]
    assert evaluate_predictions(people, moved)["nme/face"] == pytest.approx(0.07, rel=1e-4)


def test_unlabelled_points_do_not_count(whole_set: EvalSet) -> None:
    people = whole_set.people
    people.visible[:, BODY.start + 3] = 0
    people.visible[0, RIGHT_HAND] = 0
    wild = people.xy.astype(np.float64)
    wild[people.visible == 0] = 1e6
    metrics = point_metrics(point_errors(people, wild))
    assert metrics["pck/whole"].value == metrics["oks/body"].value == 1
    with pytest.raises(ValueError, match="shape"):
        point_errors(people, wild[:1])


def test_intervals_hold_the_figure_and_repeat(whole_set: EvalSet) -> None:
    def spoil_half_of_the_photos(xy: np.ndarray) -> None:
        xy[: len(xy) // 2] += 200

    predictions = predictions_of(whole_set, spoil_half_of_the_photos)
    results = [
        evaluate_ap(whole_set.content, predictions, parts=("body",), resamples=40)["body"]
        for _ in range(2)
    ]
    assert results[0] == results[1]
    bounds = results[0].ap_interval
    assert bounds is not None
    assert 0 <= bounds.low < results[0].metrics["AP"] < bounds.high <= 1
    estimate = point_metrics(point_errors(whole_set.people, predictions.xy), resamples=40)
    pck = estimate["pck/body"]
    assert pck.interval is not None
    assert pck.value == 0.5
    assert pck.interval.low < 0.5 < pck.interval.high


def test_an_interval_resamples_photos_not_people() -> None:
    """100 people of one photo are one observation."""
    right = np.repeat([1.0, 0.0], 100)
    ones = np.ones(200)
    together = ratio_estimate(right, ones, np.repeat([0, 1], 100), resamples=200)
    apart = ratio_estimate(right, ones, np.arange(200), resamples=200)
    assert together is not None and together.interval == (0, 1)
    assert apart is not None and apart.interval is not None
    assert apart.interval.high - apart.interval.low < 0.2
    assert ratio_estimate(right, 0 * ones, np.arange(200)) is None


def test_detections_file(whole_set: EvalSet, tmp_path: Path) -> None:
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": [10, 20, 120, 200], "score": 0.9},
        {"image_id": 1, "category_id": 1, "bbox": [170, 20, 120, 220], "score": 0.01},
        {"image_id": 1, "category_id": 1, "bbox": [10, 20, 118, 200], "score": 0.8},
        {"image_id": 1, "category_id": 2, "bbox": [0, 0, 9, 9], "score": 0.7},
        {"image_id": 99, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.7},
    ]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(rows))
    boxes = boxes_from_file(path, whole_set)
    assert boxes.score.tolist() == pytest.approx([0.9, 0.01, 0.8])
    assert boxes.xyxy[1].tolist() == [170, 20, 290, 240]
    quality = detection_quality(boxes, whole_set)
    # Two of the eight people are found; the second box on the first person is wrong.
    assert (quality.recall, quality.people) == (2 / 8, 8)
    assert (quality.precision, quality.boxes) == (2 / 3, 3)
    path.write_text(json.dumps({"boxes": rows}))
    with pytest.raises(ValueError, match="COCO results"):
        boxes_from_file(path, whole_set)
    path.write_text(json.dumps(rows[-1:]))
    with pytest.raises(ValueError, match="none of 1"):
        boxes_from_file(path, whole_set)


class CentreSession:
    """A pose network that sees every keypoint in the middle of the crop."""

    name, provider = "centre.onnx", "test"
    input_shape = (None, 3, 256, 192)
    output_shapes = ((None, 133, 384), (None, 133, 512))

    def run(self, batch: np.ndarray) -> tuple[np.ndarray, ...]:
        x, y = (np.zeros((len(batch), 133, bins), np.float32) for bins in (384, 512))
        x[..., 192] = y[..., 256] = 1
        return x, y


def test_predictions_come_in_the_order_of_the_boxes(whole_set: EvalSet) -> None:
    boxes = ground_truth_boxes(whole_set)
    shuffle = np.random.default_rng(1).permutation(len(boxes))  # images interleave
    mixed = PersonBoxes(
        "mixed",
        boxes.image_id[shuffle],
        boxes.instance_id[shuffle],
        boxes.xyxy[shuffle] + shuffle[:, None].astype(np.float32),
        boxes.score[shuffle],
    )
    estimator = PoseEstimator(CentreSession(), max_batch=3)
    predictions = predict(estimator, whole_set, mixed, progress=False)
    centres = (mixed.xyxy[:, :2] + mixed.xyxy[:, 2:]) / 2
    assert np.abs(predictions.xy - centres[:, None]).max() < 1e-3
    assert predictions.instance_id.tolist() == mixed.instance_id.tolist()
    # 120 x 200 px boxes: 25 % padding, made 3:4
    assert predictions.area == pytest.approx(np.full(len(boxes), 250 * 187.5))


def test_end_to_end_with_a_detector(whole_set: EvalSet) -> None:
    """A detector that finds the left person of every photo: half of the people, nothing else."""

    class LeftPerson:
        session = CentreSession()

        def __call__(self, images: list[np.ndarray]) -> list[Boxes]:
            return [Boxes.from_xyxy([[10, 20, 130, 220]]) for _ in images]

    boxes = detected_boxes(LeftPerson(), whole_set)  # type: ignore[arg-type]
    result = measure(PoseEstimator(CentreSession()), whole_set, boxes=boxes, progress=False)
    assert result.points == {}
    assert result.detection is not None
    assert (result.detection.recall, result.detection.precision) == (0.5, 1)
    assert result.people == IMAGES and result.boxes == "centre.onnx"
    text = to_text(
        [ModelReport("m", (256, 192), Complexity(1, 1), Latency(1.0, "x"), False, (result,))]
    )
    assert "recall 0.500 of 8 people" in text


def test_no_detection_is_zero_recall(whole_set: EvalSet) -> None:
    nothing = np.zeros(0)
    boxes = PersonBoxes("none", nothing, nothing, np.zeros((0, 4), np.float32), nothing)
    assert detection_quality(boxes, whole_set).recall == 0


def test_data_that_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no data set"):
        find_eval_sets(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="expected an annotation file"):
        find_eval_sets(tmp_path)
    file = write_set(tmp_path / "empty", ())
    with pytest.raises(ValueError, match="labels none"):
        find_eval_sets(file)
    (file.parent / "more.json").write_text("{}")
    with pytest.raises(ValueError, match="several annotation files"):
        find_eval_sets(file.parent)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "sets" / "whole", WHOLE)
    write_set(tmp_path / "sets" / "faces", ("face_kpts",))
    torch.manual_seed(0)
    torch.save({"model": build_pose_model("t").state_dict()}, tmp_path / "student.pt")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = ["--data", str(tmp_path / "sets"), "--resamples", "5", "--flip", "--device", "cpu"]
    files = ["--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "out.png")]
    run(parser.parse_args([str(tmp_path / "student.pt"), *options, *files]))
    table = capsys.readouterr().out
    assert "| student | 256x192 |" in table and "flip test" in table
    (report,) = json.loads((tmp_path / "out.json").read_text())
    assert report["complexity"]["parameters"] == 5_519_779
    assert report["latency"]["ms"] > 0
    assert [result["data"] for result in report["results"]] == ["faces", "whole"]
    whole = report["results"][1]
    assert whole["people"] == IMAGES * PEOPLE_PER_IMAGE
    assert set(whole["table"]) == {"body", "foot", "face", "hand", "whole"}
    assert "pck/whole" in whole["points"]
    plot = cv2.imread(str(tmp_path / "out.png"))
    assert plot is not None and plot.std() > 0
    assert not list(tmp_path.glob(".*.partial"))
