"""Poses -> OpenPose JSON; ``from_openpose_json`` is the way back.

A frame is ``{"people": [...], "canvas_width": W, "canvas_height": H}``; each person has flat arrays
``x, y, c, x, y, c, ...`` per part. Standard keys hold 1 or 0 as c, because popular readers drop
points with c < 1, and (0, 0, 0) for missing points. What that loses stands under the key
``"dwpose"``, which other readers pass over:

- of a frame: ``{"version": 1, "coordinates": "pixels" | "normalized", "tracked": bool}``
- of a person: ``{"scores": [133 numbers], "hidden": [[point, x, y], ...], "box": [4 numbers],
  "box_score": number, "track_id": number if tracked}``; points count from 0 in COCO-WholeBody
  order, ``hidden`` lists those with c = 0, and x, y and box are pixels.

Read back, frames with it are equal to the last bit. If the standard keys were edited, they win.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.files import write_atomic
from dwpose_annotator.openpose_json_read import from_openpose_json
from dwpose_annotator.openpose_schema import (
    EXTENSION_KEY,
    FACE_KEY,
    POSE_KEY,
    SCHEMAS,
    JsonSchema,
)
from dwpose_annotator.skeleton import (
    BODY,
    FACE,
    FEET,
    LEFT_HAND,
    NUM_KEYPOINTS,
    OPENPOSE_NECK,
    RIGHT_HAND,
    to_openpose,
)
from dwpose_annotator.types import Poses

__all__ = ["SCHEMAS", "from_openpose_json", "save_openpose_json", "to_openpose_json"]

Scores = Literal["binary", "real"]
Coordinates = Literal["pixels", "normalized"]
_SHOULDERS, _HIPS = [5, 6], [11, 12]


def to_openpose_json(
    poses: Poses,
    *,
    schema: str = "pose_keypoint",
    scores: Scores | None = None,
    coordinates: Coordinates = "pixels",
    threshold: float = 0.3,
    body: bool = True,
    hands: bool = True,
    face: bool = True,
    feet: bool = True,
) -> dict[str, Any]:
    """One frame as a dict that ``json.dumps`` takes. POSE_KEYPOINT files hold a list of them.

    Args:
        poses: people of one image, whose size becomes the canvas. Points that are not finite are
            written as missing.
        schema: a name in ``SCHEMAS``.
        scores: the third number of each point; None takes the schema's.
        coordinates: pixels of the canvas, or fractions of its width and height.
        threshold: with binary scores, points with a lower score are missing. With real scores the
            reader decides, and only scores <= 0 are missing.
        body: False leaves all body points out, everywhere; likewise ``hands``, ``face``, ``feet``.

    Raises:
        ValueError: unknown schema, scores or coordinates.
    """
    layout = _check(schema, scores, coordinates)
    parts = ((BODY, body), (LEFT_HAND, hands), (RIGHT_HAND, hands), (FACE, face), (FEET, feet))
    kept = _without(poses, [part for part, wanted in parts if not wanted])
    kind = layout.scores if scores is None else scores
    xy, c = openpose_points(kept.xy, kept.score, scores=kind, threshold=threshold)
    height, width = kept.size_hw
    scale = np.array([width, height]) if coordinates == "normalized" else np.ones(2)
    people = []
    for i in range(len(kept)):
        person = person_arrays(xy[i] / scale, c[i], layout, face=face)
        if kept.track_id is not None:
            person["person_id"] = [int(kept.track_id[i])]
        if layout.extension:
            person[EXTENSION_KEY] = _person_extension(kept, i, c[i, :NUM_KEYPOINTS] == 0)
        people.append(person)
    frame = {**layout.in_frame, "people": people, "canvas_height": height, "canvas_width": width}
    if layout.extension:
        tracked = kept.track_id is not None
        frame[EXTENSION_KEY] = {"version": 1, "coordinates": coordinates, "tracked": tracked}
    return frame


def save_openpose_json(
    path: str | os.PathLike[str], frames: Sequence[Poses], *, schema: str = "pose_keypoint"
) -> None:
    """Write frames as one JSON file, a list with a dict per frame; complete or not at all.

    Raises:
        ValueError: unknown schema.
        OSError: the folder does not exist or cannot be written.
    """
    text = json.dumps([to_openpose_json(poses, schema=schema) for poses in frames])
    write_atomic(path, lambda file: file.write(text.encode()))


def openpose_points(
    xy: NDArray[np.floating[Any]],
    score: NDArray[np.floating[Any]],
    *,
    scores: Scores = "binary",
    threshold: float = 0.3,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 133, 2) points and (N, 133) scores with neck and middle hip added.

    Returns:
        (N, 135, 2) points and (N, 135) third numbers of JSON; 0 means missing. A neck needs both
        shoulders above the threshold; it is their mean and has the lower of their scores.
    """
    parts = to_openpose(xy, score, neck_threshold=threshold)
    xy, score = np.asarray(xy, np.float64), np.asarray(score, np.float64)
    binary = scores == "binary"
    c = (score >= threshold).astype(np.float64) if binary else np.maximum(score, 0)
    neck_c = parts.body_score[:, OPENPOSE_NECK]
    if not binary:
        neck_c = neck_c * c[:, _SHOULDERS].min(axis=1)
    neck, hip = parts.body[:, OPENPOSE_NECK], xy[:, _HIPS].mean(axis=1)
    added_c = [neck_c[:, None], c[:, _HIPS].min(axis=1, keepdims=True)]
    return (
        np.concatenate([xy, neck[:, None], hip[:, None]], axis=1),
        np.concatenate([c, *added_c], axis=1),
    )


