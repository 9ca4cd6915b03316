"""What runs where and why: the report of ``dwpose doctor``, ready to paste into a bug report."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np

from dwpose_annotator import __version__
from dwpose_annotator.device import DEVICES, choose_device, unused_gpu_hint

_PACKAGES = ("numpy", "pillow", "huggingface_hub", "typer", "torch", "onnx", "av", "gradio")
# Distributions that install the same module over one another; the last one installed wins.
_RIVALS = {
    "cv2": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "onnxruntime": (
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-directml",
        "onnxruntime-openvino",
        "onnxruntime-rocm",
        "onnxruntime-migraphx",
    ),
}
_VARIABLES = (
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "DWPOSE_WEIGHTS_DIR",
    "DWPOSE_CACHE",
    "COMFYUI_PATH",
    "CUDA_VISIBLE_DEVICES",
)

Line = tuple[str, bool]  # text, and False where something is wrong


def report(*, device: str = "auto", offline: bool = False) -> Iterator[Line]:
    """Lines of the report; each check goes on past what the one before found."""
    yield "dwpose doctor", True
    yield from _versions()
    yield from _rivals()
    yield from _devices(device)
    yield from _places()
    yield from _weights()
    yield from _trial(device, offline=offline)


def _versions() -> Iterator[Line]:
    yield _row("dwpose-annotator", f"{__version__} in {Path(__file__).parent}"), True
    yield _row("python", f"{platform.python_version()} in {sys.prefix}"), True
    yield _row("system", f"{platform.platform()}, {os.cpu_count()} CPU cores"), True
    for name in _PACKAGES:
        yield _row(name, _version(name) or "not installed"), True


def _rivals() -> Iterator[Line]:
    for module, names in _RIVALS.items():
        installed = [f"{name} {version}" for name in names if (version := _version(name))]
        if len(installed) == 1:
            yield _row(module, installed[0]), True
        elif installed:
            advice = "they overwrite one another: uninstall all of them, then install one"
            yield _row(module, f"WRONG: {', '.join(installed)}; {advice}"), False
        else:
            yield _row(module, f"from none of {', '.join(names)}"), True


def _devices(device: str) -> Iterator[Line]:
    from dwpose_annotator.session import available_providers

    try:
        available = available_providers()
    except ImportError as error:
        yield _row("providers", f"WRONG: onnxruntime cannot be imported: {error}"), False
        return
    yield _row("providers", ", ".join(available)), True
    absent = [
        f"{name} ({row.package})" for name, row in DEVICES.items() if row.provider not in available
    ]
    yield _row("not available", ", ".join(absent)), True
    yield _row("nvidia-smi", shutil.which("nvidia-smi") or "not found"), True
    try:
        choice = choose_device(device, available)
    except ValueError as error:
        yield _row(f"device {device}", f"WRONG: {error}"), False
        return
    yield _row(f"device {device}", f"{choice.provider}: {choice.reason}"), True
    hint = unused_gpu_hint(choice)
    if hint is not None:
        yield _row("", f"NOTE: {hint}"), True


def _places() -> Iterator[Line]:
    from huggingface_hub import constants

    yield _row("hub cache", constants.HF_HUB_CACHE), True
    for name in _VARIABLES:
        if name in os.environ:
            yield _row(name, os.environ[name]), True


def _weights() -> Iterator[Line]:
    from dwpose_annotator.weights import WEIGHTS, locate_weights, weight_folders

    yield _row("searched", ", ".join(str(folder) for folder in weight_folders())), True
    for weights in WEIGHTS.values():
        path = locate_weights(weights)
        shipped_but_gone = path is None and weights.repo is None
        text = "WRONG: missing, install the package again" if shipped_but_gone else "not here"
        yield _row(weights.name, str(path or text)), not shipped_but_gone


def _trial(device: str, *, offline: bool) -> Iterator[Line]:
    """Run the shipped networks once: only this shows the provider that is really active."""
    from dwpose_annotator.annotator import Annotator
    from dwpose_annotator.types import Boxes

    try:
        annotator = Annotator.from_pretrained(device=device, offline=offline)
        start = time.perf_counter()
        image = np.full((720, 1280, 3), 128, np.uint8)
        annotator.detect(image)
        annotator.estimate(image, boxes=Boxes.whole_image((720, 1280)))
        seconds = time.perf_counter() - start
    except (ValueError, OSError) as error:
        yield _row("trial run", f"WRONG: {error}"), False
        return
    detector = "none" if annotator.detector is None else annotator.detector.session.provider
    yield _row("active", f"pose on {annotator.provider}, detector on {detector}"), True
    yield _row("trial run", f"one person in {seconds * 1000:.0f} ms, first run included"), True


def _row(name: str, text: str) -> str:
    return f"  {name:<18} {text}"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
