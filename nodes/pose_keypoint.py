"""POSE_KEYPOINT (a list with one OpenPose dict per frame) <-> ``Poses``, one per frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from dwpose_annotator.openpose_json import from_openpose_json, to_openpose_json
from dwpose_annotator.openpose_schema import EXTENSION_KEY
from dwpose_annotator.types import Poses

COORDINATES = ["auto", "pixels", "normalized"]
VISIBLE = 0.3  # the threshold that the whole family of nodes uses


def to_pose_keypoint(
    frames: Iterable[Poses],
    *,
    threshold: float = VISIBLE,
    body: bool = True,
    hands: bool = True,
    face: bool = True,
    schema: str = "pose_keypoint",
) -> list[dict[str, Any]]:
    """Frames with full-length arrays, c = 1 or 0 and, beside them, the true scores."""
    return [
        to_openpose_json(
            poses, schema=schema, threshold=threshold, body=body, hands=hands, face=face
        )
        for poses in frames
    ]


def from_pose_keypoint(
    value: Any, *, coordinates: str = "auto", fix_swapped_hands: bool = False
) -> list[Poses]:
    """Frames of any origin, with the true scores where they stand beside.

    Where a true score and c disagree, c wins at the threshold of 0.3: it holds what the user chose.
    """
    options = {"coordinates": coordinates, "fix_swapped_hands": fix_swapped_hands}
    frames = _as_list(from_openpose_json(value, **options))
    counted = _as_list(from_openpose_json(_without_scores(value), **options))
    return [
        _with_choice(poses, c.score >= VISIBLE) for poses, c in zip(frames, counted, strict=True)
    ]


def _with_choice(poses: Poses, visible: np.ndarray) -> Poses:
    just_below = np.nextafter(np.float32(VISIBLE), np.float32(0))
    score = np.where(visible, np.maximum(poses.score, VISIBLE), np.minimum(poses.score, just_below))
    return replace(poses, score=score)


def _without_scores(value: Any) -> Any:
    """The same frames, whose people have the standard keys only."""
    if isinstance(value, list):
        return [_without_scores(frame) for frame in value]
    people = [
        {key: part for key, part in person.items() if key != EXTENSION_KEY}
        for person in value.get("people") or ()
    ]
    return {**value, "people": people}


def _as_list(frames: Poses | list[Poses]) -> list[Poses]:
    return frames if isinstance(frames, list) else [frames]
