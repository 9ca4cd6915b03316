"""The Annotator on small networks: options, many images, nobody, who is chosen."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dwpose_annotator import Annotator, Boxes, Poses, WeightsError
from dwpose_annotator.select_people import select_people
from tests.fake_networks import save_bright_spot_pose, save_fixed_detector

IMAGE = np.random.RandomState(0).randint(0, 256, (320, 320, 3), np.uint8)
PEOPLE = [(100.0, 90.0, 60.0, 120.0), (220.0, 200.0, 80.0, 160.0), (60.0, 250.0, 30.0, 40.0)]
SCORES = [0.5, 0.9, 0.35]


@pytest.fixture(scope="module")
def pose(tmp_path_factory):
    return save_bright_spot_pose(tmp_path_factory.mktemp("net") / "pose.onnx")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return save_fixed_detector(tmp_path_factory.mktemp("net") / "d.onnx", PEOPLE, SCORES)


@pytest.fixture(scope="module")
def finds_nobody(tmp_path_factory):
    return save_fixed_detector(tmp_path_factory.mktemp("net") / "none.onnx", [], [])


def test_detector_options_reach_the_detector(pose, detector):
    annotator = Annotator.from_pretrained(
        pose, detector=detector, score_threshold=0.4, max_people=1, device="cpu"
    )
    boxes = annotator.detect(IMAGE)
    assert len(boxes) == 1
    assert boxes.score[0] == pytest.approx(0.9)
    np.testing.assert_allclose(boxes.xyxy[0], [180, 120, 260, 280], atol=1e-3)
    poses = annotator.estimate(IMAGE)
    np.testing.assert_array_equal(poses.box, boxes.xyxy)


@pytest.mark.parametrize("none", [None, "none"])
def test_no_detector_poses_the_whole_image(none, pose):
    annotator = Annotator.from_pretrained(pose, detector=none, device="cpu")
    assert annotator.detector is None
    poses = annotator.estimate(IMAGE[:200])
    assert poses.box.tolist() == [[0, 0, 320, 200]]


def test_nobody_is_an_empty_result_unless_asked_otherwise(pose, finds_nobody):
    annotator = Annotator.from_pretrained(pose, detector=finds_nobody, device="cpu")
    poses = annotator.estimate(IMAGE)
    assert (len(poses), poses.size_hw) == (0, (320, 320))
    assert not annotator(IMAGE).any()
    eager = Annotator.from_pretrained(
        pose, detector=finds_nobody, device="cpu", whole_image_if_nobody=True
    )
    assert eager.estimate(IMAGE).box.tolist() == [[0, 0, 320, 320]]


def test_given_boxes_skip_the_detector(pose, finds_nobody):
    annotator = Annotator.from_pretrained(pose, detector=finds_nobody, device="cpu")
    boxes = Boxes.from_xyxy([[10, 20, 100, 200]])
    poses = annotator.estimate(IMAGE, boxes=boxes)
    np.testing.assert_array_equal(poses.box, boxes.xyxy)


def test_batch_equals_one_by_one(pose, detector):
    annotator = Annotator.from_pretrained(pose, detector=detector, max_batch=4, device="cpu")
    images = [IMAGE, IMAGE[:200], IMAGE[:, 100:], Image.fromarray(IMAGE[::-1])]
    together = annotator.estimate_batch(images)
    for image, poses in zip(images, together, strict=True):
        single = annotator.estimate(image)
        assert poses.size_hw == single.size_hw
        np.testing.assert_array_equal(poses.xy, single.xy)
        np.testing.assert_allclose(poses.score, single.score, rtol=1e-5)
    assert annotator.estimate_batch([]) == []


def test_map_sizes(pose, detector):
    annotator = Annotator.from_pretrained(pose, detector=detector, device="cpu")
    drawn = annotator(IMAGE[:200])
    assert (drawn.shape, drawn.dtype) == ((200, 320, 3), np.uint8)
    assert drawn.any()
    assert annotator(IMAGE[:200], resolution=256).shape == (256, 384, 3)
    hidden = annotator(IMAGE, body=False, hands=False, face=False)
    assert not hidden.any()


def test_swapped_networks_are_refused(pose, detector):
    with pytest.raises(WeightsError, match="whole-body SimCC"):
        Annotator.from_pretrained(detector, detector=None, device="cpu")
    with pytest.raises(WeightsError, match="detector"):
        Annotator.from_pretrained(pose, detector=pose, device="cpu")


@pytest.mark.parametrize("wrong", [{"score_threshold": 2}, {"max_people": 0}, {"max_batch": 0}])
def test_options_out_of_range(wrong, pose, detector):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Annotator.from_pretrained(pose, detector=detector, device="cpu", **wrong)


def test_import_is_light():
    """What `dwpose --help` and every node pack pay for."""
    code = (
        "import sys, dwpose_annotator; "
        "print([m for m in ('torch', 'onnxruntime', 'cv2', 'huggingface_hub') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


# ---- who is chosen ---------------------------------------------------------------------------


@pytest.fixture
def crowd():
    """Four people: scores, areas and positions all order them differently."""
    box = np.array([[10, 0, 30, 40], [60, 0, 100, 90], [40, 40, 60, 60], [0, 50, 4, 60]], float)
    poses = Poses.empty((100, 100))
    return Poses(
        np.zeros((4, 133, 2)),
        np.zeros((4, 133)),
        box,
        np.array([0.4, 0.5, 0.9, 0.5]),
        poses.size_hw,
        np.arange(4),
    )


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("score", [2, 1, 3, 0]),
        ("largest", [1, 0, 2, 3]),
        ("left-to-right", [3, 0, 2, 1]),
        ("center", [2, 1, 0, 3]),
    ],
)
def test_orders(order, expected, crowd):
    assert select_people(crowd, order=order).track_id.tolist() == expected
    assert select_people(crowd, order=order, max_people=2).track_id.tolist() == expected[:2]
    assert select_people(crowd, order=order, indices=[-1, 1, 7]).track_id.tolist() == [
        expected[-1],
        expected[1],
    ]
    if order != "center":
        boxes = Boxes(crowd.box, crowd.box_score)
        np.testing.assert_array_equal(
            select_people(boxes, order=order).xyxy, crowd.box[expected].astype(np.float32)
        )


def test_nobody_left(crowd):
    assert len(select_people(crowd, indices=[])) == 0
    assert len(select_people(crowd, indices=[9])) == 0
    assert len(select_people(Poses.empty((5, 5)), order="center")) == 0


def test_wrong_choices(crowd):
    with pytest.raises(ValueError, match="order must be one of score, largest"):
        select_people(crowd, order="tallest")
    with pytest.raises(ValueError, match="center"):
        select_people(Boxes(crowd.box, crowd.box_score), order="center")
    with pytest.raises(ValueError, match="max_people"):
        select_people(crowd, max_people=0)
