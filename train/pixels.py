"""Where training pixels come from: image files, or one flat file of everything decoded beforehand.

A decoded file is mapped read-only by every loading process, so that decoding costs once, not once
an epoch.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.files import write_atomic
from dwpose_annotator.images import load_image
from dwpose_annotator.types import ImageArray

log = logging.getLogger(__name__)

CHUNK = 256  # images decoded before they are written; bounds the memory


class Pixels(Protocol):
    """Images by path."""

    def __getitem__(self, path: Path) -> ImageArray:
        """(H, W, 3) uint8 RGB.

        Raises:
            FileNotFoundError, ValueError: the image is missing or damaged.
        """
        ...


class ImageFiles:
    """Decodes on every access: for data sets whose raw pixels would fill the disk."""

    def __getitem__(self, path: Path) -> ImageArray:
        return load_image(path)


@dataclass(frozen=True)
class Place:
    """Where an image lies: byte offset in a file of raw pixels, and its size."""

    file: Path
    offset: int
    height: int
    width: int


class DecodedImages:
    """Images served from files of raw pixels.

    Args:
        places: where each image lies.
    """

    def __init__(self, places: dict[Path, Place]) -> None:
        self.places = places
        self._mapped: dict[Path, NDArray[np.uint8]] = {}  # on first use, in each process

    def __getitem__(self, path: Path) -> ImageArray:
        place = self.places[path]
        if place.file not in self._mapped:
            self._mapped[place.file] = np.memmap(place.file, np.uint8, mode="r")
        end = place.offset + place.height * place.width * 3
        flat = self._mapped[place.file][place.offset : end]
        return flat.reshape(place.height, place.width, 3)

    def __getstate__(self) -> dict[str, object]:
        return {"places": self.places, "_mapped": {}}


@dataclass
class DecodedList:
    """Outcome of decoding one list of images."""

    places: dict[Path, Place] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    """Why each unreadable image cannot be used; the message names it."""


def decode_images(paths: Iterable[Path], cache_dir: Path, *, threads: int = 2) -> DecodedList:
    """Decode images into ``cache_dir``, or find them there if nothing has changed.

    The file is named after the paths, sizes and times of the images: other lists keep their own.
    """
    wanted = sorted(set(paths))
    stem = fingerprint(wanted)
    pixels_file, index_file = cache_dir / f"{stem}.pixels", cache_dir / f"{stem}.json"
    if index_file.is_file() and pixels_file.is_file():
        return _read_index(index_file, pixels_file)
    cache_dir.mkdir(parents=True, exist_ok=True)
    log.info("decoding %d images into %s", len(wanted), pixels_file)
    outcome = DecodedList()
    write_atomic(pixels_file, lambda out: _decode_all(wanted, out, pixels_file, outcome, threads))
    index = {
        str(p): (place.offset, place.height, place.width) for p, place in outcome.places.items()
    }
    text = json.dumps({"images": index, "broken": outcome.broken})
    write_atomic(index_file, lambda out: out.write(text.encode()))
    return outcome


def fingerprint(paths: Sequence[Path]) -> str:
    """Hexadecimal name of a list of files as they are now."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = os.stat(path)
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{path}\0missing\n".encode())
    return digest.hexdigest()[:16]


def _read_index(index_file: Path, pixels_file: Path) -> DecodedList:
    content = json.loads(index_file.read_text())
    places = {Path(p): Place(pixels_file, *place) for p, place in content["images"].items()}
    return DecodedList(places, content["broken"])


def _decode_all(
    paths: Sequence[Path], out: BinaryIO, pixels_file: Path, outcome: DecodedList, threads: int
) -> None:
    offset = 0
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            for path, image in zip(chunk, pool.map(_load_or_reason, chunk), strict=True):
                if isinstance(image, str):
                    outcome.broken.append(image)
                    continue
                out.write(image.data)
                height, width = image.shape[:2]
                outcome.places[path] = Place(pixels_file, offset, height, width)
                offset += image.size


def _load_or_reason(path: Path) -> ImageArray | str:
    try:
        return np.ascontiguousarray(load_image(path))
    except (FileNotFoundError, ValueError) as error:
        return str(error)
