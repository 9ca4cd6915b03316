"""One row per model: the figures that decide which weights ship."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from train.data import read_json
from train.evaluation.measure import ModelReport, SetResult
from train.evaluation.report import aligned, column_interval, part_scores, range_text, to_json
from train.evaluation.uncertainty import Estimate, interval

PARTS_BESIDE_BODY = ("foot", "face", "hand", "whole")
NME, HAND_PCK = "nme/face", "pck_hand/hand"  # of point_metrics


@dataclass(frozen=True)
class SummaryRow:
    """A model measured with ground-truth boxes on every set, and end to end on one.

    Attributes:
        report: every set, ground-truth boxes.
        end_to_end: the set with most labelled bodies, with the boxes of a detector; or None.
    """

    report: ModelReport
    end_to_end: SetResult | None


def most_labelled(results: Sequence[SetResult], metric: str) -> int | None:
    """Index of the set in which most people count for a point metric; None if nobody does."""
    counts = [result.points[metric].count if metric in result.points else 0 for result in results]
    return counts.index(max(counts)) if any(counts) else None


def read_anchors(path: Path) -> dict[str, tuple[float, float]]:
    """Body AP and AR (0 to 1) of other systems by name: ``{"name": {"AP": 0.4, "AR": 0.5}}``.

    Raises:
        ValueError: another structure.
    """
    content = read_json(path)
    try:
        return {name: (float(row["AP"]), float(row["AR"])) for name, row in content.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path}: expected {{"NAME": {{"AP": 0.4, "AR": 0.5}}}}, got {json.dumps(content)[:80]}'
        ) from error


def summary_text(
    rows: Sequence[SummaryRow], anchors: Mapping[str, tuple[float, float]] | None = None
) -> str:
    """A Markdown table and, above it, which data each column is about."""
    first = rows[0].report.results
    body = most_labelled(first, "pck/body")
    part_set = most_labelled(first, "pck/whole")
    places = {
        "body": body,
        ", ".join(PARTS_BESIDE_BODY): part_set,
        "face NME": most_labelled(first, NME),
        "hand PCK": most_labelled(first, HAND_PCK),
    }
    about = [
        f"{columns}: {first[index].data} ({first[index].people} people)"
        for columns, index in places.items()
        if index is not None
    ]
    header = [
        *("model", "body AP / AR", "detector: body AP / AR", *PARTS_BESIDE_BODY, "face NME %"),
        *("hand PCK", "params M", "GMACs", "ORT ms"),
    ]
    lines = [_row(row, body, part_set) for row in rows]
    for name, (ap, ar) in (anchors or {}).items():
        lines.append([name, f"{100 * ap:.1f} / {100 * ar:.1f}", *["" for _ in header[2:]]])
    machines = dict.fromkeys(row.report.latency.machine for row in rows)
    blocks = [". ".join(about), aligned(header, lines), f"ORT ms: {'; '.join(machines)}"]
    differences = [] if body is None else _differences(rows, body)
    if differences:
        title = f"Body AP against {rows[0].report.name}, the same images drawn for both:"
        blocks += [title, aligned(("model", "difference"), differences)]
    return "\n\n".join(blocks)


def _differences(rows: Sequence[SummaryRow], body: int) -> list[list[str]]:
    """Body AP of each row minus the first one's, with its interval over shared bootstrap draws.

    Much tighter than two intervals side by side: both models meet the same easy and hard images.
    """
    first = rows[0].report.results[body].ap["body"]
    lines = []
    for row in rows[1:]:
        own = row.report.results[body].ap["body"]
        if own.ap_draws is None or first.ap_draws is None:
            continue
        value = 100 * (own.metrics["AP"] - first.metrics["AP"])
        spread = range_text(interval(own.ap_draws - first.ap_draws), 100, 1)
        lines.append([row.report.name, f"{value:+.1f} {spread}"])
    return lines


def _row(row: SummaryRow, body: int | None, part_set: int | None) -> list[str]:
    report = row.report
    parts = [
        _ap(None if part_set is None else report.results[part_set], column)
        for column in PARTS_BESIDE_BODY
    ]
    return [
        report.name,
        _ap(None if body is None else report.results[body], "body"),
        _ap(row.end_to_end, "body"),
        *parts,
        _point(report.results, NME, factor=100, digits=1),
        _point(report.results, HAND_PCK, factor=1, digits=3),
        f"{report.complexity.parameters / 1e6:.2f}",
        f"{report.complexity.macs / 1e9:.3f}",
        f"{report.latency.ms:.1f}",
    ]


def _ap(result: SetResult | None, column: str) -> str:
    if result is None:
        return "-"
    ap, ar = part_scores(result.ap, column)
    if ap < 0:
        return "-"
    bounds = column_interval(result, column)
    spread = f" {range_text(bounds, 100, 1)}" if bounds else ""
    return f"{100 * ap:.1f}{spread} / {100 * ar:.1f}"


def _point(results: Sequence[SetResult], metric: str, *, factor: float, digits: int) -> str:
    index = most_labelled(results, metric)
    if index is None:
        return "-"
    estimate: Estimate = results[index].points[metric]
    spread = f" {range_text(estimate.interval, factor, digits)}" if estimate.interval else ""
    return f"{factor * estimate.value:.{digits}f}{spread}"


def summary_json(rows: Iterable[SummaryRow]) -> str:
    """All that was measured, the end-to-end result under ``end_to_end``."""
    content = []
    for row in rows:
        entry = to_json([row.report])[0]
        if row.end_to_end is not None:
            with_boxes = dataclasses.replace(row.report, results=(row.end_to_end,))
            entry["end_to_end"] = to_json([with_boxes])[0]["results"][0]
        content.append(entry)
    return json.dumps(content, indent=1) + "\n"
