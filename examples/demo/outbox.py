"""The files that the demo makes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from dwpose_annotator.files import write_atomic
from dwpose_annotator.images import save_image
from dwpose_annotator.types import ImageArray


class Outbox:
    """Makes files below the one folder that is served, each in a folder that nobody can guess.

    Args:
        folder: Gradio's temporary folder; Gradio deletes old files in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new_path(self, name: str) -> Path:
        """A path for a new file that users will download as ``name``."""
        folder = self.folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder / name

    def save_map(self, name: str, pixels: ImageArray) -> str:
        """A lossless PNG file with areas of one colour."""
        path = self.new_path(f"{name}.png")
        save_image(path, pixels, flat=True)
        return str(path)

    def save_photo(self, name: str, pixels: ImageArray) -> str:
        """A lossless PNG file."""
        path = self.new_path(f"{name}.png")
        save_image(path, pixels)
        return str(path)

    def save_json(self, name: str, frames: Sequence[object]) -> str:
        """A POSE_KEYPOINT file: a list of frames."""
        path = self.new_path(f"{name}.json")
        write_atomic(path, lambda file: file.write(json.dumps(frames).encode()))
        return str(path)
