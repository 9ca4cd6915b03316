"""Open a model, whatever it comes as, and run it over the people of a data set."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from dwpose_annotator.crop import batch_slices, box_to_center_scale, fix_aspect
from dwpose_annotator.detect import Detector
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.images import load_image
from dwpose_annotator.models.complexity import Complexity, module_complexity, onnx_complexity
from dwpose_annotator.models.convert import fill_model, load_state_dict, recognise_size
from dwpose_annotator.models.onnx_export import export_pose_onnx
from dwpose_annotator.models.pose import PoseModel, build_pose_model
from dwpose_annotator.network_input import POSE_INPUT, NetworkInput
from dwpose_annotator.session import OnnxSession, Session, SessionOptions, TorchSession
from dwpose_annotator.types import Boxes
from dwpose_annotator.weights import resolve_weights
from train.evaluation.eval_set import EvalSet
from train.evaluation.person_boxes import PersonBoxes, ground_truth_boxes
from train.evaluation.predictions import Predictions

CHECKPOINT_ENDINGS = (".pt", ".pth")
IMAGES_AT_ONCE = 8
WARM_UP_RUNS, TIMED_RUNS = 3, 20


@dataclass(frozen=True)
class Latency:
    """Median time of one crop on ONNX Runtime.

    Attributes:
        ms: milliseconds.
        machine: provider, threads, ONNX Runtime version and machine that it holds for.
    """

    ms: float
    machine: str


@dataclass(frozen=True)
class OpenedModel:
    """A pose network ready to run.

    Attributes:
        name: file stem or weight name.
        session: runs it.
        network_input: colour order and normalisation.
        complexity: parameters and multiply-adds.
        latency: on ONNX Runtime, on this machine.
    """

    name: str
    session: Session
    network_input: NetworkInput
    complexity: Complexity
    latency: Latency


def load_pose_checkpoint(path: Path) -> tuple[PoseModel, str]:
    """The network of a torch checkpoint (ours or the original's) and its size.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: not a whole-body pose network; lists what differs.
    """
    state = load_state_dict(path)
    size = recognise_size(state)
    model = build_pose_model(size)
    fill_model(model, state, name=str(path), size=size)
    return model.eval(), size


def open_model(
    name_or_path: str, *, device: str = "auto", threads: int | None = None
) -> OpenedModel:
    """Open an ``.onnx`` file, a torch checkpoint or a weight name.

    Args:
        device: where accuracy is measured and, for ONNX files, latency; checkpoints run on torch.
        threads: CPU threads of ONNX Runtime; None means all cores.
    """
    path = Path(name_or_path)
    options = SessionOptions(threads=threads)
    if path.suffix not in CHECKPOINT_ENDINGS:
        file, network_input = resolve_weights(name_or_path, "pose")
        session = OnnxSession(file, device, options=options)
        return OpenedModel(
            file.stem,
            session,
            network_input,
            onnx_complexity(file),
            measure_latency(session, threads),
        )
    model, _ = load_pose_checkpoint(path)
    width, height = model.config.crop_wh
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "model.onnx"
        export_pose_onnx(model, exported)
        latency = measure_latency(OnnxSession(exported, "cpu", options=options), threads)
    complexity = module_complexity(model, (3, height, width))
    name = path.parent.name if path.stem == "model" else path.stem  # a run's model.pt: the run
    session = TorchSession(model, (None, 3, height, width), device=device, name=name)
    return OpenedModel(name, session, POSE_INPUT, complexity, latency)


def detector_by_name(name_or_path: str, device: str, threads: int | None) -> Detector:
    """A person detector by weight name or ONNX file; the options are those of ``open_model``."""
    path, network_input = resolve_weights(name_or_path, "detector")
    session = OnnxSession(path, device, options=SessionOptions(threads))
    return Detector(session, network_input=network_input)


def measure_latency(session: OnnxSession, threads: int | None) -> Latency:
    """Median of repeated runs with one crop of noise."""
    shape = [side or 1 for side in session.input_shape]
    batch = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    seconds = []
    for _ in range(WARM_UP_RUNS + TIMED_RUNS):
        start = time.perf_counter()
        session.run(batch)
        seconds.append(time.perf_counter() - start)
    machine = (
        f"{session.provider}, {threads or os.cpu_count()} threads, "
        f"onnxruntime {onnxruntime.__version__}, {platform.system()} {platform.machine()}"
    )
    return Latency(float(np.median(seconds[WARM_UP_RUNS:]) * 1e3), machine)


def second_opinion(
    name_or_path: str, eval_set: EvalSet, *, device: str = "auto", threads: int | None = None
) -> Predictions:
    """A network's answers, with flip test, to set beside the labels: rows are those of ``people``.

    Args:
        name_or_path: what ``open_model`` takes, as are the options.
    """
    model = open_model(name_or_path, device=device, threads=threads)
    estimator = PoseEstimator(model.session, network_input=model.network_input, flip_test=True)
    return predict(estimator, eval_set, ground_truth_boxes(eval_set))


def predict(
    estimator: PoseEstimator, eval_set: EvalSet, boxes: PersonBoxes, *, progress: bool = True
) -> Predictions:
    """Pose every box; rows come in the order of ``boxes``.

    Raises:
        FileNotFoundError, ValueError: an image is missing or damaged (skipping it would change AP).
    """
    _, scale = box_to_center_scale(boxes.xyxy)
    area = fix_aspect(scale, estimator.crop_wh).astype(np.float64).prod(axis=1)
    xy = np.zeros((len(boxes), 133, 2))
    score = np.zeros((len(boxes), 133))
    image_ids = list(dict.fromkeys(boxes.image_id.tolist()))
    for part in tqdm(
        batch_slices(len(image_ids), IMAGES_AT_ONCE), disable=not progress, unit="batch"
    ):
        rows = [np.flatnonzero(boxes.image_id == image_id) for image_id in image_ids[part]]
        images = [load_image(eval_set.image_files[image_id]) for image_id in image_ids[part]]
        people = [Boxes(boxes.xyxy[index], boxes.score[index]) for index in rows]
        for index, poses in zip(rows, estimator(images, people), strict=True):
            xy[index], score[index] = poses.xy, poses.score
    return Predictions(
        boxes.image_id, boxes.instance_id, xy, score, boxes.score.astype(np.float64), area
    )
