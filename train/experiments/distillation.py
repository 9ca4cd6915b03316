"""Does distillation help on a small budget? The same student alone, with stage 1, with both stages.

    python -m train.experiments.distillation --data DATA/people_daily DATA/people_sport \
        --eval DATA/eval --init RUNS/heatmap/model.pt --teacher RUNS/teacher_low/model.pt \
        --out RUNS/distillation

Every arm sees the same number of crops: the second stage's are taken from the first stage's.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from train.config import Distillation, TrainConfig
from train.experiments.arms import Arm, half_size_config
from train.experiments.command import add_arguments, run_experiment

EPOCHS, SECOND_STAGE_EPOCHS = 12, 2  # the second stage takes a fifth of the first one's ten
COLUMNS = {
    "coco AP/body": "body AP",
    "coco oks/body": "body OKS",
    "coco pck/body": "body PCK",
    "faces nme/face": "face NME (less is better)",
}


def arms(data: list[str], init: Path, teacher: Path) -> list[Arm]:
    """The three arms."""

    def alone(_folder: Path) -> TrainConfig:
        return half_size_config("alone", data=data, init=init, epochs=EPOCHS)

    def stage_1(_folder: Path, epochs: int = EPOCHS) -> TrainConfig:
        return replace(
            half_size_config("stage1", data=data, init=init, epochs=epochs),
            objective="stage1",
            distill=Distillation(teacher="t", teacher_checkpoint=str(teacher)),
        )

    def shorter_stage_1(folder: Path) -> TrainConfig:
        return stage_1(folder, EPOCHS - SECOND_STAGE_EPOCHS)

    def stage_2(folder: Path) -> TrainConfig:
        first = folder / "stage1" / "model.pt"
        base = half_size_config("stage2", data=data, init=first, epochs=SECOND_STAGE_EPOCHS)
        return replace(
            base,
            objective="stage2",
            init="",
            distill=Distillation(
                teacher="t",
                teacher_checkpoint=str(first),
                feature_weight=0.0,
                logit_weight=1.0,
                decay=False,
            ),
        )

    return [
        Arm("alone", (alone,)),
        Arm("stage 1", (stage_1,)),
        Arm("stage 1 + 2", (shorter_stage_1, stage_2)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_arguments(parser)
    parser.add_argument("--teacher", type=Path, required=True, help="checkpoint of a t network")
    options = parser.parse_args()
    run_experiment(arms(options.data, options.init, options.teacher), COLUMNS, options)


if __name__ == "__main__":
    main()