def person_arrays(
    xy: NDArray[np.float64], c: NDArray[np.float64], layout: JsonSchema, *, face: bool = True
) -> dict[str, Any]:
    """The standard keys of one person: (135, 2) points and their (135,) third numbers.

    Without ``face`` its pupils, which copy the eyes of the body, are missing too.
    """
    triples = np.concatenate([np.where(c[:, None] == 0, layout.missing_xy, xy), c[:, None]], axis=1)
    nothing = np.array([layout.missing_xy, layout.missing_xy, 0.0])
    person: dict[str, Any] = {**layout.in_person}
    for key, points in layout.parts.items():
        rows = triples[list(points)] if face or key != FACE_KEY else np.tile(nothing, (70, 1))
        null = layout.null_parts and key != POSE_KEY and not rows[:, 2].any()
        person[key] = None if null else rows.ravel().tolist()
    return person


def _person_extension(poses: Poses, index: int, hidden: NDArray[np.bool_]) -> dict[str, Any]:
    """What the standard keys of one person cannot hold."""
    points = np.flatnonzero(hidden).tolist()
    extension: dict[str, Any] = {
        "scores": poses.score[index].tolist(),
        "hidden": [[point, *poses.xy[index, point].tolist()] for point in points],
        "box": poses.box[index].tolist(),
        "box_score": float(poses.box_score[index]),
    }
    if poses.track_id is not None:
        extension["track_id"] = int(poses.track_id[index])
    return extension


def _without(poses: Poses, parts: Sequence[slice]) -> Poses:
    """The same with these parts and all points that are not finite at (0, 0) with score 0."""
    keep = np.isfinite(poses.xy).all(axis=-1) & np.isfinite(poses.score)
    for part in parts:
        keep[:, part] = False
    return Poses(
        np.where(keep[..., None], poses.xy, 0),
        np.where(keep, poses.score, 0),
        np.nan_to_num(poses.box, posinf=0, neginf=0),
        np.nan_to_num(poses.box_score, posinf=0, neginf=0),
        poses.size_hw,
        poses.track_id,
    )


def _check(schema: str, scores: Scores | None, coordinates: Coordinates) -> JsonSchema:
    if schema not in SCHEMAS:
        raise ValueError(f"schema must be one of {', '.join(SCHEMAS)}; got {schema!r}")
    if scores not in (None, "binary", "real"):
        raise ValueError(f'scores must be "binary", "real" or None; got {scores!r}')
    if coordinates not in ("pixels", "normalized"):
        raise ValueError(f'coordinates must be "pixels" or "normalized"; got {coordinates!r}')
    return SCHEMAS[schema]
