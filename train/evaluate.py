"""Accuracy, size and speed of pose networks on labelled images (``python -m train evaluate``).

Prints the table of the DWPose page; what each figure means is in docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from train.evaluation.eval_set import EvalSet, find_eval_sets
from train.evaluation.measure import measure_model
from train.evaluation.person_boxes import PersonBoxes, boxes_from_file, detected_boxes
from train.evaluation.report import to_text, write_json, write_plot
from train.evaluation.run_model import detector_by_name, open_model

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train evaluate``."""
    parser.add_argument(
        "models", nargs="+", help=".onnx file, checkpoint (.pt, .pth) or weight name"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="annotation file, folder with one beside images/, or folder of such folders",
    )
    parser.add_argument("--images", type=Path, help="image folder of an annotation file")
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument("--boxes", type=Path, help="person detections, COCO results JSON")
    boxes.add_argument("--detector", help="find the people with this detector (end to end)")
    parser.add_argument("--flip", action="store_true", help="average with mirrored crops")
    parser.add_argument(
        "--no-area", action="store_true", help="object size = 0.53 of the box (UBody)"
    )
    parser.add_argument(
        "--resamples", type=int, default=200, help="bootstrap draws of the intervals; 0: none"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads of ONNX Runtime")
    parser.add_argument("--batch", type=int, default=16, help="crops per network run")
    parser.add_argument("--json", type=Path, help="write everything measured here")
    parser.add_argument("--plot", type=Path, help="write a bar chart (PNG) here")


def run(arguments: argparse.Namespace) -> None:
    """Measure every model on every data set, print the tables, write the files."""
    sets = find_eval_sets(arguments.data, image_dir=arguments.images)
    boxes = [_boxes(arguments, eval_set) for eval_set in sets]
    reports = []
    for name in arguments.models:
        model = open_model(name, device=arguments.device, threads=arguments.threads)
        log.info("%s runs on %s", model.name, model.session.provider)
        report = measure_model(
            model,
            sets,
            boxes=boxes,
            flip_test=arguments.flip,
            use_area=not arguments.no_area,
            resamples=arguments.resamples,
            max_batch=arguments.batch,
        )
        reports.append(report)
    print(to_text(reports))
    if arguments.json is not None:
        write_json(reports, arguments.json)
    if arguments.plot is not None:
        write_plot(reports, arguments.plot)


def _boxes(arguments: argparse.Namespace, eval_set: EvalSet) -> PersonBoxes | None:
    if arguments.boxes is not None:
        return boxes_from_file(arguments.boxes, eval_set)
    if arguments.detector is None:
        return None
    return detected_boxes(
        detector_by_name(arguments.detector, arguments.device, arguments.threads), eval_set
    )
