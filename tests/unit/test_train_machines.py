"""Labels by public networks: what two detectors and MoveNet say, and what becomes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from dwpose_annotator.images import save_image
from dwpose_annotator.skeleton import BODY
from dwpose_annotator.types import Boxes
from train.data import load_people, read_json, write_json
from train.detector.data import load_photos
from train.evaluation.eval_set import load_eval_set
from train.evaluation.run_model import second_opinion
from train.machines.agree import TRUST, agreed, with_second
from train.machines.boxes import DOUBT_FROM, PERSON_FROM, boxed
from train.machines.detectors import fused, open_centernet, open_nanodet
from train.machines.movenet import SIDE, BodyAnswer, open_movenet, square_crop
from train.machines.points import LEAST_TRUST, filled, with_answer, with_missing

WIDE, HIGH = 200, 100


def constant_network(path: Path, shape: list[int], outputs: list[np.ndarray], kind: int) -> Path:
    """An ONNX file that answers the same to every picture."""
    nodes = [
        helper.make_node("Constant", [], [f"out{n}"], value=numpy_helper.from_array(value))
        for n, value in enumerate(outputs)
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("picture", kind, shape)],
        [
            helper.make_tensor_value_info(f"out{n}", TensorProto.FLOAT, value.shape)
            for n, value in enumerate(outputs)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def centernet(tmp_path):
    """Somebody at 10, 20, 60, 90 of a 200x100 photo, and a dog."""
    ratio = 512 / WIDE
    rows = np.zeros((1, 100, 6), np.float32)
    rows[0, 0] = [10 * ratio, 20 * ratio, 60 * ratio, 90 * ratio, 0.8, 0]
    rows[0, 1] = [100 * ratio, 20 * ratio, 160 * ratio, 90 * ratio, 0.9, 16]
    return constant_network(tmp_path / "c.onnx", [1, 512, 512, 3], [rows], TensorProto.FLOAT)


@pytest.fixture
def nanodet(tmp_path):
    """One cell of stride 16 that reaches 3 strides left and up, 2 right and 4 down."""
    outputs = []
    for stride in (8, 16, 32):
        cells = (416 // stride) ** 2
        scores, bins = np.zeros((1, cells, 80), np.float32), np.zeros((1, cells, 4, 11), np.float32)
        if stride == 16:
            cell = 5 * 26 + 10  # row 5, column 10
            scores[0, cell, 0], scores[0, cell + 1, 1] = 0.6, 0.9
            for side, reach in enumerate((3, 3, 2, 4)):
                bins[0, cell, side, reach] = 50
        outputs += [scores, bins.reshape(1, cells, 44)]
    return constant_network(tmp_path / "n.onnx", [1, 3, 416, 416], outputs, TensorProto.FLOAT)


def test_centernet_gives_people_in_photo_pixels(centernet):
    found = open_centernet(centernet)(np.zeros((HIGH, WIDE, 3), np.uint8))
    np.testing.assert_allclose(found.xyxy, [[10, 20, 60, 90]], atol=1e-3)
    np.testing.assert_allclose(found.score, [0.8])


def test_nanodet_reads_its_distributions(nanodet):
    found = open_nanodet(nanodet)(np.zeros((HIGH, WIDE, 3), np.uint8))
    scale = WIDE / 416
    centre = np.array([10.5, 5.5]) * 16
    expected = np.array([*(centre - 3 * 16), centre[0] + 2 * 16, centre[1] + 4 * 16]) * scale
    np.testing.assert_allclose(found.xyxy, [expected], atol=1e-3)
    np.testing.assert_allclose(found.score, [0.6])


def test_a_network_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no network at .*missing.onnx.*docs/training"):
        open_centernet(tmp_path / "missing.onnx")


box_lists = st.lists(
    st.tuples(*[st.integers(0, 80)] * 2, *[st.integers(10, 60)] * 2, st.floats(0.1, 1.0)),
    max_size=6,
)


def boxes_of(rows: list[tuple[float, ...]]) -> Boxes:
    values = np.array(rows, float).reshape(-1, 5)
    xyxy = np.concatenate([values[:, :2], values[:, :2] + values[:, 2:4]], axis=1)
    return Boxes(xyxy, values[:, 4])


@given(box_lists, box_lists)
def test_two_lists_become_one(first, second):
    one, other = boxes_of(first), boxes_of(second)
    together = fused(one, other)
    assert max(len(one), len(other)) <= len(together) <= len(one) + len(other)
    np.testing.assert_allclose(
        together.score.sum(), (one.score.sum() + other.score.sum()) / 2, rtol=1e-5
    )  # nobody is lost or counted twice


def test_agreement_is_averaged_and_a_lone_opinion_counts_half():
    one = Boxes([[0, 0, 10, 10]], [0.9])
    two = Boxes([[0, 0, 10, 12], [50, 50, 60, 60]], [0.3, 0.6])
    together = fused(one, two)
    np.testing.assert_allclose(together.xyxy, [[0, 0, 10, 10.5], [50, 50, 60, 60]])
    np.testing.assert_allclose(together.score, [0.6, 0.3])


def detection_file(folder: Path, boxes: list[list[float]]) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    save_image(folder / "images" / "a.png", np.full((HIGH, WIDE, 3), 90, np.uint8))
    image = {"id": 4, "file_name": "a.png", "width": WIDE, "height": HIGH, "source": "web"}
    rows = [{"id": n, "image_id": 4, "bbox": box} for n, box in enumerate(boxes, start=1)]
    write_json(folder / "train.json", {"images": [image], "annotations": rows})
    return folder / "train.json"


def test_sure_boxes_are_people_and_the_rest_is_unknown(tmp_path):
    file = detection_file(tmp_path, [[10, 10, 30, 60], [150, 10, 40, 80]])
    found = Boxes(
        [[11, 10, 40, 70], [80, 10, 110, 70], [120, 0, 130, 20]],
        [PERSON_FROM + 0.1, (PERSON_FROM + DOUBT_FROM) / 2, DOUBT_FROM - 0.05],
    )
    content = boxed(read_json(file), tmp_path / "images", lambda _: found)
    write_json(tmp_path / "new.json.gz", content)
    photos = load_photos(tmp_path / "new.json.gz", tmp_path / "images")
    np.testing.assert_allclose(photos.boxes[0], [[11, 10, 40, 70]])
    # the doubtful one, and the old box that nobody confirms; the third is background
    np.testing.assert_allclose(photos.doubtful[0], [[80, 10, 110, 70], [150, 10, 190, 90]])


def test_an_image_that_cannot_be_read_is_left_out(tmp_path):
    file = detection_file(tmp_path, [])
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")
    content = boxed(read_json(file), tmp_path / "images", lambda _: Boxes.from_xyxy([[0, 0, 9, 9]]))
    assert content["images"] == [] and content["annotations"] == []


def test_the_boxes_command_writes_a_file_the_detector_reads(tmp_path, centernet, nanodet):
    detection_file(tmp_path, [])
    command = [
        sys.executable, "-m", "train.machines", "boxes", str(tmp_path),
        "-o", str(tmp_path / "b.json.gz"), "--networks", str(centernet), str(nanodet),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    photos = load_photos(tmp_path / "b.json.gz", tmp_path / "images")
    np.testing.assert_allclose(photos.boxes[0], [[10, 20, 60, 90]], atol=0.1)


@pytest.fixture
def movenet(tmp_path):
    """Everybody's every point is in the middle of the crop, sure."""
    rows = np.full((1, 1, 17, 3), 0.5, np.float32)
    rows[..., 2] = 0.9
    return constant_network(tmp_path / "m.onnx", [1, 256, 256, 3], [rows], TensorProto.INT32)


