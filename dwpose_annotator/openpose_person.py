"""One person of OpenPose JSON, checked: the standard keys and what this package adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.openpose_schema import (
    BODY_18,
    BODY_25,
    EXTENSION_KEY,
    FACE_KEY,
    NECK,
    PARTS_18,
    POSE_KEY,
)
from dwpose_annotator.skeleton import NUM_KEYPOINTS

_FACE_68 = PARTS_18[FACE_KEY][:68]
# Key -> the layouts that occur. Of a face's pupils nothing is kept: they copy the body's eyes.
_LAYOUTS: dict[str, tuple[tuple[int, ...], ...]] = {
    **{key: (points,) for key, points in PARTS_18.items()},
    POSE_KEY: (BODY_18, BODY_25),
    FACE_KEY: (_FACE_68, (*_FACE_68, NECK, NECK)),
}


@dataclass(frozen=True)
class Extension:
    """What a person has under ``EXTENSION_KEY``; points and box in pixels.

    Attributes:
        score: (133,) float64.
        hidden: (133,) bool, points that were missing when the file was written.
        hidden_xy: (133, 2) float64 where they were.
        box: (4,) float64.
        box_score: score of the box.
        track_id: None if not tracked.
    """

    score: NDArray[np.float64]
    hidden: NDArray[np.bool_]
    hidden_xy: NDArray[np.float64]
    box: NDArray[np.float64]
    box_score: float
    track_id: int | None


@dataclass(frozen=True)
class Person:
    """What a file says of one person.

    Attributes:
        points: (133, 3) float64 x, y, c in the file's coordinates; zeros where it says nothing.
        extension: None in files of other programs.
        person_id: OpenPose's number of the person, -1 if not tracked.
    """

    points: NDArray[np.float64]
    extension: Extension | None
    person_id: int


def read_person(value: Any, where: str) -> Person:
    """Check and arrange one entry of ``people``; ``where`` names it in errors.

    Raises:
        ValueError: not a dict, a wrong number of points, or numbers that are not finite.
    """
    entry = require_dict(value, where)
    extension = None
    if entry.get(EXTENSION_KEY) is not None:
        extension = _read_extension(entry[EXTENSION_KEY], f"{where}.{EXTENSION_KEY}")
    points = np.zeros((NUM_KEYPOINTS + 2, 3))  # the last two: neck and middle hip, not kept
    for key, layouts in _LAYOUTS.items():
        triples = _read_triples(entry.get(key), f"{where}.{key}")
        if not len(triples):
            continue
        layout = next((rows for rows in layouts if len(rows) == len(triples)), None)
        if layout is None:
            known = " or ".join(str(len(rows)) for rows in layouts)
            raise ValueError(f"{where}.{key} must have {known} points, but has {len(triples)}")
        points[list(layout)] = triples
    if extension is None:  # ComfyUI's SDPose nodes mark missing points so
        points[(points[:, :2] == -1).all(axis=1)] = 0
    return Person(points[:NUM_KEYPOINTS], extension, _read_id(entry.get("person_id"), where))


def require_dict(value: Any, where: str) -> Mapping[str, Any]:
    """``value``, or an error if it is no dict."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be a dict, but is {type(value).__name__}")
    return value


def _read_triples(value: Any, where: str) -> NDArray[np.float64]:
    """(K, 3) x, y, c of flat or nested numbers; no rows if the part is null or absent."""
    if value is None:
        return np.zeros((0, 3))
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} must be a list of numbers, but is {type(value).__name__}")
    if any(isinstance(item, list | tuple) for item in value):
        value = [number for item in value for number in _nested_point(item, where)]
    numbers = _numbers(value, where)
    if len(numbers) % 3:
        raise ValueError(
            f"{where} must hold x, y, c for each point, but has {len(numbers)} numbers"
        )
    return numbers.reshape(-1, 3)


def _nested_point(item: Any, where: str) -> list[Any]:
    """x, y, c of [x, y, c], [x, y] or null."""
    if item is None:
        return [0, 0, 0]
    if not isinstance(item, list | tuple) or len(item) not in (2, 3):
        raise ValueError(f"{where}: a nested point must be [x, y, c], [x, y] or null, got {item!r}")
    return [*item, 1][:3]


def _numbers(value: Any, where: str, count: int | None = None) -> NDArray[np.float64]:
    """A list of numbers that are finite in float32; ``count`` of them if given."""
    if not isinstance(value, list | tuple) or count not in (None, len(value)):
        wanted = "a list of numbers" if count is None else f"a list of {count} numbers"
        raise ValueError(f"{where} must be {wanted}, got {str(value)[:80]}")
    try:
        numbers = np.array(value)
    except ValueError:  # lists of different lengths
        numbers = np.array(None)
    if numbers.ndim != 1 or (numbers.dtype.kind not in "iuf" and numbers.size):
        raise ValueError(f"{where} must hold numbers only, got {str(value)[:80]}")
    if not (np.abs(numbers) <= np.finfo(np.float32).max).all():
        raise ValueError(f"{where} must hold finite numbers only, got {str(value)[:80]}")
    return numbers.astype(np.float64)


def _read_extension(value: Any, where: str) -> Extension:
    entry = require_dict(value, where)
    score = _numbers(entry.get("scores"), f"{where}.scores", NUM_KEYPOINTS)
    hidden, hidden_xy = np.zeros(NUM_KEYPOINTS, bool), np.zeros((NUM_KEYPOINTS, 2))
    rows = entry.get("hidden")
    if not isinstance(rows, list | tuple):
        raise ValueError(f"{where}.hidden must be a list of [point, x, y]")
    for row in rows:
        point, x, y = _numbers(row, f"{where}.hidden", 3).tolist()
        if point not in range(NUM_KEYPOINTS):
            raise ValueError(f"{where}.hidden: no point {point}, they are 0 to {NUM_KEYPOINTS - 1}")
        hidden[int(point)], hidden_xy[int(point)] = True, (x, y)
    return Extension(
        score,
        hidden,
        hidden_xy,
        _numbers(entry.get("box"), f"{where}.box", 4),
        float(_numbers([entry.get("box_score")], f"{where}.box_score")[0]),
        _read_id(entry.get("track_id"), where) if "track_id" in entry else None,
    )


def _read_id(value: Any, where: str) -> int:
    """An id, or OpenPose's list of one; -1 if there is none."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if value is None:
        return -1
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not whole or not -(2**63) <= value < 2**63:
        raise ValueError(f"{where}: an id must be a whole number of 64 bits, got {value!r}")
    return int(value)
