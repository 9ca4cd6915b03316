"""``python -m train.synth OUT --count N --seed S``: render people with exact labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.synth.dataset import Settings, generate


def main() -> None:
    """Render pictures with exact COCO-WholeBody labels; the same command again resumes."""
    parser = argparse.ArgumentParser(prog="python -m train.synth", description=main.__doc__)
    parser.add_argument("out", type=Path, help="folder, used as an entry of TrainConfig.data")
    parser.add_argument("--count", type=int, required=True, help="pictures (one subject each)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--workers", type=int, default=1, help="processes; no influence on the data"
    )
    parser.add_argument("--backgrounds", default="", help="folder of photos without people")
    parser.add_argument(
        "--background-prefix", action="append", default=[], help="take only files that begin so"
    )
    arguments = parser.parse_args()
    settings = Settings(arguments.seed, arguments.backgrounds, tuple(arguments.background_prefix))
    try:
        generate(arguments.out, settings, count=arguments.count, workers=arguments.workers)
    except (ValueError, FileNotFoundError, ImportError) as error:
        raise SystemExit(f"train.synth: {error}") from error


if __name__ == "__main__":
    main()
