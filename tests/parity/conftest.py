"""Fixtures over one golden set: ``PARITY_DIR`` names its folder (default: tests/parity/data)."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

PARITY_DIR = Path(os.environ.get("PARITY_DIR", Path(__file__).parent / "data"))


@pytest.fixture(scope="session")
def parity_dir() -> Path:
    """Folder of the golden set under test."""
    return PARITY_DIR


@pytest.fixture(scope="session")
def parity_seed(parity_dir: Path) -> int:
    """Seed that the inputs of this set are re-created from."""
    return int(json.loads((parity_dir / "set.json").read_text())["seed"])


@pytest.fixture(scope="session")
def recreate(parity_dir: Path) -> ModuleType:
    """The set's own ``recreate.py``: deterministic images, weights and network inputs."""
    path = parity_dir / "recreate.py"
    spec = importlib.util.spec_from_file_location(f"recreate_{parity_dir.name}", path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
