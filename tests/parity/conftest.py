"""Fixtures over one golden set: ``PARITY_DIR`` names its folder (default: tests/parity/data)."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

PARITY_DIR = Path(os.environ.get("PARITY_DIR", Path(__file__).parent / "data"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per network that the set has outputs of."""
    for fixture, prefix in (("model_name", "out_"), ("train_mode_model_name", "bn_train_")):
        if fixture in metafunc.fixturenames:
            files = (PARITY_DIR / "models").glob(f"{prefix}*.npz")
            metafunc.parametrize(fixture, sorted(f.stem.removeprefix(prefix) for f in files))


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
