"""``python -m train CONFIG`` trains; ``python -m train COMMAND`` does what comes before and after.

CONFIG is a configuration of ``train/configs`` or a path to one; the commands are in ``COMMANDS``.
"""

from __future__ import annotations

import argparse
import logging
import runpy
import sys
from pathlib import Path

from train import evaluate, export, transfer, ubody
from train.config import TrainConfig, set_option

COMMANDS = {"evaluate": evaluate, "export": export, "transfer": transfer, "ubody": ubody}


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


def train_config(arguments: list[str]) -> None:
    """Train; running the same command again resumes."""
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description=train_config.__doc__,
        epilog=f"other commands: python -m train {{{','.join(COMMANDS)}}} --help",
    )
    parser.add_argument("config")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args(arguments)
    config = load_config(options.config)
    for assignment in options.set:
        config = set_option(config, assignment)
    from train.engine import train

    train(config, options.out, cache_dir=options.cache, cpu=options.cpu)


def main() -> None:
    """Hand the command line to the named command, or train."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    name, *rest = sys.argv[1:] or ["--help"]
    if name not in COMMANDS:
        train_config([name, *rest])
        return
    command = COMMANDS[name]
    summary = (command.__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog=f"python -m train {name}", description=summary)
    command.add_arguments(parser)
    options = parser.parse_args(rest)
    try:
        command.run(options)
    except (ValueError, OSError) as error:  # wrong input: the message says it, a traceback hides it
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
