"""Many frames: order, bounded memory, key frames, people chosen per frame."""

from __future__ import annotations

import numpy as np
import pytest

from dwpose_annotator import Annotator, Boxes
from dwpose_annotator.clip import GROUP, estimate_frames
from dwpose_annotator.detect import Detector
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.select_people import select_in_mask

ROWS = 10 * 10 * (16 + 4 + 1) // 4  # 160 x 160 canvas: 20x20 + 10x10 + 5x5 cells


class OnePersonDetector:
    """Marks one person of 80 x 120 pixels, whose left edge is the brightness of the frame."""

    name = provider = "stand-in"
    input_shape = (None, 3, 160, 160)
    output_shapes = ((None, ROWS, 6),)

    def __init__(self):
        self.seen = []

    def run(self, batch):
        answer = np.zeros((len(batch), ROWS, 6), np.float32)
        for row, image in zip(answer, batch, strict=True):
            left = float(image[0, 0, 0])
            self.seen.append(left)
            row[0] = ((left + 40) / 8, 70 / 8, np.log(80 / 8), np.log(120 / 8), 0.9, 1)
        return (answer,)


class CentrePose:
    """Puts every keypoint into the middle of its crop."""

    name = provider = "stand-in"
    input_shape = (None, 3, 64, 48)
    output_shapes = ((None, 133, 96), (None, 133, 128))

    def __init__(self):
        self.batches = []

    def run(self, batch):
        self.batches.append(len(batch))
        x, y = np.zeros((len(batch), 133, 96)), np.zeros((len(batch), 133, 128))
        x[..., 48] = y[..., 64] = 1
        return x.astype(np.float32), y.astype(np.float32)


class LazyFrames:
    """A clip that gets one grey level brighter per frame; counts the frames that are alive."""

    def __init__(self, count):
        self.count, self.alive, self.most = count, 0, 0

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        frame = np.full((160, 160, 3), i, np.uint8).view(Counted)
        frame.clip = self
        self.alive += 1
        self.most = max(self.most, self.alive)
        return frame


class Counted(np.ndarray):
    def __del__(self):
        if "clip" in self.__dict__:
            self.clip.alive -= 1


@pytest.fixture
def annotator():
    return Annotator(PoseEstimator(CentrePose()), Detector(OnePersonDetector()))


def lefts(poses):
    return [float(frame.box[0, 0]) for frame in poses]


def test_frames_come_back_in_order_and_people_share_batches(annotator):
    count = GROUP + 5
    poses = list(estimate_frames(annotator, LazyFrames(count)))
    np.testing.assert_allclose(lefts(poses), np.arange(count), atol=1e-3)
    assert annotator.pose.session.batches == [GROUP, 5]
    expected = np.broadcast_to([GROUP + 40, 70], (133, 2))
    np.testing.assert_allclose(poses[GROUP].xy[0], expected, atol=1)


def test_no_more_than_one_group_of_frames_is_held(annotator):
    frames = LazyFrames(5 * GROUP)
    for _ in estimate_frames(annotator, frames, detect_every=2):
        pass
    assert frames.most == GROUP


def test_key_frames_are_detected_and_the_rest_is_interpolated(annotator):
    poses = list(estimate_frames(annotator, LazyFrames(12), detect_every=5))
    assert annotator.detector.session.seen == [0, 5, 10, 11]
    np.testing.assert_allclose(lefts(poses), np.arange(12), atol=1e-3)


def test_given_boxes_skip_the_detector(annotator):
    boxes = [Boxes.from_xyxy([[i, 0, 50, 90]] * i) for i in range(3)]
    poses = list(estimate_frames(annotator, LazyFrames(3), boxes=boxes))
    assert [len(frame) for frame in poses] == [0, 1, 2]
    assert annotator.detector.session.seen == []
    with pytest.raises(ValueError, match="4 frames but 3 sets of boxes"):
        list(estimate_frames(annotator, LazyFrames(4), boxes=boxes))


def test_people_are_chosen_per_frame_before_they_are_posed(annotator):
    chosen = []

    def choose(index, people):
        chosen.append(index)
        return people.select([0] if index == 2 else [])

    poses = list(estimate_frames(annotator, LazyFrames(4), choose=choose))
    assert chosen == [0, 1, 2, 3]
    assert [len(frame) for frame in poses] == [0, 0, 1, 0]
    assert annotator.pose.session.batches == [1]


def test_no_frames_no_poses(annotator):
    assert list(estimate_frames(annotator, LazyFrames(0))) == []


def test_mask_keeps_the_people_it_marks_at_any_size():
    people = Boxes.from_xyxy([[0, 0, 100, 100], [100, 0, 200, 100], [-50, -50, -10, -10]])
    mask = np.zeros((50, 100))
    mask[:, 55:] = 1  # the right half of a 200 x 100 picture, but for its first tenth
    kept = select_in_mask(people, mask, size_hw=(100, 200))
    np.testing.assert_array_equal(kept.xyxy, people.xyxy[1:2])
    mask[:] = 0
    mask[:, :13] = 1  # 26 of the first person's 100 columns: just enough
    np.testing.assert_array_equal(
        select_in_mask(people, mask, size_hw=(100, 200)).xyxy, people.xyxy[:1]
    )
    mask[:, 12:] = 0
    assert len(select_in_mask(people, mask, size_hw=(100, 200))) == 0
