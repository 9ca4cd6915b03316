"""Run a network: one small protocol with an ONNX Runtime and a torch implementation."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dwpose_annotator.device import DeviceChoice, choose_device, provider_list
from dwpose_annotator.errors import DeviceError, WeightsError
from dwpose_annotator.types import FloatArray

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)

Shape = tuple[int | None, ...]  # None where the graph leaves the size free


class Session(Protocol):
    """A network with one image input.

    Attributes:
        name: the file or model, for messages.
        provider: what really runs it, e.g. ``CUDAExecutionProvider`` or ``torch cuda:0``.
        input_shape: (N, C, H, W).
        output_shapes: one shape per output.
    """

    name: str
    provider: str
    input_shape: Shape
    output_shapes: tuple[Shape, ...]

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]:
        """Outputs of a float32 (N, C, H, W) batch, each float32."""
        ...


@dataclass(frozen=True)
class SessionOptions:
    """How ONNX Runtime should work.

    Attributes:
        threads: CPU threads inside one operator; None leaves it to ONNX Runtime (all cores).
        engine_cache_dir: where TensorRT keeps built engines; None builds them anew each time.
        max_batch: largest batch that TensorRT prepares for.
    """

    threads: int | None = None
    engine_cache_dir: str | None = None
    max_batch: int = 16


def available_providers() -> list[str]:
    """Providers that the installed ONNX Runtime was built with (they may still fail to start)."""
    import onnxruntime

    return list(onnxruntime.get_available_providers())


class OnnxSession:
    """An ONNX file on ONNX Runtime.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: not an ONNX file, or not exactly one 4-D image input.
        DeviceError: the device's provider is missing or did not start.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: DeviceChoice | str = "auto",
        *,
        options: SessionOptions | None = None,
    ) -> None:
        options = options or SessionOptions()
        if isinstance(device, str):
            device = choose_device(device, available_providers())
        file = Path(path)
        if not file.is_file():
            raise FileNotFoundError(f"no ONNX file at {file}")
        self.name = str(file)
        self._session = _create(file, device, options)
        self.provider: str = self._session.get_providers()[0]
        if self.provider != device.provider:
            raise DeviceError(
                f"{device.provider} did not start for {file.name}; ONNX Runtime would use "
                f"{self.provider}. Its libraries are missing or of another version (the "
                "lines above from onnxruntime say which); `dwpose doctor` shows the versions."
            )
        self._session.disable_fallback()  # a failure later must not move to the CPU in silence
        self.input_shape: Shape = _single_image_input(file, self._session.get_inputs())
        self.output_shapes: tuple[Shape, ...] = tuple(
            _shape(output.shape) for output in self._session.get_outputs()
        )
        self._input_name = self._session.get_inputs()[0].name
        self._half = self._session.get_inputs()[0].type == "tensor(float16)"

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]:
        feed = batch.astype(np.float16) if self._half else batch
        outputs = self._session.run(None, {self._input_name: feed})
        return tuple(np.asarray(output, dtype=np.float32) for output in outputs)


def batch_limit(session: Session, max_batch: int) -> int:
    """Largest batch for this session: ``max_batch``, or less if its graph fixes the batch size."""
    if max_batch < 1:
        raise ValueError(f"max_batch must be at least 1, got {max_batch}")
    return min(session.input_shape[0] or max_batch, max_batch)


def run_padded(session: Session, batch: FloatArray) -> tuple[FloatArray, ...]:
    """Run a batch that may be smaller than the graph's fixed size, and cut the answer to it."""
    missing = (session.input_shape[0] or 0) - len(batch)
    if missing <= 0:
        return session.run(batch)
    filled = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), np.float32)])
    return tuple(output[: len(batch)] for output in session.run(filled))


