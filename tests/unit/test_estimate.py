"""Crops through the network and back: batches, many images, odd boxes, the flip test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwpose_annotator import Boxes
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.session import OnnxSession
from dwpose_annotator.skeleton import FLIP_INDEX
from tests.fake_networks import KEYPOINTS, save_bright_spot_pose

PEOPLE_PER_IMAGE = (2, 0, 5, 1)


class CountingSession:
    """Passes batches on and remembers their sizes."""

    def __init__(self, session):
        self.session, self.sizes = session, []
        self.name, self.provider = session.name, session.provider
        self.input_shape, self.output_shapes = session.input_shape, session.output_shapes

    def run(self, batch):
        self.sizes.append(len(batch))
        return self.session.run(batch)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return OnnxSession(save_bright_spot_pose(tmp_path_factory.mktemp("net") / "pose.onnx"), "cpu")


@pytest.fixture(scope="module")
def scenes():
    """Noise images of several sizes with random people."""
    rng = np.random.RandomState(0)
    images, boxes = [], []
    for number, people in enumerate(PEOPLE_PER_IMAGE):
        height, width = 200 + 60 * number, 340 - 40 * number
        images.append(rng.randint(0, 256, (height, width, 3), np.uint8))
        corner = rng.rand(people, 2) * 100
        xyxy = np.concatenate([corner, corner + 20 + rng.rand(people, 2) * 120], axis=1)
        boxes.append(Boxes(xyxy, rng.rand(people)))
    return images, boxes


def _spot_image(size_hw, xy):
    """Black, with a bright soft spot at ``xy``."""
    y, x = np.mgrid[: size_hw[0], : size_hw[1]]
    distance = np.hypot(x - xy[0], y - xy[1])
    return np.repeat((255 * np.exp(-((distance / 4) ** 2)))[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("max_batch", [1, 3, 16])
def test_any_batch_size_gives_the_same_poses(max_batch, session, scenes):
    images, boxes = scenes
    counting = CountingSession(session)
    together = PoseEstimator(counting, max_batch=max_batch)(images, boxes)

    assert sum(counting.sizes) == sum(PEOPLE_PER_IMAGE)
    assert max(counting.sizes) <= max_batch
    assert [len(poses) for poses in together] == list(PEOPLE_PER_IMAGE)
    alone = PoseEstimator(session)
    for image, people, poses in zip(images, boxes, together, strict=True):
        assert poses.size_hw == image.shape[:2]
        np.testing.assert_array_equal(poses.box, people.xyxy)
        np.testing.assert_array_equal(poses.box_score, people.score)
        for person in range(len(people)):
            single = alone([image], [people.select([person])])[0]
            np.testing.assert_array_equal(poses.xy[person], single.xy[0])
            np.testing.assert_allclose(poses.score[person], single.score[0], rtol=1e-5)


def test_graph_with_a_fixed_batch_size(session, scenes, tmp_path):
    images, boxes = scenes
    fixed = OnnxSession(save_bright_spot_pose(tmp_path / "b5.onnx", batch=5), "cpu")
    padded = PoseEstimator(fixed)(images, boxes)
    for ours, expected in zip(padded, PoseEstimator(session)(images, boxes), strict=True):
        np.testing.assert_array_equal(ours.xy, expected.xy)


def test_nobody_and_no_image(session):
    estimator = PoseEstimator(session)
    image = np.zeros((30, 40, 3), np.uint8)
    poses = estimator([image], [Boxes.from_xyxy([])])[0]
    assert (len(poses), poses.size_hw) == (0, (30, 40))
    assert estimator([], []) == []
    with pytest.raises(ValueError, match="1 images but 2"):
        estimator([image], [Boxes.from_xyxy([])] * 2)


@settings(max_examples=40, deadline=None)
@given(
    spot=st.tuples(st.floats(30, 270), st.floats(30, 170)),
    margin=st.tuples(st.floats(12, 60), st.floats(12, 60)),
)
def test_keypoints_land_on_what_the_network_saw(spot, margin):
    """Image -> crop -> logits -> image is the identity, within half a bin."""
    image = _spot_image((200, 300), spot)
    box = [spot[0] - margin[0], spot[1] - margin[1], spot[0] + 12, spot[1] + 12]
    poses = PoseEstimator(_brightest())([image], [Boxes.from_xyxy([box])])[0]
    scale = 1.25 * max(
        (margin[0] + 12) / 192, (margin[1] + 12) / 256
    )  # image pixels per crop pixel
    limit = 0.5 + 2 * scale  # a pixel of the spot, and crop interpolation
    np.testing.assert_allclose(poses.xy[0], np.tile(spot, (KEYPOINTS, 1)), atol=limit)


def _brightest():
    """The bright-spot network in NumPy."""

    class Brightest:
        name = provider = "numpy"
        input_shape = (None, 3, 256, 192)
        output_shapes = ((None, KEYPOINTS, 384), (None, KEYPOINTS, 512))

        def run(self, batch):
            rows = batch.mean(axis=(1, 2)) + 3, batch.mean(axis=(1, 3)) + 3  # black is about -2
            return tuple(
                np.repeat(np.repeat(row, 2, axis=1)[:, None], KEYPOINTS, axis=1) for row in rows
            )

    return Brightest()


@pytest.mark.parametrize(
    "box",
    [
        [-500, -400, -300, -100],  # outside, left and above
        [1000, 1000, 1200, 1300],  # outside, right and below
        [-50, -50, 400, 300],  # larger than the image
        [10, 10, 10, 10],  # empty
        [10, 10, 10, 90],  # a line
        [90, 90, 10, 10],  # corners swapped
        [0, 0, 1, 5],
        [0, 0, 1e6, 2],
    ],
)
def test_odd_boxes_give_finite_poses(box, session):
    image = np.full((200, 300, 3), 90, np.uint8)
    poses = PoseEstimator(session)([image], [Boxes.from_xyxy([box])])[0]
    assert np.isfinite(poses.xy).all()
    assert np.isfinite(poses.score).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_boxes_must_be_finite(value):
    with pytest.raises(ValueError, match="finite"):
        Boxes.from_xyxy([[0, 0, value, 5]])


def test_extreme_images(session):
    estimator = PoseEstimator(session)
    for size_hw in ((1, 1), (20, 20000), (20000, 20)):
        image = np.zeros((*size_hw, 3), np.uint8)
        assert len(estimator([image], [Boxes.whole_image(size_hw)])[0]) == 1


def test_flip_test_averages_the_mirror_image(session):
    image = _spot_image((200, 300), (120, 80))
    boxes = Boxes.from_xyxy([[80, 30, 180, 130]])
    counting = CountingSession(session)
    flipped = PoseEstimator(counting, flip_test=True)([image], [boxes])[0]
    plain = PoseEstimator(session)([image], [boxes])[0]
    assert counting.sizes == [1, 1]
    # The network sees the same spot in the mirror, so the average stays within a pixel.
    np.testing.assert_allclose(flipped.xy, plain.xy, atol=1.5)
    # Keypoint k and its mirror partner now share their score.
    np.testing.assert_allclose(
        flipped.score[0], (plain.score[0] + plain.score[0][FLIP_INDEX]) / 2, rtol=0.05
    )
