"""Open an ONNX file with its own input layout: these networks do not follow the package's."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def open_file(file: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session.

    Raises:
        FileNotFoundError: no such file.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no network at {file}; docs/training/machines says how it is made")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
