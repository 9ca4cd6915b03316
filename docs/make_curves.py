"""Draw body AP against crops seen, from ``docs/training/ap.json``: ``make curves``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dwpose_annotator.files import write_atomic
from train.evaluation.summary import read_anchors

TRAINING = Path(__file__).parent / "training"
LABELLER = "MoveNet Thunder"  # made most of the labels; a row of anchors.json


def body_ap(title: str, curve: Mapping[str, Any], labeller_ap: float) -> Figure:
    """One network: every step that was measured, its goal, and the network that made the labels.

    Args:
        labeller_ap: body AP of ``LABELLER`` in percent, on the same photos and boxes.
        curve: ``crops`` (label of the axis), ``goal`` and ``steps``, of which each has ``crops``
            in thousands, ``ap`` in percent, ``step`` and maybe ``full_rate``: measured before the
            learning rate came down.
    """
    figure = Figure(figsize=(7.8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    steps = curve["steps"]
    axes.plot([row["crops"] for row in steps], [row["ap"] for row in steps], "0.7", zorder=1)
    for full_rate, label in ((False, "at a low rate, or averaged"), (True, "at the full rate")):
        chosen = [row for row in steps if row.get("full_rate", False) is full_rate]
        crops, ap = ([row[key] for row in chosen] for key in ("crops", "ap"))
        axes.scatter(crops, ap, color=f"C{full_rate:d}", label=label, zorder=2)
    for row in steps:
        place = (row["crops"], row["ap"])
        axes.annotate(row["step"], place, (5, -11), textcoords="offset points", fontsize=8)
    for level, name, color in (
        (curve["goal"], "goal", "C3"),
        (labeller_ap, LABELLER, "black"),
    ):
        axes.axhline(level, color=color, linestyle=":")
        axes.text(steps[0]["crops"], level, name, color=color, fontsize=8, va="bottom")
    axes.set(title=f"{title}, by step", xlabel=curve["crops"], ylabel="body AP, ground-truth boxes")
    axes.grid(alpha=0.3)
    axes.margins(x=0.12)  # room for the name of the last step
    axes.legend(loc="lower right", fontsize=8)
    return figure


def main() -> None:
    """Write ``ap.png`` beside the logs of each network."""
    labeller_ap, _ar = read_anchors(TRAINING / "anchors.json")[LABELLER]
    for name, curve in json.loads((TRAINING / "ap.json").read_text()).items():
        save = partial(body_ap(name, curve, 100 * labeller_ap).savefig, format="png", dpi=100)
        write_atomic(TRAINING / name / "ap.png", save)


if __name__ == "__main__":
    main()
