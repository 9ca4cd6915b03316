"""Is this file what its name says? Checks that need neither ONNX Runtime nor torch."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import BinaryIO

from dwpose_annotator.errors import WeightsError

_ONNX_GRAPH_FIELD = 7  # ModelProto.graph; source: onnx.proto


def check_weight_file(
    path: Path, *, size_bytes: int | None = None, sha256: str | None = None
) -> None:
    """Refuse truncated files, web pages and pointers that pretend to be weights.

    Args:
        path: an ``.onnx`` or ``.pth`` file.
        size_bytes: its right size, if known.
        sha256: its right digest, if known and worth reading the whole file for.

    Raises:
        WeightsError: with what the file is instead and what to do.
    """
    size = path.stat().st_size
    advice = "Delete it and download it again."
    if size == 0:
        raise WeightsError(f"{path} is empty. {advice}")
    with path.open("rb") as file:
        head = file.read(512).lstrip()
        if head.startswith(b"version https://git-lfs"):
            raise WeightsError(
                f"{path} is a Git LFS pointer, not weights. Run `git lfs pull` where it came from."
            )
        if head[:1] == b"<":
            raise WeightsError(
                f"{path} is a web page (an error or login page), not weights. {advice}"
            )
        if size_bytes is not None and size != size_bytes:
            raise WeightsError(
                f"{path} has {size} bytes, but the published file has {size_bytes}. {advice}"
            )
        if path.suffix == ".onnx" and not _is_whole_onnx(file, size):
            raise WeightsError(f"{path} ({size} bytes) is not an ONNX file or is cut off. {advice}")
    if path.suffix == ".pth" and head[:2] == b"PK" and not zipfile.is_zipfile(path):
        raise WeightsError(f"{path} ({size} bytes) is a checkpoint that is cut off. {advice}")
    if sha256 is not None and (found := file_sha256(path)) != sha256:
        raise WeightsError(
            f"{path} has sha256 {found}, but the published file has {sha256}. {advice}"
        )


def file_sha256(path: Path) -> str:
    """Lower-case hexadecimal sha256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _is_whole_onnx(file: BinaryIO, size: int) -> bool:
    """Whether the top-level protobuf fields fill the file exactly and one of them is a graph.

    Only tags and lengths are read, so this takes microseconds for any size.
    Source: the protobuf wire format.
    """
    file.seek(0)
    has_graph = False
    while file.tell() < size:
        tag = _varint(file)
        if tag is None:
            return False
        field, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            if _varint(file) is None:
                return False
        elif wire_type == 2:
            length = _varint(file)
            if length is None or file.tell() + length > size:
                return False
            file.seek(length, os.SEEK_CUR)
            has_graph |= field == _ONNX_GRAPH_FIELD
        else:
            return False
    return has_graph


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
