"""Letterbox, grid decode and person choice equal the reference's, box for box."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from dwpose_annotator.detect import Detector, decode_rows, letterbox, make_grid

SIZE_HW = (640, 640)
ROWS, COLUMNS = 8400, 85


class StoredOutput:
    """A session that gives stored rows of a detector's raw output and remembers its input."""

    name = "stored"
    provider = "none"
    input_shape = (1, 3, *SIZE_HW)
    output_shapes = ((1, ROWS, COLUMNS),)

    def __init__(self, rows, values):
        self.raw = np.zeros((1, ROWS, COLUMNS), np.float32)
        self.raw[0, rows] = values
        self.batch = None

    def run(self, batch):
        self.batch = batch
        return (self.raw,)


@pytest.fixture(scope="module")
def golden(parity_dir):
    with np.load(parity_dir / "detector" / "detector.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def info(parity_dir):
    return json.loads((parity_dir / "detector" / "info.json").read_text())


@pytest.fixture(scope="module")
def cases(golden, info, recreate):
    """{case: (image, stored rows, stored values)}"""
    return {
        case: (
            recreate.synth_image(entry["image_seed"], entry["H"], entry["W"]),
            golden[f"{case}_rows"],
            golden[f"{case}_vals"],
        )
        for case, entry in info.items()
        if f"{case}_rows" in golden
    }


def test_letterbox_is_exact(cases, golden, info):
    assert cases
    for case, (image, _, _) in cases.items():
        canvas, ratio = letterbox(image, SIZE_HW)
        chw = np.ascontiguousarray(canvas.transpose(2, 0, 1))
        assert ratio == info[case]["ratio"]
        assert hashlib.sha256(chw.tobytes()).hexdigest() == info[case]["letterbox_uint8_sha256"]
        np.testing.assert_array_equal(chw[:, ::16, ::16], golden[f"{case}_letterbox_sub"])


def test_grid_decode(cases, golden):
    cells, strides = make_grid(SIZE_HW)
    assert len(cells) == ROWS
    for case, (_, rows, values) in cases.items():
        decoded = decode_rows(values, cells[rows], strides[rows])
        np.testing.assert_array_equal(decoded, golden[f"{case}_decoded_cxcywh"])


def test_people(cases, golden, info):
    for case, (image, rows, values) in cases.items():
        boxes = Detector(StoredOutput(rows, values))([image])[0]

        expected = golden[f"{case}_boxes"].reshape(-1, 4)
        assert len(boxes) == info[case]["n_boxes"] == len(expected), case
        np.testing.assert_allclose(boxes.xyxy, expected, atol=1e-3, rtol=0)
        assert (np.diff(boxes.score) <= 0).all()


def test_network_gets_bgr_of_full_range(cases):
    image, rows, values = next(iter(cases.values()))
    session = StoredOutput(rows, values)
    Detector(session)([image])

    canvas, _ = letterbox(image, SIZE_HW)
    np.testing.assert_array_equal(session.batch[0], canvas[..., ::-1].transpose(2, 0, 1))
    assert session.batch.dtype == np.float32
