"""The files inside the package are what the table says."""

from __future__ import annotations

import pytest

from dwpose_annotator import Annotator, defaults
from dwpose_annotator.session import OnnxSession
from dwpose_annotator.weight_files import check_weight_file
from dwpose_annotator.weights import ASSETS, WEIGHTS

BUNDLED = [row for row in WEIGHTS.values() if row.repo is None]
MAX_SMALLEST_BYTES, MAX_TOTAL_BYTES = 20_000_000, 38_000_000  # in the wheel
SMALLEST = ("dwpose-t", "person-nano")


@pytest.mark.parametrize("row", BUNDLED, ids=lambda row: row.name)
def test_file_fits_its_row(row):
    path = ASSETS / row.file
    check_weight_file(path, size_bytes=row.size_bytes, sha256=row.sha256)
    assert OnnxSession(path, "cpu").input_shape[1:] == (3, *row.input_hw)


def test_the_wheel_stays_small():
    size = {row.name: (ASSETS / row.file).stat().st_size for row in BUNDLED}
    assert sum(size[name] for name in SMALLEST) <= MAX_SMALLEST_BYTES
    assert sum(size.values()) <= MAX_TOTAL_BYTES


def test_default_annotator_needs_no_network(monkeypatch):
    def no_network(*_arguments, **_options):
        raise AssertionError("the bundled weights must not need the network")

    monkeypatch.setattr("socket.socket.connect", no_network)
    annotator = Annotator.from_pretrained(offline=True)
    assert annotator.pose.session.name.endswith(WEIGHTS[defaults.POSE].file)
    assert annotator.pose.crop_wh == (192, 256)
    assert annotator.detector is not None
