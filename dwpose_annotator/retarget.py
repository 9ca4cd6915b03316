"""Give the people of a clip the proportions, size and place of a reference pose.

Directions of limbs (the motion) stay those of the clip; lengths become those of the reference.
Every limb is measured in two dimensions, so a limb that points at the camera looks short: choose a
source frame whose posture is like the reference's. Ratios are limited for the same reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import FACE, LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND
from dwpose_annotator.types import Poses

MAX_RATIO = 1.5  # chosen here; people's limb proportions differ less, foreshortening more
VISIBLE = 0.3  # source: the annotator of IDEA-Research/DWPose
MIN_LENGTH = 1.0  # pixels; shorter limbs say nothing about proportions

Points = NDArray[np.float64]
Flags = NDArray[np.bool_]

NOSE, FEET_AND_ANKLES = 0, slice(15, 23)
NECK, PELVIS = NUM_KEYPOINTS, NUM_KEYPOINTS + 1  # two virtual points after the 133
ROOTS = (PELVIS, NECK, NOSE)


class Bone(NamedTuple):
    """A limb; all limbs of one kind share one length ratio, so left and right stay alike."""

    kind: str
    parent: int
    child: int


BODY_KINDS = ("spine", "shoulder", "upper arm", "forearm", "hip", "thigh", "shin")
# Parents come before their children.
BONES: tuple[Bone, ...] = (
    Bone("spine", PELVIS, NECK),
    *(Bone("shoulder", NECK, i) for i in (5, 6)),
    *(Bone("upper arm", i, i + 2) for i in (5, 6)),
    *(Bone("forearm", i, i + 2) for i in (7, 8)),
    *(Bone("hip", PELVIS, i) for i in (11, 12)),
    *(Bone("thigh", i, i + 2) for i in (11, 12)),
    *(Bone("shin", i, i + 2) for i in (13, 14)),
    *(Bone("foot", 15, i) for i in (17, 18, 19)),
    *(Bone("foot", 16, i) for i in (20, 21, 22)),
    Bone("head", NECK, NOSE),
    *(Bone("face", NOSE, i) for i in (1, 2, 3, 4, *range(FACE.start, FACE.stop))),
    *(Bone("hand", 9, i) for i in range(LEFT_HAND.start, LEFT_HAND.stop)),
    *(Bone("hand", 10, i) for i in range(RIGHT_HAND.start, RIGHT_HAND.stop)),
)
_PARENT = {bone.child: bone.parent for bone in BONES}


@dataclass(frozen=True)
class Person:
    """One person with the two virtual points: xy (135, 2) pixels, visible (135,)."""

    xy: Points
    visible: Flags


@dataclass(frozen=True)
class Plan:
    """What to do to one person in every frame.

    Attributes:
        scale: kind of bone -> factor of its length.
        size: factor for what has no ratio of its own, and for motion over the picture.
        origin: point of the source picture that ``target`` of the new picture replaces.
    """

    scale: dict[str, float]
    size: float
    origin: Points
    target: Points

    def place(self, xy: Points) -> Points:
        """Where points move with the person as a whole."""
        return self.target + self.size * (xy - self.origin)


def retarget(
    frames: Sequence[Poses],
    reference: Poses,
    *,
    source_frame: int = 0,
    max_ratio: float = MAX_RATIO,
    align: bool = True,
    threshold: float = VISIBLE,
) -> list[Poses]:
    """Poses of a clip with the limb lengths of a reference.

    Person k of each frame follows person k of the reference; further people keep their proportions
    and move along with the last of those. Feet keep their contact with the ground: what was the
    lowest foot stays at its height. If source frame and reference are the same poses, every frame
    comes back unchanged.

    Args:
        frames: poses of the clip, one per frame.
        reference: poses to take the proportions from.
        source_frame: frame that is measured and compared with the reference.
        max_ratio: a limb grows or shrinks at most so many times more than the person as a whole.
        align: also take over size, place and picture size of the reference; otherwise the people
            stay where they are and only their proportions change.
        threshold: points with a lower score are neither measured nor relied on.

    Raises:
        ValueError: ``max_ratio`` below 1, or no frame ``source_frame``.
    """
    if max_ratio < 1:
        raise ValueError(f"max_ratio must be at least 1, got {max_ratio}")
    if frames and not 0 <= source_frame < len(frames):
        raise ValueError(f"source_frame must be from 0 to {len(frames) - 1}, got {source_frame}")
    xy = [frame.xy.astype(np.float64) for frame in frames]
    box = [frame.box.astype(np.float64) for frame in frames]
    plan = None
    for number in range(max(map(len, frames), default=0)):
        present = [i for i, frame in enumerate(frames) if number < len(frame)]
        people = [person_at(frames[i], number, threshold) for i in present]
        if number < len(reference):
            start = present.index(source_frame) if source_frame in present else 0
            body = person_at(reference, number, threshold)
            plan = make_plan(people[start], body, max_ratio, align)
        elif plan is not None:
            plan = replace(plan, scale={})
        else:
            break  # the reference shows nobody
        for i, person, down in zip(present, people, ground_shifts(people, plan), strict=True):
            xy[i][number] = (rebuild(person, plan) + down)[:NUM_KEYPOINTS]
            box[i][number] = (plan.place(box[i][number].reshape(2, 2)) + down).ravel()
    size_hw = reference.size_hw if align and plan is not None else None
    return [
        replace(
            frame,
            xy=xy[i].astype(np.float32),
            box=box[i].astype(np.float32),
            size_hw=size_hw or frame.size_hw,
        )
        for i, frame in enumerate(frames)
    ]


def person_at(poses: Poses, index: int, threshold: float) -> Person:
    """One person in float64, with neck and pelvis; those need both shoulders or both hips."""
    xy = poses.xy[index].astype(np.float64)
    visible = poses.score[index] >= threshold
    pairs = ((5, 6), (11, 12))
    middles = np.array([xy[list(pair)].mean(axis=0) for pair in pairs])
    seen = np.array([visible[list(pair)].all() for pair in pairs])
    return Person(np.concatenate([xy, middles]), np.concatenate([visible, seen]))


def make_plan(source: Person, reference: Person, max_ratio: float, align: bool) -> Plan:
    """Ratios reference / source per kind of bone, limited around the person's overall ratio."""
    ratios = _ratios(source, reference)
    body = [ratios[kind] for kind in BODY_KINDS if kind in ratios] or list(ratios.values())
    overall = float(np.median(body)) if body else 1.0
    size = overall if align else 1.0
    scale = {
        kind: size * float(np.clip(ratio / overall, 1 / max_ratio, max_ratio))
        for kind, ratio in ratios.items()
    }
    origin, target = _anchors(source, reference) if align else (np.zeros(2), np.zeros(2))
    return Plan(scale, size, origin, target)


