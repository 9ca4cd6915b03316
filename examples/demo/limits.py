"""What the demo accepts, and how it says no."""

from __future__ import annotations

import html
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import gradio as gr

from dwpose_annotator import Poses, load_image
from dwpose_annotator.types import ImageArray


@dataclass(frozen=True)
class Limits:
    """Bounds that keep one visitor from taking the machine from the others.

    Attributes:
        file_mb: largest upload in megabytes, for every single file.
        megapixels: largest photo and largest map.
        batch_files: photos in one batch.
        video_frames: frames of one video; the rest of it is left out.
        running: network jobs at a time.
        waiting: jobs in the queue; further visitors are told to come back.
    """

    file_mb: int = 50
    megapixels: int = 40
    batch_files: int = 200
    video_frames: int = 900
    running: int = 2
    waiting: int = 64

    def check_photo(self, path: str | Path) -> None:
        """Raise ValueError if the photo has too many pixels; nothing is decoded."""
        from PIL import Image

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                with Image.open(path) as header:
                    size_hw = header.height, header.width
        except (OSError, SyntaxError, Image.DecompressionBombError):
            return  # no image, or a monstrous one: load_image says so
        self.check_size(size_hw, "This photo")

    def load_photo(self, path: str | Path) -> ImageArray:
        """The photo as ``load_image`` reads it.

        Raises:
            ValueError: no readable image, or too many pixels.
        """
        self.check_photo(path)
        return load_image(path)

    def check_size(self, size_hw: tuple[int, int], what: str) -> None:
        """Raise ValueError if ``what`` has too many pixels."""
        height, width = size_hw
        if height * width > self.megapixels * 1e6:
            raise ValueError(
                f"{what} has {width} x {height} pixels, that is {height * width / 1e6:.0f} "
                f"megapixels; this demo takes up to {self.megapixels}. Make it smaller first."
            )

    def check_frames(self, frames: Sequence[Poses]) -> None:
        """Raise ValueError if the canvas of a keypoints file has too many pixels."""
        for poses in frames:
            self.check_size(poses.size_hw, "The canvas of these keypoints")


@contextmanager
def toasts(title: str, path: str | Path | None = None) -> Iterator[None]:
    """Show what a user can do something about as a toast: wrong files, weights, devices, memory.

    Args:
        title: what did not work.
        path: the file concerned; messages name it without its folder on the server.
    """
    try:
        yield
    except (ValueError, OSError, MemoryError, cv2.error) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        if path is not None:
            text = text.replace(str(path), Path(path).name)
        raise gr.Error(
            html.escape(text, quote=False), title=title, print_exception=False
        ) from error
