"""``python -m train plot RUN...``: the curves of one or several runs as a picture."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dwpose_annotator.files import write_atomic

Curve = tuple[list[int], list[float]]  # steps, values
COLUMNS = 3


def read_curves(log_file: Path) -> dict[str, Curve]:
    """Every value of a ``log.jsonl`` by name; of a step that was trained twice the later one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is no JSON object with a step.
    """
    if not log_file.is_file():
        raise FileNotFoundError(f"no training log at {log_file}")
    by_name: dict[str, dict[int, float]] = {}
    for number, line in enumerate(log_file.read_text().splitlines(), start=1):
        try:
            row = json.loads(line)
            step = int(row.pop("step"))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{log_file}, line {number}: not a line of a training log") from error
        row.pop("epoch", None)
        for name, value in row.items():
            by_name.setdefault(name, {})[step] = value
    return {name: (sorted(v), [v[s] for s in sorted(v)]) for name, v in by_name.items()}


def draw_curves(runs: Mapping[str, Mapping[str, Curve]], path: Path) -> None:
    """One panel per value, one line per run, as a PNG."""
    from matplotlib.figure import Figure

    names = sorted({name for curves in runs.values() for name in curves}, key=_panel_order)
    if not names:
        raise ValueError("the logs hold no values yet")
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(4.5 * COLUMNS, 2.8 * rows), layout="constrained")
    for position, name in enumerate(names, start=1):
        axes = figure.add_subplot(rows, COLUMNS, position)
        axes.set_title(name, fontsize=10)
        axes.grid(alpha=0.3)
        for number, (run, curves) in enumerate(runs.items()):  # one colour per run everywhere
            axes.plot(*curves.get(name, ([], [])), f"C{number % 10}", label=run, linewidth=1.2)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomic(path, lambda file: file.write(buffer.getvalue()))


def _panel_order(name: str) -> tuple[int, str]:
    """Validation first, then losses, then the rest."""
    return (0 if name.startswith("val") else 1 if name.startswith("loss") else 2), name


def _labels(folders: Sequence[Path]) -> list[str]:
    """Folder names, or whole paths where two runs share a name."""
    names = [folder.name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train plot``."""
    parser.add_argument("runs", nargs="+", type=Path, help="folders given to --out")
    parser.add_argument("-o", "--output", type=Path, default=Path("curves.png"))


def run(arguments: argparse.Namespace) -> None:
    """Draw the logs of the given runs."""
    labels = _labels([folder.resolve() for folder in arguments.runs])
    runs = {
        label: read_curves(folder / "log.jsonl")
        for label, folder in zip(labels, arguments.runs, strict=True)
    }
    draw_curves(runs, arguments.output)
    print(arguments.output)
