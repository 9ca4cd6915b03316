"""The whole way, with the two networks replaced by stored answers, equals the reference's map."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from dwpose_annotator import Annotator, Boxes, skeleton
from dwpose_annotator.detect import Detector
from dwpose_annotator.estimate import PoseEstimator

# 6 grey levels after normalisation (README of the golden set, section 10).
INPUT_TOLERANCE, INPUT_MEAN_TOLERANCE = 0.11, 0.01
THRESHOLD = 0.3


class StoredDetector:
    name = "stored detector"
    provider = "none"
    input_shape = (1, 3, 640, 640)
    output_shapes = ((1, 8400, 85),)

    def __init__(self, rows, values):
        self.raw = np.zeros((1, 8400, 85), np.float32)
        self.raw[0, rows] = values

    def run(self, batch):
        assert batch.shape == (1, 3, 640, 640)
        return (self.raw,)


class RecipePose:
    """Gives each person, in turn, the logits that the set's recipe makes; keeps the inputs."""

    name = "recipe pose"
    provider = "none"
    input_shape = (None, 3, 384, 288)
    output_shapes = ((None, 133, 576), (None, 133, 768))

    def __init__(self, recreate, seed):
        self.recreate, self.seed, self.inputs = recreate, seed, []

    def run(self, batch):
        first = len(self.inputs) + 1
        self.inputs.extend(batch)
        pairs = [self.recreate.e2e_simcc(self.seed, first + i) for i in range(len(batch))]
        return tuple(np.concatenate(axis) for axis in zip(*pairs, strict=True))


@pytest.fixture(scope="module")
def golden(parity_dir):
    with np.load(parity_dir / "e2e" / "e2e.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def info(parity_dir):
    return json.loads((parity_dir / "e2e" / "info.json").read_text())


@pytest.fixture(scope="module")
def detector_golden(parity_dir):
    with np.load(parity_dir / "detector" / "detector.npz") as file:
        return dict(file)


@pytest.fixture(params=["boxes", "nobody"])
def case(request):
    return request.param


@pytest.fixture
def run(case, info, detector_golden, recreate, parity_seed):
    """(annotator with stored networks, the image, the pose session)"""
    entry = info[case]
    rows = entry["det_rows"].split()[-1].split("/")[0].removesuffix("_rows")
    stored = StoredDetector(detector_golden[f"{rows}_rows"], detector_golden[f"{rows}_vals"])
    pose = RecipePose(recreate, parity_seed)
    image = recreate.synth_image(*(entry["image"][key] for key in ("seed", "H", "W")))
    # The reference poses the whole image when it finds nobody; here that is an option.
    annotator = Annotator(PoseEstimator(pose), Detector(stored), whole_image_if_nobody=True)
    return annotator, image, pose


def test_poses(case, run, golden, info):
    annotator, image, pose = run
    poses = annotator.estimate(image)

    assert len(poses) == info[case]["persons"]
    difference = np.abs(
        np.stack(pose.inputs)[:, :, 3::16, 5::16] - golden[f"{case}_pose_inputs_sub"]
    )
    assert difference.max() <= INPUT_TOLERANCE
    assert difference.mean() <= INPUT_MEAN_TOLERANCE

    parts = skeleton.to_openpose(poses.xy, poses.score)
    size_wh = np.array(poses.size_hw[::-1])
    body = (parts.body / size_wh).reshape(-1, 2)
    np.testing.assert_allclose(body, golden[f"{case}_candidate"], atol=1e-6, rtol=0)
    visible = parts.body_score > THRESHOLD
    np.testing.assert_array_equal(visible, golden[f"{case}_subset"] != -1)
    hands = np.concatenate([parts.left_hand, parts.right_hand]) / size_wh
    hand_score = np.concatenate([parts.left_hand_score, parts.right_hand_score])
    for ours, score, key in (
        (hands, hand_score, "hands"),
        (parts.face / size_wh, parts.face_score, "faces"),
    ):
        expected = golden[f"{case}_{key}"]
        shown = score >= THRESHOLD
        np.testing.assert_array_equal(shown, (expected != -1).any(axis=-1))
        np.testing.assert_allclose(ours[shown], expected[shown], atol=1e-6, rtol=0)


def test_map(case, run, parity_dir):
    annotator, image, _ = run
    drawn = annotator(image)

    expected = cv2.cvtColor(cv2.imread(str(parity_dir / "e2e" / f"{case}.png")), cv2.COLOR_BGR2RGB)
    assert drawn.shape == expected.shape
    # Last-digit differences of box coordinates may move a few points across a pixel border.
    assert (drawn != expected).any(axis=-1).sum() <= 64


def test_given_boxes_skip_the_detector(run, detector_golden, info, case):
    annotator, image, _ = run
    rows = info[case]["det_rows"].split()[-1].split("/")[0].removesuffix("_rows")
    boxes = Boxes.from_xyxy(detector_golden[f"{rows}_boxes"].reshape(-1, 4))
    if not len(boxes):
        boxes = Boxes.whole_image(image.shape[:2])

    detected = annotator.estimate(image)
    annotator.pose.session.inputs.clear()
    given = annotator.estimate(image, boxes=boxes)
    np.testing.assert_array_equal(given.xy, detected.xy)
    np.testing.assert_array_equal(given.score, detected.score)
