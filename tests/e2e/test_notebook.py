"""The notebook runs from top to bottom, on a tiny pipeline, and shows what is stored in it."""

from __future__ import annotations

import base64

import cv2
import nbformat
import numpy as np
import pytest

from tests.run_notebook import NOTEBOOK, executed


def pictures(notebook: nbformat.NotebookNode) -> list[np.ndarray]:
    """BGR pictures that the cells show, in order."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if data := output.get("data", {}).get("image/jpeg"):
                pixels = np.frombuffer(base64.b64decode(data), np.uint8)
                found.append(cv2.imdecode(pixels, cv2.IMREAD_COLOR))
    return found


@pytest.fixture(scope="module")
def stored() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def fresh(stored, tmp_path_factory) -> nbformat.NotebookNode:
    return executed(stored, tmp_path_factory.mktemp("tiny"), steps=1)


def test_maps_are_those_that_are_stored(stored, fresh):
    """A change of weights or drawing comes with ``python -m tests.run_notebook``."""
    before, now = pictures(stored), pictures(fresh)
    assert len(before) == len(now) == 5
    for number in (0, 1, 3):  # photo and map, styles, the edited map: no noise in them
        assert before[number].shape == now[number].shape
        assert np.abs(before[number].astype(int) - now[number]).mean() < 1


def test_the_edit_moves_the_arm_alone(fresh):
    sheet = pictures(fresh)[3]
    _, before, after = np.split(sheet, 3, axis=1)
    moved = np.abs(before.astype(int) - after).max(axis=2) > 100
    assert 0.001 < moved.mean() < 0.1


def test_stored_outputs_are_small_and_free_of_paths(stored):
    assert all(cell.get("execution_count") for cell in stored.cells if cell.cell_type == "code")
    text = NOTEBOOK.read_text()
    assert len(text) < 150_000
    assert "Traceback" not in text and "site-packages" not in text
