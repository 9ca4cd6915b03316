"""All models in one table: accuracy with intervals, end to end, size, speed, and other systems.

    python -m train table MODEL... --data DATA --detector person-nano --anchors FILE

What each figure means is in docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.files import write_atomic
from train.evaluation.eval_set import EvalSet, find_eval_sets
from train.evaluation.measure import SetResult, measure, measure_model
from train.evaluation.person_boxes import PersonBoxes, detected_boxes
from train.evaluation.run_model import OpenedModel, detector_by_name, open_model
from train.evaluation.summary import (
    SummaryRow,
    most_labelled,
    read_anchors,
    summary_json,
    summary_text,
)

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train table``."""
    parser.add_argument(
        "models", nargs="+", help=".onnx file, checkpoint (.pt, .pth) or weight name"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of evaluation sets")
    parser.add_argument("--detector", help="also find the people with this detector")
    parser.add_argument("--anchors", type=Path, help="JSON with body AP and AR of other systems")
    parser.add_argument("--flip", action="store_true", help="average with mirrored crops")
    parser.add_argument(
        "--resamples", type=int, default=200, help="bootstrap draws of the intervals; 0: none"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads of ONNX Runtime")
    parser.add_argument("--out", type=Path, help="write table.md and table.json into this folder")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the files."""
    sets = find_eval_sets(arguments.data)
    anchors = read_anchors(arguments.anchors) if arguments.anchors else {}
    rows: list[SummaryRow] = []
    found: tuple[EvalSet, PersonBoxes] | None = None
    for name in arguments.models:
        model = open_model(name, device=arguments.device, threads=arguments.threads)
        log.info("%s runs on %s", model.name, model.session.provider)
        report = measure_model(model, sets, flip_test=arguments.flip, resamples=arguments.resamples)
        index = most_labelled(report.results, "pck/body")
        if arguments.detector and index is not None and found is None:
            detector = detector_by_name(arguments.detector, arguments.device, arguments.threads)
            found = sets[index], detected_boxes(detector, sets[index])
        rows.append(SummaryRow(report, _end_to_end(arguments, model, found)))
    text = summary_text(rows, anchors)
    print(text)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        files = {"table.md": text + "\n", "table.json": summary_json(rows)}
        for name, content in files.items():
            write_atomic(arguments.out / name, lambda file, c=content: file.write(c.encode()))


def _end_to_end(
    arguments: argparse.Namespace, model: OpenedModel, found: tuple[EvalSet, PersonBoxes] | None
) -> SetResult | None:
    if found is None:
        return None
    estimator = PoseEstimator(
        model.session, network_input=model.network_input, flip_test=arguments.flip
    )
    return measure(estimator, found[0], boxes=found[1], resamples=arguments.resamples)
