"""Maps that only this package draws stay as they were looked at."""

from __future__ import annotations

import numpy as np
import pytest

from dwpose_annotator import load_image
from tests.golden.make_golden import CASES, FOLDER, POSES, draw_case


@pytest.mark.parametrize("name", CASES)
def test_golden_map(name):
    np.testing.assert_array_equal(draw_case(name), load_image(FOLDER / f"{name}.png"))


def test_every_file_of_the_folder_is_used():
    pictures = {f"{name}.png" for name in CASES}
    code = {"make_golden.py", "test_golden.py"}
    files = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert files == pictures | code | {POSES.name}