def test_movenet_answers_in_image_pixels(movenet):
    answer = open_movenet(movenet)(
        np.zeros((HIGH, WIDE, 3), np.uint8), np.float32([20, 10, 60, 90])
    )
    np.testing.assert_allclose(answer.xy, [[40, 50]] * 17, atol=1e-3)
    np.testing.assert_allclose(answer.apart, 0, atol=1e-5)
    np.testing.assert_allclose(answer.trust(), 0.9, atol=1e-6)


@pytest.mark.parametrize("side", [40.0, 900.0])
def test_the_square_crop_shows_what_its_matrix_says(side):
    image = np.zeros((1000, 1000, 3), np.uint8)
    centre = np.array([500.0, 480.0])
    spot = (centre + side / 8).astype(int)
    radius = max(1, int(side / 40))
    image[spot[1] - radius : spot[1] + radius + 1, spot[0] - radius : spot[0] + radius + 1] = 255
    box = np.float32([*(centre - side / 2), *(centre + side / 2)])
    crop, matrix = square_crop(image, box)
    assert crop.shape == (SIDE, SIDE, 3)
    rows, columns = np.nonzero(crop[..., 0] > 127)
    seen = np.array([columns.mean(), rows.mean()])
    np.testing.assert_allclose(seen, matrix @ [*spot, 1], atol=1.0)


