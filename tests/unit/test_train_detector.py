"""The detector's training: boxes follow pixels, assignment, loss, measuring and export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dwpose_annotator.detect import Detector, DetectorOptions
from dwpose_annotator.models.person_detector import PersonDetector
from dwpose_annotator.session import OnnxSession
from dwpose_annotator.types import Boxes
from train.detector import evaluate
from train.detector.data import (
    PERSON,
    UNKNOWN,
    DetectionDataset,
    Photos,
    PicturePhase,
    load_photos,
    paste,
    vary_light,
)
from train.detector.detections import match_all, match_photo
from train.detector.export import compare, export_detector, move_threshold
from train.detector.objective import (
    DetectorObjective,
    assign,
    decode_boxes,
    detector_losses,
    grid_of,
    paired_iou,
)
from train.detector.train import DetectorRecipe, train_detector
from train.sampling import SampleKey

SIZE = 96


def lit_photo(box: tuple[int, int, int, int], size_hw: tuple[int, int] = (120, 160)) -> np.ndarray:
    """A dark photo whose person is a bright rectangle."""
    photo = np.full((*size_hw, 3), 20, np.uint8)
    photo[box[1] : box[3], box[0] : box[2]] = 240
    return photo


def dataset_of(
    people: dict[str, tuple[int, int, int, int]],
    *,
    mosaic: float = 0.0,
    fine: float = 0.0,
    **options,
) -> DetectionDataset:
    paths = tuple(Path(name) for name in people)
    boxes = tuple(np.array([box], np.float32) for box in people.values())
    pixels = {Path(name): lit_photo(box) for name, box in people.items()}
    phases = [PicturePhase(0, SIZE, mosaic, fine=fine)]
    nothing = tuple(np.zeros((0, 4), np.float32) for _ in boxes)
    return DetectionDataset(Photos(paths, boxes, nothing), pixels, phases=phases, seed=7, **options)


@pytest.mark.parametrize(("mosaic", "fine"), [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
def test_boxes_follow_the_lit_rectangle(mosaic, fine, monkeypatch):
    """Every bright pixel lies in a label, and every person's label is bright to its edges."""
    monkeypatch.setattr("train.detector.data.vary_light", lambda _rng, picture: picture)
    rectangles = {"a": (20, 10, 70, 100), "b": (60, 50, 150, 110)}
    dataset = dataset_of(rectangles, mosaic=mosaic, fine=fine)
    people = 0
    for lap in range(40):
        picture, labels = (value.numpy() for value in dataset[SampleKey(0, lap % 2, lap)])
        bright = picture.max(axis=2) > 180  # the grey canvas stays below it
        covered = np.zeros_like(bright)
        for left, top, right, bottom, kind in labels:
            x1, y1, x2, y2 = (round(v) for v in (left, top, right, bottom))
            covered[max(0, y1 - 2) : y2 + 2, max(0, x1 - 2) : x2 + 2] |= kind != 0
            if kind == PERSON:
                people += 1
                small = min(x2 - x1, y2 - y1) < 12  # hardly more than edges, which resizing blurs
                assert small or bright[y1:y2, x1:x2].mean() > 0.7
        assert not (bright & ~covered).any()
    assert people > 30


def test_somebody_cut_by_the_frame_is_unknown():
    canvas = np.zeros((100, 100, 3), np.uint8)
    boxes = np.float32([[0, 0, 40, 100, PERSON], [60, 0, 100, 100, PERSON]])
    labels = paste(canvas, np.full((100, 100, 3), 200, np.uint8), boxes, scale=1.0,
                   offset_xy=(-35, 0), region=(0, 0, 100, 100))  # fmt: skip
    np.testing.assert_allclose(labels, [[0, 0, 5, 100, UNKNOWN], [25, 0, 65, 100, PERSON]])
    assert (canvas[:, :65] == 200).all() and (canvas[:, 65:] == 0).all()


def test_cut_outs_leave_the_rest_of_their_area_unknown():
    crop = dataset_of({"crop": (30, 20, 60, 100)})
    dataset = dataset_of({"empty": (0, 0, 1, 1)}, mosaic=1.0, crops=crop.photos, crop_share=1.0)
    dataset.pixels |= crop.pixels
    _, labels = dataset[SampleKey(0, 0, 0)]
    areas = labels[labels[:, 4] == UNKNOWN][:, :4]
    people = labels[labels[:, 4] == PERSON][:, :4]
    assert len(people) and len(areas) >= 3
    for person in people:
        inside = (areas[:, :2] <= person[:2]).all(1) & (areas[:, 2:] >= person[2:]).all(1)
        assert inside.any()


def test_light_varies_and_some_pictures_turn_grey():
    picture = np.zeros((8, 8, 3), np.uint8) + np.array([200, 100, 50], np.uint8)
    rng = np.random.default_rng(0)
    seen = [vary_light(rng, picture)[0, 0] for _ in range(300)]
    grey = [colour for colour in seen if colour[0] == colour[1] == colour[2]]
    assert 5 < len(grey) < 60
    assert min(colour[0] for colour in seen) < 150 < 200 < max(colour[0] for colour in seen)


