"""``python -m train CONFIG``: run a configuration from ``train/configs`` or a path to one."""

from __future__ import annotations

import argparse
import logging
import runpy
from pathlib import Path

from train.config import TrainConfig, set_option


def load_config(name: str) -> TrainConfig:
    """The ``config`` of a Python file: a path, or a stem under ``train/configs``."""
    path = Path(name)
    if not path.is_file():
        path = Path(__file__).parent / "configs" / f"{name}.py"
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.py") if p.stem != "__init__")
        raise SystemExit(f"no configuration {name!r}; there are: {', '.join(known)}")
    config = runpy.run_path(str(path))["config"]
    assert isinstance(config, TrainConfig)
    return config


def main() -> None:
    """Train; running the same command again resumes."""
    parser = argparse.ArgumentParser(prog="python -m train", description=main.__doc__)
    parser.add_argument("config")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load_config(arguments.config)
    for assignment in arguments.set:
        config = set_option(config, assignment)
    from train.engine import train

    train(config, arguments.out, cache_dir=arguments.cache, cpu=arguments.cpu)


if __name__ == "__main__":
    main()
