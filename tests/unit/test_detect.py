"""The detector's own rules: suppression, thresholds, batches, any input size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwpose_annotator import WeightsError
from dwpose_annotator.detect import (
    Detector,
    DetectorOptions,
    letterbox,
    make_grid,
    non_maximum_suppression,
)
from dwpose_annotator.session import OnnxSession
from tests.fake_networks import save_fixed_detector, save_network

PEOPLE = [(100.0, 90.0, 60.0, 120.0), (220.0, 200.0, 80.0, 160.0), (60.0, 250.0, 30.0, 40.0)]
SCORES = [0.5, 0.9, 0.35]


def _iou(a, b):
    """With one pixel more per side, as the reference counts."""
    left_top, right_bottom = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inner = np.clip(right_bottom - left_top + 1, 0, None).prod()
    return inner / ((a[2:] - a[:2] + 1).prod() + (b[2:] - b[:2] + 1).prod() - inner)


def _random_boxes(seed, count):
    rng = np.random.RandomState(seed)
    corner = rng.rand(count, 2) * 60
    boxes = np.concatenate([corner, corner + 5 + rng.rand(count, 2) * 60], axis=1)
    return boxes.astype(np.float32), rng.permutation(count).astype(np.float32) / count


@given(st.integers(0, 2**32 - 1), st.integers(0, 25))
def test_suppression_does_not_depend_on_order(seed, count):
    boxes, score = _random_boxes(seed, count)
    shuffle = np.random.RandomState(seed ^ 1).permutation(count)
    kept = non_maximum_suppression(boxes, score)
    kept_shuffled = shuffle[non_maximum_suppression(boxes[shuffle], score[shuffle])]
    np.testing.assert_array_equal(kept, kept_shuffled)


@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.sampled_from([0.1, 0.45, 0.8]))
def test_suppression_keeps_what_it_should(seed, count, threshold):
    boxes, score = _random_boxes(seed, count)
    kept = non_maximum_suppression(boxes, score, threshold)
    assert (np.diff(score[kept]) <= 0).all()
    for position, index in enumerate(kept):
        for better in kept[:position]:
            assert _iou(boxes[index], boxes[better]) <= threshold + 1e-6
    for index in set(range(count)) - set(kept.tolist()):
        rivals = [other for other in kept if score[other] > score[index]]
        assert any(_iou(boxes[index], boxes[other]) > threshold - 1e-6 for other in rivals)


@pytest.mark.parametrize("classes", [1, 80])
@pytest.mark.parametrize("size_hw", [(320, 320), (416, 416), (256, 448)])
def test_any_input_size_and_class_count(size_hw, classes, tmp_path):
    people = PEOPLE[:2] if size_hw[0] == 256 else PEOPLE
    scores = SCORES[: len(people)]
    path = save_fixed_detector(
        tmp_path / "d.onnx", people, scores, size_hw=size_hw, classes=classes
    )
    detector = Detector(OnnxSession(path, "cpu"))
    assert detector.size_hw == size_hw
    image = np.zeros((size_hw[0] * 2, size_hw[1] * 2, 3), np.uint8)  # ratio exactly one half
    boxes = detector([image])[0]

    order = np.argsort(scores)[::-1]
    np.testing.assert_allclose(boxes.score, np.array(scores)[order], rtol=1e-6)
    x, y, w, h = np.array(people)[order].T * 2
    np.testing.assert_allclose(
        boxes.xyxy, np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1), atol=1e-3
    )


@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_batches_equal_single_images(batch, tmp_path):
    path = save_fixed_detector(tmp_path / "d.onnx", PEOPLE, SCORES, batch=batch)
    detector = Detector(OnnxSession(path, "cpu"), max_batch=3)
    images = [np.zeros((100 + 50 * i, 300, 3), np.uint8) for i in range(5)]
    found = detector(images)
    assert len(found) == 5
    for image, boxes in zip(images, found, strict=True):
        np.testing.assert_array_equal(boxes.xyxy, detector([image])[0].xyxy)
    assert detector([]) == []


def test_thresholds_and_count(tmp_path):
    session = OnnxSession(save_fixed_detector(tmp_path / "d.onnx", PEOPLE, SCORES), "cpu")
    image = np.zeros((320, 320, 3), np.uint8)

    def found(**options):
        return len(Detector(session, options=DetectorOptions(**options))([image])[0])

    assert found() == 3
    assert found(score_threshold=0.4) == 2
    assert found(score_threshold=0.95) == 0
    assert found(max_people=1) == 1
    for wrong in ({"score_threshold": -0.1}, {"nms_iou": 1.5}, {"max_people": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DetectorOptions(**wrong)


def test_score_threshold_is_compared_in_double_precision():
    """float32(0.3) is a little more than 0.3 and counts as above it."""

    class Exactly:
        name = provider = "fixed"
        input_shape, output_shapes = (1, 3, 32, 32), ((1, 21, 6),)

        def run(self, _batch):
            raw = np.zeros((1, 21, 6), np.float32)
            raw[0, 5] = (0, 0, 1, 1, np.float32(0.3), 1)
            return (raw,)

    assert len(Detector(Exactly())([np.zeros((32, 32, 3), np.uint8)])[0]) == 1


@pytest.mark.parametrize("size_hw", [(1, 1), (20, 20000), (20000, 20), (640, 640)])
def test_letterbox_of_extreme_images(size_hw):
    canvas, ratio = letterbox(np.full((*size_hw, 3), 7, np.uint8), (320, 416))
    assert canvas.shape == (320, 416, 3)
    assert canvas[0, 0].tolist() == [7, 7, 7]
    assert ratio == min(320 / size_hw[0], 416 / size_hw[1])


def test_letterbox_cuts_fractions_of_pixels_off():
    canvas, _ = letterbox(np.full((363, 500, 3), 7, np.uint8), (640, 640))
    assert (canvas[:, 0, 0] == 7).sum() == 464  # 363 * 1.28 = 464.64
    assert (canvas[464:] == 114).all()


def test_grid_is_row_major_and_finest_first():
    cells, strides = make_grid((64, 96))
    assert len(cells) == 8 * 12 + 4 * 6 + 2 * 3
    assert cells[13].tolist() == [1, 1]
    assert strides[[0, 96, 120], 0].tolist() == [8, 16, 32]


@pytest.mark.parametrize(
    ("input_shape", "output_shape"),
    [
        ([1, 3, "h", "w"], [1, 2100, 6]),
        ([1, 3, 300, 300], [1, 2100, 6]),  # not a multiple of 32
        ([1, 3, 320, 320], [1, 8400, 6]),  # rows of another size
        ([1, 3, 320, 320], [1, 2100, 4]),  # no scores
        ([1, 3, 320, 320], [1, 84, 2100, 1]),
        ([1, 1, 320, 320], [1, 2100, 6]),
    ],
)
def test_networks_that_are_no_detector(input_shape, output_shape, tmp_path):
    path = save_network(tmp_path / "other.onnx", input_shape, [output_shape])
    with pytest.raises(WeightsError, match=r"other.onnx.*\(N, rows, 5\+classes\)"):
        Detector(OnnxSession(path, "cpu"))
