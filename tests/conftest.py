"""Fixtures that several kinds of test share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from diffusers import ControlNetModel

REPO = Path(__file__).resolve().parents[1]

# A property that holds does not fail because the machine is busy.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")

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


@pytest.fixture
def seen_by_controlnet(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What ControlNets are given as their image from here on: (N, 3, H, W) per call."""
    from diffusers import ControlNetModel

    seen: list[np.ndarray] = []
    forward = ControlNetModel.forward

    def spy(self: ControlNetModel, *arguments: Any, **options: Any) -> Any:
        seen.append(options["controlnet_cond"].numpy())
        return forward(self, *arguments, **options)

    monkeypatch.setattr(ControlNetModel, "forward", spy)
    return seen
