"""Official DWPose / RTMPose checkpoints (``.pth``) into this package's networks and ONNX files."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dwpose_annotator.errors import WeightsError
from dwpose_annotator.models.onnx_export import export_pose_onnx
from dwpose_annotator.models.pose import POSE_CONFIGS, PoseModel, build_pose_model
from dwpose_annotator.weight_files import check_weight_file

# Entries of the original trainer's files that are no network weights: input statistics.
_IGNORED_PREFIX = "data_preprocessor."
# Beside tensors, those files hold the training log: mmengine's HistoryBuffer and NumPy arrays.
# These names are read as inert records; nothing of them is imported or called.
_INERT_NAMES = (
    "mmengine.logging.history_buffer.HistoryBuffer",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.ndarray",
    "numpy.dtype",
    "builtins.getattr",
)
# What reading a pickle that is cut off or no pickle at all may raise.
_DAMAGE = (
    *(RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    struct.error,
)


class _Inert:
    """Stands for an object of the training log: takes any arguments and state, does nothing."""

    def __new__(cls, *_arguments: object) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass

    def __hash__(self) -> int:
        return id(self)


def convert_checkpoint(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    size: str | None = None,
    half_storage: bool = False,
) -> str:
    """Write an official checkpoint as ONNX and return its model size.

    Args:
        source: a ``.pth`` file of DWPose or RTMPose whole-body (133 keypoints).
        target: the ``.onnx`` file to write.
        size: key of ``POSE_CONFIGS``; None recognises it by the shapes.
        half_storage: keep the weights as float16, half the file; computing stays float32.

    Raises:
        FileNotFoundError: no such checkpoint.
        WeightsError: damaged, unsafe, or not one of these networks; lists every mismatch.
    """
    state = load_state_dict(source)
    size = size or recognise_size(state)
    model = build_pose_model(size)
    fill_model(model, state, name=os.fspath(source), size=size)
    export_pose_onnx(model, target, half_storage=half_storage)
    return size


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """Content of a checkpoint file on the CPU, read without running any code from it.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: damaged, or in need of code that is not on the safe list.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no checkpoint at {file}")
    check_weight_file(file)
    inert: list[Any] = [(_Inert, name) for name in _INERT_NAMES]
    try:
        with torch.serialization.safe_globals(inert):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{file} is not read: it is damaged, or holds Python objects whose reading could run "
            f"code. {_reason(error)}"
        ) from error
    except _DAMAGE as error:
        raise WeightsError(f"{file} is damaged or no torch checkpoint ({error})") from error


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Network weights of a checkpoint: the original trainer's, this project's, or bare weights.

    Raises:
        FileNotFoundError: no such file.
        WeightsError: see ``load_checkpoint``, or no weights inside.
    """
    file, content = Path(path), load_checkpoint(path)
    for name in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{file} holds no state_dict, but {type(content).__name__}")
    state = {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and not key.startswith(_IGNORED_PREFIX)
    }
    strange = [key for key, value in state.items() if not isinstance(value, Tensor)]
    if strange:
        raise WeightsError(f"{file}: these entries are not tensors: {', '.join(strange[:5])}")
    return state


def _reason(error: Exception) -> str:
    """torch's one sentence about what it met, out of a page of advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "GLOBAL" in line or "global" in line), lines[0])


def recognise_size(state: Mapping[str, Tensor]) -> str:
    """The size in ``POSE_CONFIGS`` that fits a state dict best; ``mismatches`` says how well."""
    return min(POSE_CONFIGS, key=lambda size: len(mismatches(state, size)))


def mismatches(state: Mapping[str, Tensor], size: str) -> list[str]:
    """Every difference between a state dict and the network of a size, one line each."""
    with torch.device("meta"):
        expected = build_pose_model(size).state_dict()
    lines = [f"missing: {key} {tuple(expected[key].shape)}" for key in expected.keys() - state]
    lines += [f"unexpected: {key} {tuple(state[key].shape)}" for key in state.keys() - expected]
    lines.sort()
    for key in expected:
        if key in state and state[key].shape != expected[key].shape:
            found, wanted = tuple(state[key].shape), tuple(expected[key].shape)
            lines.append(f"shape of {key}: {found} in the file, {wanted} in the network")
    return lines


def fill_model(model: PoseModel, state: Mapping[str, Tensor], *, name: str, size: str) -> None:
    """Load weights that fit exactly.

    Raises:
        WeightsError: lists every missing, unexpected and misshaped entry.
    """
    problems = mismatches(state, size)
    if problems:
        listing = "\n  ".join(problems)
        raise WeightsError(
            f"{name} is not a whole-body pose network of size {size}, the nearest one; "
            f"{len(problems)} entries differ:\n  {listing}"
        )
    model.load_state_dict(dict(state), strict=True)
