"""Which ONNX Runtime execution provider serves a device name, and why it was chosen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dwpose_annotator.errors import DeviceError

CPU_PROVIDER = "CPUExecutionProvider"


@dataclass(frozen=True)
class DeviceRow:
    """One device name that users may give.

    Attributes:
        provider: ONNX Runtime's name of the execution provider.
        package: what to ``pip install`` (in place of ``onnxruntime``) to get the provider.
        automatic: whether ``auto`` may pick it. TensorRT is not, because building its engine takes
            minutes; CoreML is not, because networks with a free batch size run there in pieces.
    """

    provider: str
    package: str
    automatic: bool


# In the order in which "auto" prefers them. Source: onnxruntime.get_all_providers() and the
# packages on ONNX Runtime's install page.
DEVICES: dict[str, DeviceRow] = {
    "cuda": DeviceRow("CUDAExecutionProvider", '"onnxruntime-gpu[cuda,cudnn]"', True),
    "tensorrt": DeviceRow("TensorrtExecutionProvider", "onnxruntime-gpu tensorrt", False),
    "migraphx": DeviceRow("MIGraphXExecutionProvider", "onnxruntime-migraphx", True),
    "rocm": DeviceRow("ROCMExecutionProvider", "onnxruntime-rocm", True),
    "directml": DeviceRow("DmlExecutionProvider", "onnxruntime-directml", True),
    "openvino": DeviceRow("OpenVINOExecutionProvider", "onnxruntime-openvino", True),
    "coreml": DeviceRow("CoreMLExecutionProvider", "onnxruntime", False),
    "cpu": DeviceRow(CPU_PROVIDER, "onnxruntime", True),
}


@dataclass(frozen=True)
class DeviceChoice:
    """A device settled on before any network is loaded.

    Attributes:
        name: key of ``DEVICES``.
        index: which of several such devices; an OpenVINO device type such as ``GPU`` is also fine.
        requested: what the caller asked for, ``auto`` included.
        reason: one sentence for the log and for ``dwpose doctor``.
    """

    name: str
    index: str
    requested: str
    reason: str

    @property
    def provider(self) -> str:
        return DEVICES[self.name].provider

    @property
    def automatic(self) -> bool:
        return self.requested == "auto"


def choose_device(requested: str, available: Sequence[str]) -> DeviceChoice:
    """Settle ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``tensorrt`` ... on one provider.

    Args:
        requested: ``auto`` or a name of ``DEVICES``, with an index after a colon.
        available: ``onnxruntime.get_available_providers()``.

    Raises:
        DeviceError: unknown name, or this ONNX Runtime lacks the provider; names the package.
    """
    if requested == "auto":
        return _choose_best(available)
    match = re.fullmatch(r"([a-z]+)(?::(\w+))?", requested)
    if match is None or match[1] not in DEVICES:
        names = ", ".join(DEVICES)
        raise DeviceError(
            f"device must be auto or one of {names} (cuda:1 = second); got {requested!r}"
        )
    name, row = match[1], DEVICES[match[1]]
    if row.provider not in available:
        raise DeviceError(
            f"device {requested!r} needs {row.provider}, but the installed ONNX Runtime has "
            f"only {_listing(available)}. Run: pip uninstall -y onnxruntime && pip install "
            f"{row.package}"
        )
    return DeviceChoice(name, match[2] or "0", requested, f"{requested} was asked for")


def cpu_instead(choice: DeviceChoice) -> DeviceChoice:
    """The CPU in place of an automatic choice that did not start."""
    return replace(choice, name="cpu", index="0", reason=f"{choice.provider} did not start")


def unused_gpu_hint(choice: DeviceChoice) -> str | None:
    """What to install if ``auto`` took the CPU on a machine with an NVIDIA GPU, else None."""
    if choice.automatic and choice.name == "cpu" and shutil.which("nvidia-smi"):
        return (
            "this machine has an NVIDIA GPU, but the networks run on the CPU. For the GPU run: "
            f"pip uninstall -y onnxruntime && pip install {DEVICES['cuda'].package}"
        )
    return None


def provider_list(
    choice: DeviceChoice, *, engine_cache_dir: str | None, shape_profile: dict[str, str] | None
) -> list[tuple[str, dict[str, Any]]]:
    """ONNX Runtime's ``providers`` argument: the chosen one with its options, then its fallbacks.

    Source of the options: ONNX Runtime's pages on each execution provider.
    """
    cpu: tuple[str, dict[str, Any]] = (CPU_PROVIDER, {})
    # HEURISTIC: the default, exhaustive search runs again for every new number of people.
    cuda = (
        "CUDAExecutionProvider",
        {"device_id": choice.index, "cudnn_conv_algo_search": "HEURISTIC"},
    )
    if choice.name == "cpu":
        return [cpu]
    if choice.name == "cuda":
        return [cuda, cpu]
    if choice.name == "tensorrt":
        options = {"device_id": choice.index, "trt_fp16_enable": "1", **(shape_profile or {})}
        if engine_cache_dir:
            options |= {
                "trt_engine_cache_enable": "1",
                "trt_engine_cache_path": engine_cache_dir,
                "trt_timing_cache_enable": "1",
                "trt_timing_cache_path": engine_cache_dir,
            }
        return [(choice.provider, options), cuda, cpu]
    if choice.name == "coreml":
        return [(choice.provider, {"ModelFormat": "MLProgram"}), cpu]
    if choice.name == "openvino":
        device_type = "CPU" if choice.index == "0" else choice.index
        return [(choice.provider, {"device_type": device_type}), cpu]
    return [(choice.provider, {"device_id": choice.index}), cpu]


def _choose_best(available: Sequence[str]) -> DeviceChoice:
    for name, row in DEVICES.items():
        if row.automatic and row.provider in available:
            reason = f"the best that the installed ONNX Runtime offers ({_listing(available)})"
            return DeviceChoice(name, "0", "auto", reason)
    raise DeviceError(f"ONNX Runtime offers no provider that fits: {_listing(available)}")


def _listing(available: Sequence[str]) -> str:
    return ", ".join(name for name in available if name != "AzureExecutionProvider")
