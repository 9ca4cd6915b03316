"""Weight files in ComfyUI's folders, ComfyUI's device, and the networks that come of them.

ComfyUI's start must not wait for OpenCV, so what needs it is imported when a node runs.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import comfy.model_management
import folder_paths

from dwpose_annotator.device import DEVICES
from dwpose_annotator.weights import WEIGHTS, Kind

from .progress import stop_if_asked

if TYPE_CHECKING:
    from dwpose_annotator import Annotator
    from dwpose_annotator.detect import Detector, DetectorOptions
    from dwpose_annotator.session import Session

logger = logging.getLogger(__name__)

FOLDER = "dwpose"
NO_DETECTOR = "none"
DEVICE_CHOICES = ["auto", *DEVICES]
# Where comfyui_controlnet_aux keeps what it downloaded, below its folder of checkpoints.
AUX_FOLDERS = ("yzd-v/DWPose", "hr16/UnJIT-DWPose", "hr16/yolox-onnx")


def register_folders() -> None:
    """models/dwpose, and the folders of comfyui_controlnet_aux that exist."""
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER))
    packs = folder_paths.get_folder_paths("custom_nodes")
    stores = [os.path.join(pack, "comfyui_controlnet_aux", "ckpts") for pack in packs]
    stores.append(os.environ.get("AUX_ANNOTATOR_CKPTS_PATH", ""))
    for store in filter(None, stores):
        for name in AUX_FOLDERS:
            folder = os.path.join(store, *name.split("/"))
            if os.path.isdir(folder):
                folder_paths.add_model_folder_path(FOLDER, folder)


def weight_choices(kind: Kind) -> list[str]:
    """Weight names of the table, then further ONNX files of the user."""
    names = [name for name, row in WEIGHTS.items() if row.kind == kind]
    known = {row.onnx_file for row in WEIGHTS.values()}
    files = folder_paths.get_filename_list(FOLDER)
    return names + [f for f in files if f.endswith(".onnx") and os.path.basename(f) not in known]


def load_annotator(pose: str, detector: str, device: str) -> Annotator:
    """Networks by the choices of a node; a running one stops when the user says so.

    Raises:
        RuntimeError: ONNX Runtime is not installed.
        WeightsError, DeviceError: see ``Annotator.from_pretrained``.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise RuntimeError(
            f"ONNX Runtime is not installed. Run: {sys.executable} -m pip install onnxruntime-gpu"
            " (NVIDIA) or: onnxruntime (any other machine); then start ComfyUI again."
        )
    from dwpose_annotator import Annotator

    annotator = Annotator.from_pretrained(
        _weight_argument(pose),
        detector=_weight_argument(detector),
        device=_resolve_device(device),
        search_dirs=folder_paths.get_folder_paths(FOLDER),
        engine_cache_dir=_engine_cache(device),
    )
    return _interruptible(annotator)


def with_detector_options(
    annotator: Annotator, *, score_threshold: float, whole_image_if_nobody: bool
) -> Annotator:
    """The same networks, asked otherwise."""
    detector = annotator.detector
    if detector is not None:
        options = replace(detector.options, score_threshold=score_threshold)
        detector = _detector(detector.session, detector, options)
    return replace(annotator, detector=detector, whole_image_if_nobody=whole_image_if_nobody)


def describe_device(annotator: Annotator) -> str:
    """What really runs the networks; says so when it is not where ComfyUI runs."""
    ours = annotator.provider.removesuffix("ExecutionProvider")
    theirs = comfy.model_management.get_torch_device()
    if ours == "CPU" and theirs.type != "cpu":
        return f"SLOW: runs on the CPU although ComfyUI runs on {theirs}; the log says why"
    return f"runs on {ours}"


class InterruptibleSession:
    """A session that gives ComfyUI's stop button its chance before every batch."""

    def __init__(self, inner: Session) -> None:
        self.inner = inner
        self.name, self.provider = inner.name, inner.provider
        self.input_shape, self.output_shapes = inner.input_shape, inner.output_shapes

    def run(self, batch):
        stop_if_asked()
        return self.inner.run(batch)


def _interruptible(annotator: Annotator) -> Annotator:
    from dwpose_annotator.estimate import PoseEstimator

    pose, detector = annotator.pose, annotator.detector
    if detector is not None:
        detector = _detector(InterruptibleSession(detector.session), detector, detector.options)
    estimator = PoseEstimator(
        InterruptibleSession(pose.session),
        network_input=pose.network_input,
        max_batch=pose.max_batch,
        flip_test=pose.flip_test,
    )
    return replace(annotator, pose=estimator, detector=detector)


def _detector(session: Session, like: Detector, options: DetectorOptions) -> Detector:
    from dwpose_annotator.detect import Detector

    return Detector(
        session, network_input=like.network_input, options=options, max_batch=like.max_batch
    )


def _weight_argument(choice: str) -> str:
    """A weight name as it is; a file of the user as its path."""
    if choice in WEIGHTS or choice == NO_DETECTOR:
        return choice
    path = folder_paths.get_full_path(FOLDER, choice)
    if path is None:
        folders = ", ".join(folder_paths.get_folder_paths(FOLDER))
        raise FileNotFoundError(f"no weight file {choice!r} in {folders}")
    return path


def _resolve_device(choice: str) -> str:
    """``auto`` becomes the device that ComfyUI runs on, as far as ONNX Runtime has it."""
    if choice != "auto":
        return choice
    theirs = comfy.model_management.get_torch_device()
    if theirs.type == "cpu":
        logger.info("DWPose: on the CPU, like ComfyUI itself")
        return "cpu"
    if theirs.type == "cuda" and theirs.index:
        from dwpose_annotator.session import available_providers

        if DEVICES["cuda"].provider in available_providers():
            return f"cuda:{theirs.index}"
    return "auto"


def _engine_cache(device: str) -> str | None:
    """Folder for TensorRT's engines, which take minutes to build."""
    if not device.startswith("tensorrt"):
        return None
    cache = os.path.join(folder_paths.models_dir, FOLDER, "tensorrt")
    os.makedirs(cache, exist_ok=True)
    return cache
