"""Find and read configuration files; ``python -m train configs`` lists them."""

from __future__ import annotations

import argparse
import runpy
from collections.abc import Sequence
from pathlib import Path

from train.config import TrainConfig, set_option

CONFIG_DIR = Path(__file__).parent / "configs"


def config_names() -> list[str]:
    """Names of the configurations that come with the project."""
    return sorted(path.stem for path in CONFIG_DIR.glob("*.py") if not path.stem.startswith("_"))


def load_config(name: str, assignments: Sequence[str] = ()) -> TrainConfig:
    """The ``config`` of a Python file, with ``key=value`` assignments applied.

    Args:
        name: a path, or one of ``config_names``.

    Raises:
        FileNotFoundError: there is no such configuration.
        ValueError: the file defines no ``config``, or an assignment names no field.
    """
    path = Path(name)
    if path.suffix != ".py":
        path = CONFIG_DIR / f"{name}.py"
    if not path.is_file():
        known = ", ".join(config_names())
        raise FileNotFoundError(f"no configuration {name!r}; there are: {known}")
    config = runpy.run_path(str(path)).get("config")
    if not isinstance(config, TrainConfig):
        raise ValueError(f"{path} must define config = TrainConfig(...)")
    for assignment in assignments:
        config = set_option(config, assignment)
    return config


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every command that takes a configuration."""
    parser.add_argument("config", help="name (see `python -m train configs`) or path of a file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a field; dots reach into groups: optim.lr=1e-3",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``python -m train configs`` has no options."""


def run(_arguments: argparse.Namespace) -> None:
    """Print every configuration with the first line of its description."""
    for name in config_names():
        first_line, *_ = (CONFIG_DIR / f"{name}.py").read_text().splitlines()
        summary = first_line.strip('".')
        print(f"{name:24} {summary}")