def answer_of(score: float, apart: float = 0.0, xy: tuple[float, float] = (5, 6)) -> BodyAnswer:
    return BodyAnswer(
        np.tile(np.float32(xy), (17, 1)),
        np.full(17, score, np.float32),
        np.full(17, apart, np.float32),
    )


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_trust_rises_with_the_score_and_falls_with_the_distance(low, high, apart):
    low, high = sorted((low, high))
    trust = [answer_of(score, apart).trust() for score in (low, high)]
    assert (trust[0] <= trust[1]).all() and (trust[0] >= 0).all() and (trust[1] < 1).all()
    assert (answer_of(high, 0).trust() >= trust[1]).all()


def test_only_missing_points_are_added_and_only_inside_the_image():
    points = np.zeros((17, 3))
    points[3] = [50, 40, 2]
    result = with_answer(points, answer_of(0.9), (HIGH, WIDE))
    np.testing.assert_array_equal(result[3], [50, 40, 2])
    np.testing.assert_allclose(np.delete(result, 3, axis=0), [[5, 6, 0.9]] * 16, atol=1e-6)
    assert not with_answer(np.zeros((17, 3)), answer_of(0.9, xy=(-1, 6)), (HIGH, WIDE)).any()
    assert not with_answer(np.zeros((17, 3)), answer_of(0.06), (HIGH, WIDE)).any()
    assert answer_of(0.06).trust()[0] < LEAST_TRUST


def test_weights_reach_the_training_crops(tmp_path):
    file = detection_file(tmp_path, [[10, 10, 30, 60]])
    rows = list(filled(read_json(file), tmp_path / "images", lambda *_: answer_of(0.35)))
    write_json(tmp_path / "points.json", {**read_json(file), "annotations": rows})
    for hidden in (True, False):
        people = load_people(tmp_path / "points.json", tmp_path / "images", hidden=hidden)
        np.testing.assert_allclose(people.visible[0, :17], 0.75, atol=1e-6)
        assert not people.visible[0, 17:].any()


def test_people_labelled_by_people_are_left_alone(tmp_path):
    content = read_json(detection_file(tmp_path, [[10, 10, 30, 60]]))
    content["annotations"][0]["keypoints"] = [20, 20, 2] + [0] * 48
    images = tmp_path / "images"
    answer = lambda *_: answer_of(0.9)  # noqa: E731
    kept = list(filled(content, images, answer, keep=["web"]))
    assert kept == content["annotations"]
    changed = list(filled(content, images, answer))
    assert changed[0]["num_keypoints"] == 17 and changed[0]["keypoints"][:3] == [20, 20, 2]


def test_small_unlabelled_people_are_left_out(tmp_path):
    content = read_json(detection_file(tmp_path, [[10, 10, 20, 47], [10, 10, 20, 48]]))
    rows = list(filled(content, tmp_path / "images", lambda *_: answer_of(0.9)))
    assert [row["id"] for row in rows] == [2]


def test_who_is_missing_is_added_once(tmp_path):
    content = read_json(detection_file(tmp_path, [[10, 10, 30, 60]]))
    boxes = read_json(detection_file(tmp_path, [[12, 10, 30, 60], [100, 0, 40, 90]]))
    boxes["images"][0]["id"] = 77
    for number, row in enumerate(boxes["annotations"]):
        row |= {"image_id": 77, "iscrowd": 0, "id": number}
    merged = with_missing(content, boxes)
    assert [row["bbox"] for row in merged["annotations"]] == [[10, 10, 30, 60], [100, 0, 40, 90]]
    assert [row["image_id"] for row in merged["annotations"]] == [4, 4]
    assert len({row["id"] for row in merged["annotations"]}) == 2


