"""Checkpoint to an ONNX file in the YOLOX contract (``python -m train.detector export``)."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dwpose_annotator.detect import SCORE_THRESHOLD, letterbox
from dwpose_annotator.images import load_image
from dwpose_annotator.models.onnx_export import export_onnx
from dwpose_annotator.models.person_detector import PersonDetector
from dwpose_annotator.network_input import YOLOX_INPUT
from dwpose_annotator.session import OnnxSession, TorchSession
from dwpose_annotator.types import FloatArray
from train.config import annotation_and_images
from train.detector.data import load_photos
from train.detector.evaluate import load_detector

# Largest differences that rounding explains, weights as float32 / as float16.
SCORE_LIMIT, HALF_SCORE_LIMIT = 1e-4, 2e-2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.detector export``."""
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path, help="ONNX file to write")
    parser.add_argument("--size", type=int, default=416, help="input side, a multiple of 32")
    parser.add_argument(
        "--threshold",
        type=float,
        default=SCORE_THRESHOLD,
        help=f"score of the checkpoint that becomes {SCORE_THRESHOLD} in the file",
    )
    parser.add_argument("--fp16-storage", action="store_true", help="weights as float16")
    parser.add_argument("--data", help="COCO annotation file: compare on its photos")
    parser.add_argument("--samples", type=int, default=16, help="photos to compare on")


def run(arguments: argparse.Namespace) -> None:
    """Export and report how far ONNX Runtime is from torch."""
    if arguments.size % 32:
        raise ValueError(f"--size must be a multiple of 32, got {arguments.size}")
    model = load_detector(arguments.checkpoint)
    move_threshold(model, arguments.threshold)
    export_detector(model, arguments.out, size=arguments.size, half_storage=arguments.fp16_storage)
    batch = sample_batch(arguments.data, count=arguments.samples, size=arguments.size)
    box, score = compare(model, arguments.out, batch)
    megabytes = arguments.out.stat().st_size / 1e6
    print(f"{arguments.out.name}: {megabytes:.2f} MB, input {arguments.size}x{arguments.size}")
    print(f"against torch: raw boxes differ by at most {box:.1e} cells, scores by {score:.1e}")
    if score > (HALF_SCORE_LIMIT if arguments.fp16_storage else SCORE_LIMIT):
        raise SystemExit("error: the scores differ by more than rounding: do not use this file")


def move_threshold(model: PersonDetector, threshold: float) -> None:
    """Shift all score logits so that ``threshold`` becomes the pipeline's default threshold.

    Which boxes stand above the threshold stays the same; only the numbers change.

    Raises:
        ValueError: not strictly between 0 and 1.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"a threshold must lie between 0 and 1, got {threshold}")
    shift = _logit(SCORE_THRESHOLD) - _logit(threshold)
    with torch.no_grad():
        for layer in model.head.scores:
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            layer.bias += shift


def export_detector(
    model: PersonDetector, path: Path, *, size: int, half_storage: bool = False
) -> None:
    """Write the YOLOX contract: ``images`` (N, 3, size, size) BGR 0..255 -> ``output``."""
    export_onnx(
        model,
        path,
        input_chw=(3, size, size),
        input_name="images",
        output_names=("output",),
        half_storage=half_storage,
    )


def sample_batch(data: str | None, *, count: int, size: int) -> FloatArray:
    """Letterboxed photos spread over a data set, or noise if there is none."""
    if data is None:
        pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
        return YOLOX_INPUT.to_batch(pixels)
    paths = load_photos(*annotation_and_images(data)).image
    chosen = paths[:: max(1, len(paths) // count)][:count]
    return YOLOX_INPUT.to_batch([letterbox(load_image(path), (size, size))[0] for path in chosen])


def compare(model: PersonDetector, file: Path, batch: FloatArray) -> tuple[float, float]:
    """Largest difference of a raw box value and of a score between torch and ONNX Runtime."""
    size = batch.shape[-1]
    expected = TorchSession(model, (None, 3, size, size), device="cpu").run(batch)[0]
    found = OnnxSession(file, "cpu").run(batch)[0]
    difference = np.abs(expected - found)
    return float(difference[..., :4].max()), float(difference[..., 4:].max())


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
