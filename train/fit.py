"""``python -m train CONFIG``: train; running the same command again resumes."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.config_files import add_config_arguments, load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train CONFIG``."""
    add_config_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and log")
    parser.add_argument("--cache", type=Path, help="folder of decoded images (OUT/cache)")
    parser.add_argument("--cpu", action="store_true", help="use the CPU even where there is a GPU")


def run(arguments: argparse.Namespace) -> None:
    """Train one configuration."""
    from train.engine import train

    config = load_config(arguments.config, arguments.set)
    train(config, arguments.out, cache_dir=arguments.cache, cpu=arguments.cpu)