def test_the_points_command_adds_people_from_boxes(tmp_path, movenet):
    detection_file(tmp_path, [])
    boxes = read_json(tmp_path / "train.json")
    boxes["annotations"] = [{"id": 1, "image_id": 4, "bbox": [10, 0, 40, 90], "iscrowd": 0}]
    write_json(tmp_path / "boxes.json.gz", boxes)
    command = [
        sys.executable, "-m", "train.machines", "points", str(tmp_path), "-o",
        str(tmp_path / "p.json.gz"), "--network", str(movenet),
        "--boxes", str(tmp_path / "boxes.json.gz"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    row = read_json(tmp_path / "p.json.gz")["annotations"][0]
    assert json.dumps(row["keypoints"][:3]) == "[30.0, 45.0, 0.9]"


@pytest.mark.parametrize(("apart", "kept"), [(0.0, True), (0.1, True), (0.2, False), (1.0, False)])
def test_labels_move_a_third_of_the_way_or_go(apart, kept):
    points = np.tile([50.0, 60.0, 0.4], (17, 1))
    points[3] = 0
    answer = points[:, :2] + [0, apart * 80]
    result = with_second(points, answer, side=80)
    assert not result[3].any()
    assert (np.delete(result[:, 2], 3) > 0).all() == kept
    if kept:
        assert np.allclose(result[0, :2], [50, 60 + 0.3 * apart * 80])


@given(st.floats(0, 1), st.floats(0, 1))
def test_labels_count_more_the_nearer_the_second_answer(near, far):
    near, far = sorted((near, far))
    points = np.tile([0.0, 0.0, 1.0], (17, 1))
    weights = [
        with_second(points, np.full((17, 2), [apart, 0]), side=1)[0, 2] for apart in (near, far)
    ]
    assert weights[0] >= weights[1]
    assert all(weight == 0 or LEAST_TRUST <= weight < 1 for weight in weights)


def test_the_second_network_leaves_labels_by_people_alone():
    label = [10.0, 10.0, 2.0] * 17
    rows = [
        {"id": number, "image_id": number, "bbox": [0, 0, 20, 20], "keypoints": label}
        for number in (1, 2, 3)
    ]
    images = [{"id": 1, "source": "coco"}, {"id": 2, "source": "web"}, {"id": 3, "source": "web"}]
    answers = {1: np.full((17, 2), 19.0), 2: np.full((17, 2), 19.0), 3: np.full((17, 2), 10.2)}
    content = agreed({"images": images, "annotations": rows}, answers, keep=("coco",))
    assert content["annotations"][0] is rows[0]
    assert [row["id"] for row in content["annotations"]] == [1, 3]  # nothing of 2 is left
    assert content["annotations"][1]["num_keypoints"] == 17


def test_the_agree_command_asks_a_network(tmp_path):
    """Where the labels are the network's own answers they stay, elsewhere they go."""
    (tmp_path / "images").mkdir()
    save_image(tmp_path / "images" / "a.png", np.full((120, 90, 3), 128, np.uint8))
    label = {
        "id": 5, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [0, 0, 90, 120],
        "area": 10800, "num_keypoints": 17, "keypoints": [45.0, 60.0, 0.8] * 17,
    }  # fmt: skip
    image = {"id": 1, "file_name": "a.png", "width": 90, "height": 120}
    labels = {"images": [image], "annotations": [label]}
    write_json(tmp_path / "points.json.gz", labels)
    eval_set = load_eval_set(tmp_path / "points.json.gz", tmp_path / "images")
    answer = second_opinion("dwpose-t", eval_set, device="cpu", threads=1).xy[0, BODY]
    points = np.column_stack([answer, np.full(17, 0.5)])
    points[9:, :2] += 120  # the box's longer side
    label["keypoints"] = points.ravel().tolist()
    write_json(tmp_path / "points.json.gz", labels)
    source, target = f"{tmp_path}/points.json.gz@{tmp_path}/images", tmp_path / "agreed.json.gz"
    command = ["agree", source, "-o", str(target), "--model", "dwpose-t", "--device", "cpu"]
    subprocess.run([sys.executable, "-m", "train.machines", *command], check=True)
    [row] = read_json(target)["annotations"]
    after = np.reshape(row["keypoints"], (17, 3))
    np.testing.assert_allclose(after[:9, :2], answer[:9], atol=0.01)
    np.testing.assert_allclose(after[:9, 2], TRUST[0])
    assert row["num_keypoints"] == 9
    assert not after[9:].any()