def test_sources_and_upper_bodies_are_selected(tmp_path):
    images = [
        {"id": 1, "file_name": "a.png", "source": "street", "part": "person"},
        {"id": 2, "file_name": "b.png", "source": "street", "part": "upper"},
        {"id": 3, "file_name": "c.png", "source": "faces", "part": "person"},
    ]
    boxes = [{"image_id": i, "bbox": [i, 2, 10, 20]} for i in (1, 2, 3)]
    boxes.append({"image_id": 1, "bbox": [5, 5, 3, 3], "iscrowd": 1})
    file = tmp_path / "train.json"
    file.write_text(json.dumps({"images": images, "annotations": boxes}))
    photos = load_photos(file, tmp_path, sources=("street",))
    assert photos.image == (tmp_path / "a.png",)
    np.testing.assert_array_equal(photos.boxes[0], [[1, 2, 11, 22]])
    np.testing.assert_array_equal(photos.labels(0), [[1, 2, 11, 22, PERSON], [5, 5, 8, 8, UNKNOWN]])


def test_assignment_prefers_the_fitting_row_inside_the_box():
    people = torch.tensor([[0.0, 0, 40, 40], [60, 0, 100, 40]])
    centres = torch.tensor([[20.0, 20], [24, 20], [80, 20], [150, 20]])
    boxes = torch.tensor([[0.0, 0, 40, 40], [0, 0, 40, 20], [60, 0, 100, 36], [0, 0, 40, 40]])
    owner, target = assign(torch.full((4,), 0.5), boxes, centres, people)
    assert owner.tolist() == [0, 0, 1, -1]  # the last fits best but lies outside
    np.testing.assert_allclose(target[[0, 2, 3]], [1.0, 0.9, 0.0], atol=1e-5)
    assert 0 < target[1] < 0.1  # half the overlap, to the sixth power


def test_giou_of_boxes_apart_is_negative():
    iou, giou = paired_iou(torch.tensor([0.0, 0, 10, 10]), torch.tensor([20.0, 0, 30, 10]))
    assert iou == 0
    assert giou == pytest.approx(-1 / 3)


def test_unknown_areas_give_no_gradient():
    cells, strides = grid_of(SIZE, torch.device("cpu"))
    rows = torch.zeros(1, len(cells), 5, requires_grad=True)
    labels = torch.zeros(1, 4, 5)
    labels[0, 0] = torch.tensor([16, 16, 48, 60, PERSON])
    labels[0, 1] = torch.tensor([0, 0, 64, SIZE, UNKNOWN])
    torch.stack([*detector_losses(rows, labels, SIZE).values()]).sum().backward()
    centres = (cells + 0.5) * strides
    in_person = ((centres > torch.tensor([16, 16])) & (centres < torch.tensor([48, 60]))).all(1)
    unknown = (centres[:, 0] < 64) & ~in_person
    moved = rows.grad[0, :, 4] != 0
    assert not moved[unknown].any()
    assert moved[~unknown].all()


def test_a_tiny_set_is_learned():
    torch.manual_seed(0)
    objective = DetectorObjective(PersonDetector(), freeze_early=False).train()
    dataset = dataset_of({"a": (20, 10, 70, 100), "b": (60, 50, 150, 110)}, mosaic=0.0)
    samples = [dataset[SampleKey(0, i, 0)] for i in (0, 1)]
    pictures, labels = (torch.stack(values) for values in zip(*samples, strict=True))
    optimizer = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    history = []
    for _ in range(25):
        losses = objective(pictures, labels, 0, 1)
        total = torch.stack([*losses.values()]).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append(float(total.detach()))
    assert np.mean(history[-3:]) < 0.5 * np.mean(history[:3])
    rows = objective.model.forward_logits(pictures.flip(-1).permute(0, 3, 1, 2).float())
    for n in range(2):
        best = rows[n, :, 4].argmax()
        box = decode_boxes(rows[n], *grid_of(SIZE, torch.device("cpu")))[best]
        assert paired_iou(box, labels[n, 0, :4])[0] > 0.5


