"""What the experiments' commands share."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from train.evaluation.eval_set import find_eval_sets
from train.experiments.arms import Arm, run_arms, to_table, write_plot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every experiment."""
    parser.add_argument("--data", nargs="+", required=True, help="folders of training crops")
    parser.add_argument("--eval", type=Path, required=True, help="folder of evaluation sets")
    parser.add_argument("--init", type=Path, required=True, help="heatmap checkpoint of t")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder of decoded images (OUT/cache)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])


def run_experiment(
    arms: Sequence[Arm], columns: Mapping[str, str], options: argparse.Namespace
) -> None:
    """Train, measure, print the table, write ``table.md`` and ``plot.png``; resumes."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    cache = options.cache or options.out / "cache"
    sets = find_eval_sets(options.eval)
    results = run_arms(arms, options.seeds, options.out, cache=cache, sets=sets)
    table = to_table(results, columns)
    print(table)
    (options.out / "table.md").write_text(table + "\n")
    write_plot(results, columns, options.out / "plot.png")
