"""Decode every training image once into one flat uint8 file that all workers map read-only."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import ImageArray

log = logging.getLogger(__name__)


class DecodedImages:
    """Images by path, served from a memory-mapped file.

    Args:
        pixels_file: flat uint8 file of RGB images, one after the other.
        index: per image its offset in bytes, height and width.
    """

    def __init__(self, pixels_file: Path, index: dict[Path, tuple[int, int, int]]) -> None:
        self.pixels_file, self.index = pixels_file, index
        self._bytes: NDArray[np.uint8] | None = None  # mapped on first use, once per process

    def __contains__(self, path: Path) -> bool:
        return path in self.index

    def __getitem__(self, path: Path) -> ImageArray:
        """(H, W, 3) uint8 RGB view of the mapped file."""
        if self._bytes is None:
            self._bytes = np.memmap(self.pixels_file, np.uint8, mode="r")
        offset, height, width = self.index[path]
        return self._bytes[offset : offset + height * width * 3].reshape(height, width, 3)

    def __getstate__(self) -> dict[str, object]:
        return {"pixels_file": self.pixels_file, "index": self.index, "_bytes": None}


def decode_rgb(path: Path) -> ImageArray | None:
    """One image file as RGB, or None if it cannot be read."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    return None if image is None else np.asarray(image, np.uint8)


def decode_images(
    paths: Iterable[Path], cache_dir: Path, *, name: str, threads: int = 2
) -> tuple[DecodedImages, list[str]]:
    """Decode the images that are not in the cache yet; return them and the list of broken files.

    The cache is written beside its final name and renamed, so an interrupted run leaves none.
    """
    wanted = sorted(set(paths))
    pixels_file, index_file = cache_dir / f"{name}.pixels", cache_dir / f"{name}.json"
    if index_file.is_file():
        stored = {Path(p): tuple(v) for p, v in json.loads(index_file.read_text()).items()}
        if set(wanted) <= stored.keys():
            broken = [str(p) for p in wanted if stored[p][1] == 0]
            return DecodedImages(pixels_file, {p: v for p, v in stored.items() if v[1]}), broken
    cache_dir.mkdir(parents=True, exist_ok=True)
    log.info("decoding %d images into %s", len(wanted), pixels_file)
    index: dict[Path, tuple[int, int, int]] = {}
    broken, offset = [], 0
    partial = pixels_file.with_suffix(".partial")
    with partial.open("wb") as out, ThreadPoolExecutor(threads) as pool:
        for path, image in zip(wanted, pool.map(decode_rgb, wanted), strict=True):
            if image is None:
                broken.append(str(path))
                index[path] = (offset, 0, 0)
                continue
            out.write(image.tobytes())
            index[path] = (offset, *image.shape[:2])
            offset += image.size
    os.replace(partial, pixels_file)
    partial_index = index_file.with_suffix(".partial")
    partial_index.write_text(json.dumps({str(p): v for p, v in index.items()}))
    os.replace(partial_index, index_file)
    return DecodedImages(pixels_file, {p: v for p, v in index.items() if v[1]}), broken
