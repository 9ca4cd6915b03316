"""Annotate many photos: in groups that share network batches, going on past a bad file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from dwpose_annotator.annotator import Annotator
from dwpose_annotator.box_file import GivenBoxes
from dwpose_annotator.images import load_image
from dwpose_annotator.inputs import Job
from dwpose_annotator.select_people import PersonOrder, select_people
from dwpose_annotator.types import Boxes, ImageArray, Poses

# A group is in memory at once: 16 photos of one person fill the pose network's batch, and
# 48 million pixels are 144 MB.
GROUP_IMAGES = 16
GROUP_PIXELS = 48_000_000

# What one bad photo or one full disk raises; anything else is a fault of ours and stops the batch.
_PROBLEMS = (ValueError, OSError, MemoryError, cv2.error)


@dataclass(frozen=True)
class Photo:
    """A loaded photo; ``boxes`` are the user's, None lets the detector find the people."""

    job: Job
    image: ImageArray
    boxes: Boxes | None


@dataclass(frozen=True)
class Outcome:
    """How one photo ended: ``poses``, or why there are none."""

    source: Path
    poses: Poses | None
    problem: str | None = None


@dataclass(frozen=True)
class PeopleChoice:
    """Which people of each photo are kept, and in which order; see ``select_people``."""

    order: PersonOrder = "score"
    max_people: int | None = None

    def estimate(self, annotator: Annotator, photos: Sequence[Photo]) -> list[Poses]:
        """Poses of the kept people; the photos share network batches."""
        images = [photo.image for photo in photos]
        unboxed = [photo.image for photo in photos if photo.boxes is None]
        found = iter(annotator.detect_batch(unboxed) if unboxed else ())
        boxes = [next(found) if photo.boxes is None else photo.boxes for photo in photos]
        if self.order != "center":  # choosing early spares the network; center needs the poses
            boxes = [
                select_people(some, order=self.order, max_people=self.max_people) for some in boxes
            ]
        return [
            select_people(poses, order=self.order, max_people=self.max_people)
            for poses in annotator.estimate_batch(images, boxes=boxes)
        ]


WriteResult = Callable[[Photo, Poses], None]


def annotate_photos(
    annotator: Annotator,
    jobs: Sequence[Job],
    *,
    write: WriteResult,
    people: PeopleChoice,
    given_boxes: GivenBoxes | None = None,
) -> Iterator[Outcome]:
    """Do every job; yields one outcome per job, failures as soon as they are known.

    Args:
        annotator: the networks.
        jobs: photos and targets.
        write: writes the files of one photo; its errors fail that photo alone.
        people: whom to keep.
        given_boxes: the people of each photo; None lets the detector find them.
    """
    group: list[Photo] = []
    for job in jobs:
        try:
            photo = _load(job, given_boxes)
        except _PROBLEMS as error:
            yield _failure(job, error)
            continue
        if _is_full(group, photo):
            yield from _annotate_group(annotator, group, people, write)
            group = []
        group.append(photo)
    yield from _annotate_group(annotator, group, people, write)


def _load(job: Job, given_boxes: GivenBoxes | None) -> Photo:
    image = load_image(job.source)
    if given_boxes is None:
        return Photo(job, image, None)
    height, width = image.shape[:2]
    return Photo(job, image, given_boxes.of(job.source, (height, width)))


def _is_full(group: Sequence[Photo], photo: Photo) -> bool:
    pixels = sum(p.image.size // 3 for p in [*group, photo])
    return len(group) == GROUP_IMAGES or (len(group) > 0 and pixels > GROUP_PIXELS)


def _annotate_group(
    annotator: Annotator, group: Sequence[Photo], people: PeopleChoice, write: WriteResult
) -> Iterator[Outcome]:
    for photo, poses in zip(group, people.estimate(annotator, group), strict=True):
        try:
            write(photo, poses)
        except _PROBLEMS as error:
            yield _failure(photo.job, error)
        else:
            yield Outcome(photo.job.source, poses)


def _failure(job: Job, error: Exception) -> Outcome:
    """The reason in one line, without the file name that stands before it in the report."""
    text = " ".join(str(error).split()) or type(error).__name__
    return Outcome(job.source, None, text.removeprefix(f"{job.source}: "))
