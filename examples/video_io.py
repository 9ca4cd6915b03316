"""Frames in and out of video files with PyAV (the ``video`` extra)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dwpose_annotator.types import ImageArray

if TYPE_CHECKING:
    from av.container import InputContainer

CRF = "12"  # quality of H.264 that is good to look at (0 is lossless, 23 usual)


def frame_rate(video: InputContainer) -> Fraction:
    """Frames per second; 25 where the file does not say.

    Raises:
        ValueError: the file holds no video, but sound perhaps.
    """
    if not video.streams.video:
        raise ValueError(f"{video.name}: there is no video in this file")
    return video.streams.video[0].average_rate or Fraction(25)


def upright_frames(video: InputContainer) -> Iterator[ImageArray]:
    """RGB frames (H, W, 3) uint8 as one watches them."""
    for frame in video.decode(video=0):
        pixels = frame.to_ndarray(format="rgb24")
        # Phones film lying down and note by how many degrees, counter-clockwise, to turn it.
        yield np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))


def read_video(
    path: Path, *, most: int, fps: float | None = None
) -> tuple[list[ImageArray], Fraction]:
    """The first ``most`` frames and their rate.

    Args:
        path: video file.
        most: no more frames than this are kept.
        fps: leave frames out to come down to about this rate; None keeps them all.

    Raises:
        ValueError: damaged, no video, or no frames.
    """
    import av

    frames: list[ImageArray] = []
    try:
        with av.open(str(path)) as video:
            rate = frame_rate(video)
            every = max(1, round(rate / Fraction(fps))) if fps else 1
            for number, frame in enumerate(upright_frames(video)):
                if number % every == 0:
                    frames.append(frame)
                if len(frames) == most:
                    break
    except av.FFmpegError as error:
        raise ValueError(f"{path}: damaged, or not a video ({error.strerror})") from error
    if not frames:
        raise ValueError(f"{path}: no frames in this video")
    return frames, rate / every


class MovieWriter:
    """H.264 in an MP4 file, frame by frame; all frames have one size, with even sides."""

    def __init__(self, path: Path, rate: Fraction) -> None:
        import av

        self._movie = av.open(str(path), "w", options={"movflags": "+faststart"})
        self._stream = self._movie.add_stream("libx264", rate=rate, options={"crf": CRF})
        self._stream.pix_fmt = "yuv420p"
        self._begun = False

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._begun:
            self._movie.mux(self._stream.encode())
        self._movie.close()

    def add(self, frame: ImageArray) -> None:
        """Encode one RGB frame (H, W, 3) uint8."""
        import av

        if not self._begun:  # the size is fixed as soon as encoding begins
            self._stream.height, self._stream.width = frame.shape[:2]
            self._begun = True
        self._movie.mux(self._stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))


def write_video(path: Path, frames: Iterable[ImageArray], rate: Fraction) -> None:
    """See ``MovieWriter``; the file appears complete or not at all."""
    draft = path.with_name(f".{path.name}.part.mp4")
    with MovieWriter(draft, rate) as movie:
        for frame in frames:
            movie.add(frame)
    draft.replace(path)
