"""Recall and precision of a person detector by height (``python -m train.detector evaluate``)."""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dwpose_annotator.detect import SCORE_THRESHOLD, Detector, DetectorOptions, letterbox
from dwpose_annotator.files import write_atomic
from dwpose_annotator.images import load_image, save_image
from dwpose_annotator.models.person_detector import PersonDetector
from dwpose_annotator.session import OnnxSession, Session, SessionOptions, TorchSession
from dwpose_annotator.types import Boxes, FloatArray, ImageArray
from train.build import load_matching
from train.config import annotation_and_images
from train.detector.data import load_photos
from train.detector.detections import Matches, match_all

HEIGHT_LIMITS = (0, 32, 64, 96, 160, 320, math.inf)
TALL = 96  # px: who must be found
LOWEST_SCORE = 0.02  # boxes below it change no figure worth reading
THRESHOLDS = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
TILE = 240  # px of the picture sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.detector evaluate``."""
    parser.add_argument("model", type=Path, help=".onnx file or checkpoint (.pt)")
    parser.add_argument("data", help="COCO annotation file with images/ beside it")
    parser.add_argument("--size", type=int, default=416, help="input side for a checkpoint")
    parser.add_argument("--threshold", type=float, default=SCORE_THRESHOLD)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--sheet", type=Path, help="draw people (green) and boxes (red) here (PNG)")
    parser.add_argument("--sheet-photos", type=int, default=40)


def run(arguments: argparse.Namespace) -> None:
    """Detect on every photo, print the table, write the files."""
    photos = load_photos(*annotation_and_images(arguments.data))
    session = open_detector(arguments.model, size=arguments.size, threads=arguments.threads)
    detector = Detector(session, options=DetectorOptions(score_threshold=LOWEST_SCORE))
    found = [detector([load_image(path)])[0] for path in photos.image]
    matches = match_all(found, photos.boxes)
    figures = measure(matches, threshold=arguments.threshold)
    print(f"{len(photos)} photos, input {session.input_shape[3]}x{session.input_shape[2]}")
    print(to_text(figures))
    if arguments.json:
        text = json.dumps(figures, indent=1) + "\n"
        write_atomic(arguments.json, lambda file: file.write(text.encode()))
    if arguments.sheet:
        chosen = range(min(arguments.sheet_photos, len(photos)))
        tiles = [
            draw_photo(load_image(photos.image[i]), photos.boxes[i], found[i], arguments.threshold)
            for i in chosen
        ]
        save_image(arguments.sheet, grid(tiles))


def open_detector(model: Path, *, size: int, threads: int = 1) -> Session:
    """An ONNX file, or a checkpoint run by torch at ``size`` pixels."""
    if model.suffix == ".onnx":
        return OnnxSession(model, "cpu", options=SessionOptions(threads=threads))
    return TorchSession(load_detector(model), (None, 3, size, size), device="cpu")


def load_detector(checkpoint: Path) -> PersonDetector:
    """The averaged network of a training checkpoint.

    Raises:
        ValueError: entries are missing.
    """
    model = PersonDetector()
    missing = load_matching(model, checkpoint)
    if missing:
        raise ValueError(f"{checkpoint} lacks {len(missing)} entries, such as {missing[0]}")
    return model


def measure(matches: Matches, *, threshold: float) -> dict[str, object]:
    """Every figure of one run, ready for JSON."""
    ranges = [*itertools.pairwise(HEIGHT_LIMITS), (TALL, math.inf)]
    return {
        "threshold": threshold,
        "by_height": [_row(matches, low, high, threshold) for low, high in ranges],
        "by_threshold": [
            {"threshold": t, **_row(matches, TALL, math.inf, t)} for t in sorted({*THRESHOLDS})
        ],
        "all_boxes_precision": matches.precision(0, math.inf, threshold=threshold)[0],
        "ap50": matches.average_precision(),
        "ap50_tall": matches.average_precision(TALL),
    }


def _row(matches: Matches, low: float, high: float, threshold: float) -> dict[str, object]:
    recall, people = matches.recall(low, high, threshold=threshold)
    precision, boxes = matches.precision(low, high, threshold=threshold)
    return {
        "from_px": low,
        "to_px": None if math.isinf(high) else high,
        "people": people,
        "recall": recall if people else None,
        "boxes": boxes,
        "precision": precision if boxes else None,
        # every box that is shown, of any height, against every labelled person
        "precision_any_height": matches.precision(0, math.inf, threshold=threshold)[0],
    }


def to_text(figures: dict[str, object]) -> str:
    """The figures of ``measure`` as two tables."""
    lines = [f"score > {figures['threshold']}, IoU 0.5, heights in photo pixels"]
    lines.append(f"{'height':>12} {'people':>7} {'recall':>7} {'boxes':>7} {'precision':>10}")
    for row in _rows(figures["by_height"]):
        span = f"{row['from_px']}-{row['to_px'] or ''}"
        lines.append(
            f"{span:>12} {row['people']:>7} {_number(row['recall']):>7} "
            f"{row['boxes']:>7} {_number(row['precision']):>10}"
        )
    lines.append(
        f"\n{'threshold':>12} {f'recall {TALL}+':>10} {'precision':>10} {'of all boxes':>13}"
    )
    for row in _rows(figures["by_threshold"]):
        lines.append(
            f"{row['threshold']:>12} {_number(row['recall']):>10} {_number(row['precision']):>10} "
            f"{_number(row['precision_any_height']):>13}"
        )
    lines.append(
        f"\nAP50 {figures['ap50']:.3f}, of people from {TALL} px {figures['ap50_tall']:.3f}"
    )
    return "\n".join(lines)


def _rows(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value


def _number(value: object) -> str:
    return "-" if value is None else f"{value:.3f}"


def draw_photo(photo: ImageArray, people: FloatArray, found: Boxes, threshold: float) -> ImageArray:
    """A tile with the labelled people in green and the boxes above ``threshold`` in red."""
    tile, ratio = letterbox(photo, (TILE, TILE))
    for left, top, right, bottom in (people * ratio).astype(int).tolist():
        cv2.rectangle(tile, (left, top), (right, bottom), (0, 200, 0), 2)
    shown = found.score > threshold
    for box, score in zip((found.xyxy[shown] * ratio).astype(int), found.score[shown], strict=True):
        left, top, right, bottom = box.tolist()
        cv2.rectangle(tile, (left, top), (right, bottom), (255, 0, 0), 1)
        cv2.putText(tile, f"{score:.2f}", (left, top + 10), 0, 0.35, (255, 255, 0), 1)
    return tile


def grid(tiles: Sequence[ImageArray], *, columns: int = 8) -> ImageArray:
    """Tiles of one size, side by side, row by row."""
    blank = [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    padded = [*tiles, *blank]
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    return np.concatenate(rows)
