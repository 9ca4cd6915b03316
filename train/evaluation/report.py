"""Evaluation results as text tables, JSON and a picture."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dwpose_annotator.files import write_atomic
from train.evaluation.coco_ap import PartAP
from train.evaluation.measure import ModelReport, SetResult, hand_mean
from train.evaluation.uncertainty import Estimate, Interval

COLUMNS = ("body", "foot", "face", "hand", "whole")  # of the DWPose page


def to_text(reports: Sequence[ModelReport]) -> str:
    """The tables of every data set: AP / AR, then the point metrics with their intervals."""
    blocks = []
    for index, result in enumerate(reports[0].results):
        same_set = [report.results[index] for report in reports]
        flip = ", flip test" if reports[0].flip_test else ""
        blocks.append(
            f"{result.data}: {result.images} images, {result.people} people, "
            f"boxes: {result.boxes}{flip}. AP/AR in percent."
        )
        if result.detection is not None:
            quality = result.detection
            blocks.append(
                f"boxes at IoU 0.5: recall {quality.recall:.3f} of {quality.people} people at "
                f"least {quality.min_height:g} px tall, precision {quality.precision:.3f} of "
                f"{quality.boxes} boxes"
            )
        blocks.append(_ap_table(reports, same_set))
        if any(results.points for results in same_set):
            blocks.append(_points_table(reports, same_set))
    machines = dict.fromkeys(report.latency.machine for report in reports)
    return "\n\n".join([*blocks, f"ORT ms: {'; '.join(machines)}"])


def _ap_table(reports: Sequence[ModelReport], results: Sequence[SetResult]) -> str:
    header = ["model", "input", *COLUMNS, "AP 95 %", "params M", "GMACs", "ORT ms"]
    rows = []
    for report, result in zip(reports, results, strict=True):
        scores = [
            f"{100 * ap:.1f}/{100 * ar:.1f}" if ap >= 0 else "-"
            for ap, ar in (part_scores(result.ap, column) for column in COLUMNS)
        ]
        main = result.ap[result.parts[-1]].ap_interval
        rows.append(
            [
                report.name,
                f"{report.input_hw[0]}x{report.input_hw[1]}",
                *scores,
                range_text(main, 100, 1) if main else "-",
                f"{report.complexity.parameters / 1e6:.2f}",
                f"{report.complexity.macs / 1e9:.3f}",
                f"{report.latency.ms:.1f}",
            ]
        )
    return aligned(header, rows)


def _points_table(reports: Sequence[ModelReport], results: Sequence[SetResult]) -> str:
    names = dict.fromkeys(name for result in results for name in result.points)
    header = ["metric", "people", *(report.name for report in reports)]
    rows = []
    for name in names:
        estimates = [result.points.get(name) for result in results]
        people = next(str(estimate.count) for estimate in estimates if estimate)
        rows.append([name, people, *map(_estimate, estimates)])
    return aligned(header, rows)


def part_scores(ap: dict[str, PartAP], column: str) -> tuple[float, float]:
    """AP and AR of one column of the table; -1 where nothing is labelled."""
    if column == "hand":
        return hand_mean(ap, "AP"), hand_mean(ap, "AR")
    part = ap.get(_part_of(column))
    return (part.metrics["AP"], part.metrics["AR"]) if part else (-1.0, -1.0)


def _part_of(column: str) -> str:
    return "wholebody" if column == "whole" else column


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    spread = f" {range_text(estimate.interval, 1, 3)}" if estimate.interval else ""
    return f"{estimate.value:.3f}{spread}"


def range_text(interval: Interval, factor: float, digits: int) -> str:
    """``[low, high]`` times ``factor``."""
    return f"[{factor * interval.low:.{digits}f}, {factor * interval.high:.{digits}f}]"


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns also line up in a terminal."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def to_json(reports: Sequence[ModelReport]) -> list[dict[str, Any]]:
    """Everything in the reports as plain data, with the table's columns beside COCO's names."""
    content = [dataclasses.asdict(report) for report in reports]
    for report, entry in zip(reports, content, strict=True):
        for result, plain in zip(report.results, entry["results"], strict=True):
            for part in plain["ap"].values():
                del part["ap_draws"]  # working values of the intervals
            plain["table"] = {
                column: dict(zip(("AP", "AR"), part_scores(result.ap, column), strict=True))
                for column in COLUMNS
            }
            plain["points"] = {
                name: estimate._asdict() for name, estimate in result.points.items()
            }  # fmt: skip
    return content


def write_json(reports: Sequence[ModelReport], path: Path) -> None:
    """``to_json`` into a file."""
    text = json.dumps(to_json(reports), indent=1)
    write_atomic(path, lambda file: file.write(f"{text}\n".encode()))


def write_plot(reports: Sequence[ModelReport], path: Path) -> None:
    """AP by part, and PCK by part where ground-truth boxes were given, one row per data set."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sets = len(reports[0].results)
    figure = Figure(figsize=(11, 3.2 * sets), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(sets, 2, squeeze=False)
    for index in range(sets):
        results = [report.results[index] for report in reports]
        names = [report.name for report in reports]
        first = results[0]
        left, right = axes[index]
        bars = {
            name: [
                (column, part_scores(result.ap, column)[0], column_interval(result, column))
                for column in COLUMNS
                if part_scores(result.ap, column)[0] >= 0
            ]
            for name, result in zip(names, results, strict=True)
        }
        _draw_bars(left, bars, f"{first.data}: AP ({first.boxes} boxes)")
        bars = {
            name: [
                (key.removeprefix("pck/"), estimate.value, estimate.interval)
                for key, estimate in result.points.items()
                if key.startswith("pck/")
            ]
            for name, result in zip(names, results, strict=True)
        }
        _draw_bars(right, bars, f"{first.data}: points within 5 % of the crop height")
    picture = path.suffix[1:] or "png"
    write_atomic(path, lambda file: figure.savefig(file, dpi=110, format=picture))


def column_interval(result: SetResult, column: str) -> Interval | None:
    """95 % interval of one column's AP; None for the hands' mean and where none was asked for."""
    part = result.ap.get(_part_of(column))
    return part.ap_interval if part else None


def _draw_bars(
    axis: Any, bars: dict[str, list[tuple[str, float, Interval | None]]], title: str
) -> None:
    """Grouped bars, one colour per model, with 95 % whiskers where there is an interval."""
    labels = list(dict.fromkeys(label for rows in bars.values() for label, _, _ in rows))
    width = 0.8 / len(bars)
    for number, (name, rows) in enumerate(bars.items()):
        for position, (label, value, interval) in enumerate(rows):
            low, high = interval or (value, value)
            axis.bar(
                labels.index(label) - 0.4 + (number + 0.5) * width,
                value,
                width * 0.95,
                color=f"C{number}",
                label=name if position == 0 else None,
                yerr=[[max(value - low, 0)], [max(high - value, 0)]] if interval else None,
                capsize=3,
            )
    axis.set_xticks(range(len(labels)), labels)
    axis.set_ylim(0, 1)
    axis.set_title(title, fontsize=10)
    axis.grid(axis="y", alpha=0.3)
    if labels:
        axis.legend(fontsize=8)
