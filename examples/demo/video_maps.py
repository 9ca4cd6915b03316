"""A video to a video of maps, frame by frame with bounded memory; needs the ``video`` extra."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from dwpose_annotator import Annotator, Poses
from dwpose_annotator.clip import GROUP, estimate_frames
from dwpose_annotator.images import save_image
from dwpose_annotator.types import ImageArray
from examples.demo.drawing import Drawing
from examples.demo.limits import Limits
from examples.video_io import MovieWriter, frame_rate, upright_frames

if TYPE_CHECKING:
    from av.container import InputContainer


@dataclass(frozen=True)
class VideoResult:
    """What became of a video: number of frames, and how many of them show people."""

    frames: int
    with_people: int
    cut: bool


def annotate_video(
    annotator: Annotator,
    source: str,
    *,
    movie: Path,
    archive: Path,
    drawing: Drawing,
    detect_every: int,
    limits: Limits,
    progress: gr.Progress,
) -> VideoResult:
    """Write the maps of a video as H.264 and, losslessly, as a zip file of PNG and JSON.

    Args:
        annotator: the networks.
        source: video file.
        movie: the MP4 file to write.
        archive: the zip file to write.
        drawing: how the maps are drawn; odd sides lose one pixel, as H.264 wants them even.
        detect_every: run the detector on every so many frames.
        limits: frames beyond ``video_frames`` are left out.
        progress: is told after each group of frames.

    Raises:
        ValueError: no readable video, or its frames are too large.
    """
    import av

    try:
        with av.open(source) as video, _Writer(movie, archive, frame_rate(video)) as writer:
            total = min(video.streams.video[0].frames or limits.video_frames, limits.video_frames)
            frames = _checked_frames(video, limits)
            while group := list(islice(frames, min(GROUP, limits.video_frames - writer.count))):
                for poses in estimate_frames(annotator, group, detect_every=detect_every):
                    limits.check_size(drawing.size_hw(poses), "This map")
                    writer.add(poses, drawing)
                progress((writer.count, max(total, writer.count)), unit="frames")
            if writer.count == 0:
                raise ValueError(f"{source}: no frames in this video")
            return VideoResult(writer.count, writer.with_people, next(frames, None) is not None)
    except av.FFmpegError as error:
        raise ValueError(f"{source}: damaged, or not a video ({error.strerror})") from error


def _checked_frames(video: InputContainer, limits: Limits) -> Iterator[ImageArray]:
    for frame in upright_frames(video):
        limits.check_size(frame.shape[:2], "A frame of this video")
        yield frame


class _Writer:
    """Both outputs, frame by frame; the keypoints of all frames are one JSON file of the zip."""

    def __init__(self, movie: Path, archive: Path, rate: Any) -> None:
        self.count = 0
        self.with_people = 0
        self._json: list[dict[str, Any]] = []
        self._zip = zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED)
        self._movie = MovieWriter(movie, rate)
        self._folder = tempfile.TemporaryDirectory(dir=archive.parent)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._movie.__exit__(kind, *error)
        if kind is None and self.count:
            self._zip.writestr("keypoints.json", json.dumps(self._json))
        self._zip.close()
        self._folder.cleanup()

    def add(self, poses: Poses, drawing: Drawing) -> None:
        """Draw and store the next frame."""
        pose_map = drawing.draw(poses)
        draft = Path(self._folder.name) / "map.png"
        save_image(draft, pose_map, flat=True)
        self._zip.write(draft, f"map_{self.count:05}.png")
        height, width = (side // 2 * 2 for side in pose_map.shape[:2])
        self._movie.add(np.ascontiguousarray(pose_map[:height, :width]))
        self._json.append(drawing.to_json(poses))
        self.count += 1
        self.with_people += len(poses) > 0
