"""Checkpoint to ONNX, with proof that the file equals the network (``python -m train export``).

Storage: float32, float16 (same arithmetic, half the file) or int8 (``train/quantize.py``).
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.crop import batch_slices, crop_people
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.images import load_image
from dwpose_annotator.models.onnx_export import export_pose_onnx
from dwpose_annotator.models.pose import PoseModel
from dwpose_annotator.session import OnnxSession, TorchSession
from dwpose_annotator.simcc import decode
from dwpose_annotator.types import Boxes, Crops, SimCC
from train.config import annotation_and_images
from train.data import People, load_people
from train.evaluation.eval_set import find_eval_sets
from train.evaluation.measure import measure_model
from train.evaluation.report import to_text
from train.evaluation.run_model import load_pose_checkpoint, open_model

# As shares of the largest logit, because an untrained network's logits are tiny.
FLOAT32_LIMIT = 1e-3  # rounding stays far below it, a wrong operator does not
TIE = 1e-3  # bins whose logits are nearer than this may swap


@dataclass(frozen=True)
class Parity:
    """How far an ONNX file is from the torch network that it came from.

    Attributes:
        crops: number of crops compared.
        logit: largest difference of a logit, as a share of the largest logit.
        moved: share of keypoints that land elsewhere although their best bins do not tie.
        pixels: largest move of those keypoints, crop pixels.
        score: largest difference of a keypoint score, as a share of the largest logit.
    """

    crops: int
    logit: float
    moved: float
    pixels: float
    score: float


def sample_crops(people: People, count: int, crop_wh: tuple[int, int], *, seed: int = 0) -> Crops:
    """Crops of ``count`` people drawn at random (all of them if there are fewer)."""
    rows = np.random.default_rng(seed).permutation(len(people))[:count]
    crops = [
        crop_people(load_image(people.image[row]), Boxes.from_xyxy(people.box[row]), crop_wh)
        for row in sorted(rows.tolist())
    ]
    return Crops(
        np.concatenate([crop.pixels for crop in crops]),
        np.concatenate([crop.image_to_crop for crop in crops]),
    )


def noise_crops(count: int, crop_wh: tuple[int, int], *, seed: int = 0) -> Crops:
    """Random pixels: enough to compare arithmetic, not to judge accuracy."""
    shape = (count, crop_wh[1], crop_wh[0], 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return Crops(pixels, np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1)))


def compare(model: PoseModel, onnx_file: Path, crops: Crops) -> Parity:
    """Run torch and ONNX Runtime on the CPU over the same crops."""
    width, height = model.config.crop_wh
    torch_run = PoseEstimator(TorchSession(model, (None, 3, height, width), device="cpu"))
    onnx_run = PoseEstimator(OnnxSession(onnx_file, "cpu"))
    expected, found = (_infer_all(run, crops) for run in (torch_run, onnx_run))
    largest = max(float(np.abs(axis).max()) for axis in (expected.x, expected.y))
    (xy, score), (other_xy, other_score) = decode(expected), decode(found)
    clear = _top_margin(expected) > TIE * largest
    distance = np.linalg.norm(xy - other_xy, axis=-1)[clear]
    logit = max(
        float(np.abs(expected.x - found.x).max()), float(np.abs(expected.y - found.y).max())
    )
    return Parity(
        len(crops),
        logit / largest,
        float((distance > 0).mean()) if distance.size else 0.0,
        float(distance.max(initial=0)),
        float(np.abs(score - other_score).max()) / largest,
    )


def _infer_all(estimator: PoseEstimator, crops: Crops) -> SimCC:
    parts = [
        estimator.infer(Crops(crops.pixels[part], crops.image_to_crop[part]))
        for part in batch_slices(len(crops), estimator.max_batch)
    ]
    return SimCC(np.concatenate([p.x for p in parts]), np.concatenate([p.y for p in parts]))


def _top_margin(logits: SimCC) -> NDArray[np.float32]:
    """(N, K) lead of the best bin over the second, the smaller one of the two axes."""
    best = [np.partition(axis, -2, axis=-1)[..., -2:] for axis in (logits.x, logits.y)]
    return np.minimum(*(pair[..., 1] - pair[..., 0] for pair in best))


def describe(parity: Parity, *, real: bool) -> str:
    """The parity report as one line."""
    kind = "real crops" if real else "crops of noise"
    return (
        f"against torch on {parity.crops} {kind}: logits differ by at most {parity.logit:.1e}, "
        f"scores by {parity.score:.1e} of the largest logit; {100 * parity.moved:.3f} % of the "
        f"keypoints move, by at most {parity.pixels:g} px of the crop"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train export``."""
    parser.add_argument("checkpoint", type=Path, help="checkpoint of ours or of the original code")
    parser.add_argument("out", type=Path, help="ONNX file to write")
    storage = parser.add_mutually_exclusive_group()
    storage.add_argument(
        "--fp16-storage", action="store_true", help="weights as float16, arithmetic as before"
    )
    storage.add_argument(
        "--int8", action="store_true", help="quantise statically; needs --calibrate"
    )
    parser.add_argument(
        "--calibrate",
        metavar="DATA",
        help="COCO-WholeBody folder: train.json is calibrated on, val.json measures the cost",
    )
    parser.add_argument("--crops", metavar="DATA", help="folder of people for the parity report")
    parser.add_argument("--samples", type=int, default=256, help="crops to calibrate or compare on")


def run(arguments: argparse.Namespace) -> None:
    """Export, report parity, and for int8 the accuracy before and after."""
    if arguments.int8 and arguments.calibrate is None:
        raise SystemExit("--int8 needs --calibrate DATA, a COCO-WholeBody folder")
    model, size = load_pose_checkpoint(arguments.checkpoint)
    source = arguments.calibrate or arguments.crops
    crop_wh = model.config.crop_wh
    if source is None:
        crops = noise_crops(min(arguments.samples, 16), crop_wh)
    else:
        people = load_people(*annotation_and_images(source))
        crops = sample_crops(people, arguments.samples, crop_wh)
    if arguments.int8:
        _export_int8(model, arguments.out, crops, Path(arguments.calibrate))
    else:
        export_pose_onnx(model, arguments.out, half_storage=arguments.fp16_storage)
    megabytes = arguments.out.stat().st_size / 1e6
    print(f"{arguments.out}: size {size}, {megabytes:.2f} MB")
    parity = compare(model, arguments.out, crops)
    print(describe(parity, real=source is not None))
    exact = not (arguments.fp16_storage or arguments.int8)
    if exact and parity.logit > FLOAT32_LIMIT:
        raise SystemExit(f"logits differ by more than {FLOAT32_LIMIT:.1%}: do not use this file")


def _export_int8(model: PoseModel, out: Path, crops: Crops, data: Path) -> None:
    """Quantise and print what it costs on the data's validation half."""
    from train.quantize import quantize_pose

    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "float32.onnx"
        export_pose_onnx(model, full)
        quantize_pose(full, out, crops)
        print(accuracy_cost([full, out], data))


def accuracy_cost(files: list[Path], data: Path) -> str:
    """Evaluation tables of several ONNX files side by side."""
    sets = find_eval_sets(data)
    reports = [
        measure_model(open_model(str(file), device="cpu"), sets, resamples=200) for file in files
    ]
    return to_text(reports)
