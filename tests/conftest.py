"""Fixtures that several kinds of test share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]

Dwpose = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def fake_pose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONNX pose network that puts every point on the brightest place of the crop."""
    from tests.fake_networks import save_bright_spot_pose

    return save_bright_spot_pose(tmp_path_factory.mktemp("networks") / "pose.onnx")


@pytest.fixture(scope="session")
def fake_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONNX detector of one person: 60 x 150 pixels around (160, 100) of its 320 x 320 canvas."""
    from tests.fake_networks import save_fixed_detector

    folder = tmp_path_factory.mktemp("networks")
    return save_fixed_detector(folder / "detector.onnx", [(160, 100, 60, 150)], [0.9])


@pytest.fixture
def dwpose(tmp_path: Path) -> Dwpose:
    """Run the real command line in a process of its own, in ``tmp_path``: ``dwpose("doctor")``."""

    def run(
        *arguments: object, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dwpose_annotator.cli", *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPO), "COLUMNS": "200", **(env or {})},
            stdin=subprocess.DEVNULL,
            timeout=300,
        )

    return run