def test_a_stopped_run_resumes_exactly(tmp_path):
    """Two epochs at once equal one epoch, then the rest; the second epoch has larger pictures."""
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    people = {"a.png": (20, 10, 70, 100), "b.png": (60, 50, 150, 110)}
    for name, box in people.items():
        cv2.imwrite(str(data / "images" / name), lit_photo(box))
    content = {
        "images": [{"id": i, "file_name": n, "source": "sports"} for i, n in enumerate(people)],
        "annotations": [
            {"image_id": i, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            for i, (x1, y1, x2, y2) in enumerate(people.values())
        ],
    }
    (data / "train.json").write_text(json.dumps(content))
    recipe = DetectorRecipe(phases=(PicturePhase(0, 64, 0.5), PicturePhase(1, 96, 0.0)))
    engine = replace(recipe.engine, epochs=2, batch_size=2, precision="no", workers=0, log_steps=1)
    recipe = replace(recipe, engine=engine)
    options = {"photos": [str(data)], "crops": [str(data)], "cpu": True}
    whole = train_detector(recipe, tmp_path / "whole", **options)
    halves = replace(recipe, engine=replace(engine, epochs=1))
    train_detector(halves, tmp_path / "halves", **options)
    resumed = train_detector(recipe, tmp_path / "halves", **options)
    assert whole.step == resumed.step == 2
    expected = whole.ema.module.state_dict()
    for name, value in resumed.ema.module.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").open()]
    assert [row["step"] for row in log] == [1, 2]


def test_matching_and_its_figures():
    people = np.array([[0, 0, 50, 100], [100, 0, 150, 50]], np.float32)
    found = Boxes([[0, 0, 50, 90], [0, 0, 50, 95], [100, 0, 150, 52], [300, 0, 350, 200]],
                  [0.8, 0.9, 0.5, 0.7])  # fmt: skip
    matches = match_photo(found, people)
    np.testing.assert_allclose(matches.found_score, [0.9, 0.5])
    assert matches.right.tolist() == [True, False, False, True]  # by score; found only once
    assert matches.recall(0, np.inf, threshold=0.6) == (0.5, 2)
    assert matches.precision(0, np.inf, threshold=0.4) == (0.5, 4)
    assert matches.recall(96, np.inf, threshold=0.6) == (1.0, 1)
    assert matches.precision(96, np.inf, threshold=0.6) == (0.5, 2)  # the box of 90 px is out
    # Precision 1 up to recall 0.5 (51 of 101 levels), then 2 of 4.
    assert matches.average_precision() == pytest.approx((51 + 50 * 0.5) / 101)
    nobody = match_all([found, Boxes.from_xyxy([])], [people, np.zeros((0, 4), np.float32)])
    assert nobody.average_precision() == matches.average_precision()


@pytest.fixture(scope="module")
def detector_model() -> PersonDetector:
    torch.manual_seed(3)
    model = PersonDetector().eval()
    for layer in model.head.scores:
        torch.nn.init.normal_(layer.weight, std=0.5)
    return model


@pytest.mark.parametrize("half_storage", [False, True])
def test_export_equals_torch_for_any_batch(detector_model, tmp_path, half_storage):
    file = tmp_path / "person.onnx"
    export_detector(detector_model, file, size=SIZE, half_storage=half_storage)
    batch = np.random.default_rng(0).uniform(0, 255, (3, 3, SIZE, SIZE)).astype(np.float32)
    box, score = compare(detector_model, file, batch)
    limit = 2e-2 if half_storage else 1e-4
    assert box < limit and score < limit
    session = OnnxSession(file, "cpu")
    assert session.input_shape == (None, 3, SIZE, SIZE)
    one = session.run(batch[:1])[0]
    assert one.shape == (1, 12 * 12 + 6 * 6 + 3 * 3, 6)


def test_moving_the_threshold_keeps_the_choice(detector_model):
    batch = torch.rand(1, 3, SIZE, SIZE) * 255
    with torch.inference_mode():
        before = detector_model(batch)[0, :, 4]
        threshold = float(before.median())
        moved = PersonDetector().eval()
        moved.load_state_dict(detector_model.state_dict())
        move_threshold(moved, threshold)
        after = moved(batch)[0, :, 4]
    clear = (before - threshold).abs() > 1e-4
    assert (before > threshold)[clear].tolist() == (after > 0.3)[clear].tolist()
    with pytest.raises(ValueError, match="between 0 and 1"):
        move_threshold(moved, 1.0)


def test_evaluate_command(detector_model, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), lit_photo((20, 10, 70, 110)))
    annotation = {"image_id": 1, "bbox": [20, 10, 50, 100]}
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [annotation]}
    (tmp_path / "body.json").write_text(json.dumps(content))
    checkpoint = tmp_path / "model.pt"
    torch.save({"model": detector_model.state_dict()}, checkpoint)
    parser = evaluate.argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    arguments = [str(checkpoint), str(tmp_path / "body.json"), "--size", str(SIZE)]
    arguments += ["--json", str(tmp_path / "out.json"), "--sheet", str(tmp_path / "sheet.png")]
    evaluate.run(parser.parse_args(arguments))
    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["by_height"][-1]["people"] == 1
    assert "AP50" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (240, 240 * 8, 3)
    session = evaluate.open_detector(checkpoint, size=SIZE)
    options = DetectorOptions(score_threshold=evaluate.LOWEST_SCORE)
    found = Detector(session, options=options)([lit_photo((20, 10, 70, 110))])[0]
    assert sum(row["boxes"] for row in figures["by_height"][:-1]) == (found.score > 0.3).sum()


def test_rendered_pictures_stand_in_for_photos():
    rendered = dataset_of({"rendered": (30, 20, 60, 100)})
    options = {"synthetic": rendered.photos, "synthetic_share": 0.25}
    dataset = dataset_of({"empty": (0, 0, 1, 1)}, **options)
    dataset.pixels |= rendered.pixels
    taken = [(dataset[SampleKey(0, 0, lap)][1][:, 4] == PERSON).any() for lap in range(200)]
    assert 0.15 < np.mean(taken) < 0.35
