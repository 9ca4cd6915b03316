"""What synthetic people are worth: real crops alone, synthetic ones alone, and mixtures.

    python -m train.experiments.synthetic --data DATA/people_daily DATA/people_sport \
        --synthetic RUNS/synth --eval DATA/eval --init RUNS/heatmap/model.pt --out RUNS/mixing

Every arm sees the same number of crops.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from train.config import DataEntry, TrainConfig
from train.experiments.arms import Arm, half_size_config
from train.experiments.command import add_arguments, run_experiment

EPOCHS = 12
SHARES = (0.25, 0.5)  # of synthetic people
COLUMNS = {
    "coco AP/body": "body AP",
    "coco oks/body": "body OKS",
    "faces nme/face": "face NME (less is better)",
    "wholebody pck/foot": "foot PCK",
    "wholebody pck/hand": "hand PCK",
}


def mixture(real: list[str], synthetic: str, share: float) -> tuple[DataEntry, ...]:
    """Real folders share what is left, equally."""
    rest = (1 - share) / len(real)
    return (*((folder, rest) for folder in real), (synthetic, share))


def arms(real: list[str], synthetic: str, init: Path) -> list[Arm]:
    """Real, synthetic, the mixtures, and a mixture without the synthetic people's hidden points."""

    def arm(name: str, data: tuple[DataEntry, ...], *, hidden: bool = True) -> Arm:
        def config(_folder: Path) -> TrainConfig:
            base = half_size_config(name, data=data, init=init, epochs=EPOCHS)
            return replace(base, hidden_points=hidden)

        return Arm(name, (config,))

    mixed = [arm(f"{share:.0%} synthetic", mixture(real, synthetic, share)) for share in SHARES]
    visible = mixture(real, synthetic, SHARES[0])
    return [
        arm("real", tuple(real)),
        arm("synthetic", (synthetic,)),
        *mixed,
        arm(f"{SHARES[0]:.0%} synthetic, visible points", visible, hidden=False),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_arguments(parser)
    parser.add_argument("--synthetic", required=True, help="folder made by python -m train.synth")
    options = parser.parse_args()
    run_experiment(arms(options.data, options.synthetic, options.init), COLUMNS, options)


if __name__ == "__main__":
    main()