def rebuild(person: Person, plan: Plan) -> Points:
    """(135, 2) points: the root placed, then every bone laid along its old direction."""
    new = plan.place(person.xy)
    root = next((point for point in ROOTS if person.visible[point]), None)
    for kind, parent, child in BONES:
        if not person.visible[child] or child == root:
            continue
        factor, anchor = plan.scale.get(kind, plan.size), parent
        while not person.visible[anchor] and anchor in _PARENT:
            anchor, factor = _PARENT[anchor], plan.size
        if person.visible[anchor]:
            new[child] = new[anchor] + factor * (person.xy[child] - person.xy[anchor])
    return new


def ground_shifts(people: Sequence[Person], plan: Plan) -> Points:
    """(F, 2) pixels to add in each frame so that the lowest foot keeps its height.

    Frames without a visible foot take a value between their neighbours', so that nothing jumps.
    """
    frames, lifts = [], []
    for frame, person in enumerate(people):
        seen = person.visible[FEET_AND_ANKLES]
        if seen.any():
            wanted, got = (
                xy[FEET_AND_ANKLES, 1][seen].max()
                for xy in (plan.place(person.xy), rebuild(person, plan))
            )
            frames.append(frame)
            lifts.append(wanted - got)
    shifts = np.zeros((len(people), 2))
    if frames:
        shifts[:, 1] = np.interp(np.arange(len(people)), frames, lifts)
    return shifts


def _ratios(source: Person, reference: Person) -> dict[str, float]:
    """Kind of bone -> median length ratio, for kinds that both people show."""
    found: dict[str, list[float]] = {}
    for kind, parent, child in BONES:
        ends = [parent, child]
        if not (source.visible[ends].all() and reference.visible[ends].all()):
            continue
        lengths = [
            float(np.linalg.norm(person.xy[child] - person.xy[parent]))
            for person in (source, reference)
        ]
        if min(lengths) >= MIN_LENGTH:
            found.setdefault(kind, []).append(lengths[1] / lengths[0])
    return {kind: float(np.median(values)) for kind, values in found.items()}


def _anchors(source: Person, reference: Person) -> tuple[Points, Points]:
    """The point of each person that must coincide: below the root, on the ground if both stand."""
    both = source.visible & reference.visible
    root = next((point for point in ROOTS if both[point]), None)
    if root is None:
        return np.zeros(2), np.zeros(2)
    anchors = [source.xy[root].copy(), reference.xy[root].copy()]
    feet = both[FEET_AND_ANKLES]
    if feet.any():
        for anchor, person in zip(anchors, (source, reference), strict=True):
            anchor[1] = person.xy[FEET_AND_ANKLES, 1][feet].max()
    return anchors[0], anchors[1]
