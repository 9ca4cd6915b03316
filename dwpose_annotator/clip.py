"""Poses of many frames with bounded memory: frames are fetched in small groups and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dwpose_annotator.annotator import Annotator
from dwpose_annotator.keyframes import fill_between, key_frames
from dwpose_annotator.types import Boxes, ImageArray, Poses

GROUP = 16  # frames; fills the pose network's batch even if each frame shows one person

ChoosePeople = Callable[[int, Boxes], Boxes]


def estimate_frames(
    annotator: Annotator,
    frames: Sequence[ImageArray],
    *,
    boxes: Sequence[Boxes] | None = None,
    detect_every: int = 1,
    choose: ChoosePeople | None = None,
) -> Iterator[Poses]:
    """Poses of each frame, in order; the people of ``GROUP`` frames share network batches.

    Args:
        annotator: the networks.
        frames: RGB images (H, W, 3) uint8; may be lazy, since at most ``GROUP`` are held at a time.
        boxes: the people of each frame; None lets the detector find them.
        detect_every: run the detector on every so many frames and interpolate between.
        choose: takes frame index and boxes, gives the people to pose, in the order wanted.

    Raises:
        ValueError: ``detect_every`` below 1, or not one set of boxes per frame.
    """
    if boxes is not None and len(boxes) != len(frames):
        raise ValueError(f"{len(frames)} frames but {len(boxes)} sets of boxes")
    keys = key_frames(len(frames), detect_every)
    if boxes is None and len(keys) < len(frames):
        boxes = fill_between(_detect_at(annotator, frames, keys), len(frames))
    for start in range(0, len(frames), GROUP):
        numbers = range(start, min(start + GROUP, len(frames)))
        yield from _estimate_group(annotator, frames, numbers, boxes, choose)


def _estimate_group(
    annotator: Annotator,
    frames: Sequence[ImageArray],
    numbers: range,
    boxes: Sequence[Boxes] | None,
    choose: ChoosePeople | None,
) -> list[Poses]:
    """Poses of a few frames; their pixels are let go before the next group is fetched."""
    images = [frames[i] for i in numbers]
    people = annotator.detect_batch(images) if boxes is None else [boxes[i] for i in numbers]
    if choose is not None:
        people = [choose(i, some) for i, some in zip(numbers, people, strict=True)]
    return annotator.estimate_batch(images, boxes=people)


def _detect_at(
    annotator: Annotator, frames: Sequence[ImageArray], keys: Sequence[int]
) -> dict[int, Boxes]:
    found: dict[int, Boxes] = {}
    for start in range(0, len(keys), GROUP):
        some = keys[start : start + GROUP]
        detected = annotator.detect_batch([frames[i] for i in some])
        found.update(zip(some, detected, strict=True))
    return found