class TorchSession:
    """A torch module, such as ``models.build_pose_model("l")`` with weights loaded.

    Args:
        module: takes (N, C, H, W), gives a tensor or a tuple of tensors.
        input_shape: what it takes, None for a free size; the outputs are probed with zeros.
        device: a torch device name; ``auto`` means cuda, then mps, then cpu.
    """

    def __init__(
        self,
        module: nn.Module,
        input_shape: Shape,
        *,
        device: str = "auto",
        name: str = "torch module",
    ) -> None:
        import torch

        chosen = torch.device(_best_torch_device() if device == "auto" else device)
        if chosen.type == "cuda" and not torch.cuda.is_available():
            raise DeviceError(
                f"torch {torch.__version__} sees no CUDA GPU, so {device!r} cannot run"
            )
        self.name = name
        self.provider = f"torch {chosen}"
        self.input_shape = input_shape
        self._device = chosen
        self._module = module.eval().to(chosen)
        probe = np.zeros([size or 1 for size in input_shape], np.float32)
        self.output_shapes: tuple[Shape, ...] = tuple(
            (input_shape[0], *output.shape[1:]) for output in self.run(probe)
        )

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]:
        import torch

        with torch.inference_mode():
            outputs = self._module(torch.from_numpy(np.ascontiguousarray(batch)).to(self._device))
        outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
        return tuple(output.float().cpu().numpy() for output in outputs)


def _create(file: Path, device: DeviceChoice, options: SessionOptions) -> Any:
    """An ``onnxruntime.InferenceSession`` with the provider's options."""
    import onnxruntime as ort

    if device.name in ("cuda", "tensorrt") and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # finds CUDA and cuDNN of the nvidia-* wheels and of torch
    settings = ort.SessionOptions()
    settings.log_severity_level = 3
    # Two networks take turns in one process; threads of the idle one that spin, as they do by
    # default, take the cores of the busy one: the bundled pair ran 1.7 times as long on two cores.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if options.threads is not None:
        settings.intra_op_num_threads = options.threads
    if device.name == "directml":  # DirectML supports neither; source: ONNX Runtime's DirectML page
        settings.enable_mem_pattern = False
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    profile = tensorrt_profile(file, options.max_batch) if device.name == "tensorrt" else None
    if device.name == "tensorrt" and options.engine_cache_dir is not None:
        Path(options.engine_cache_dir).mkdir(parents=True, exist_ok=True)
    providers = provider_list(
        device, engine_cache_dir=options.engine_cache_dir, shape_profile=profile
    )
    try:
        return ort.InferenceSession(str(file), settings, providers=providers)
    except Exception as error:  # onnxruntime raises its own unexported types
        raise _creation_error(file, device, error) from error


def _creation_error(file: Path, device: DeviceChoice, error: Exception) -> ValueError:
    with file.open("rb") as stream:
        head = stream.read(64)
    size = file.stat().st_size
    damaged = type(error).__name__ in (
        "InvalidProtobuf",
        "InvalidGraph",
        "NoSuchFile",
        "ModelLoadError",
    )
    if damaged or device.name == "cpu":
        return WeightsError(
            f"{file} ({size} bytes, begins with {head[:16]!r}) is not an ONNX network that ONNX "
            f"Runtime can load: {error}"
        )
    return DeviceError(f"{device.provider} failed to load {file.name}: {error}")


def tensorrt_profile(file: Path, max_batch: int) -> dict[str, str]:
    """Ranges for a free batch size; without them each new batch size builds an engine anew."""
    reader = OnnxSession(file, "cpu")
    batch, *rest = reader.input_shape
    if batch is not None or None in rest:
        return {}
    name, size = reader._input_name, "x".join(str(side) for side in rest)
    return {
        "trt_profile_min_shapes": f"{name}:1x{size}",
        "trt_profile_opt_shapes": f"{name}:{min(4, max_batch)}x{size}",
        "trt_profile_max_shapes": f"{name}:{max_batch}x{size}",
    }


def _single_image_input(file: Path, inputs: Sequence[Any]) -> Shape:
    shape = _shape(inputs[0].shape) if len(inputs) == 1 else ()
    if len(shape) != 4 or inputs[0].type not in ("tensor(float)", "tensor(float16)"):
        got = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
        raise WeightsError(f"{file}: expected one float input (N, 3, H, W), the file has: {got}")
    return shape


def _shape(shape: Sequence[Any]) -> Shape:
    return tuple(side if isinstance(side, int) and side > 0 else None for side in shape)


def _best_torch_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
