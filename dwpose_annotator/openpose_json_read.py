"""OpenPose JSON of any dialect -> Poses.

Read: POSE_KEYPOINT lists, the WebUI's dict, files of ComfyUI's SDPose nodes (feet, -1 for missing
points), OpenPose's BODY_25, older files with fractions instead of pixels; parts that are null,
absent or nested; faces with 68 or 70 points. For what this package adds, see ``openpose_json``.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.openpose_person import Extension, Person, read_person, require_dict
from dwpose_annotator.openpose_schema import EXTENSION_KEY
from dwpose_annotator.skeleton import LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND
from dwpose_annotator.types import FloatArray, Poses

logger = logging.getLogger(__name__)

ReadCoordinates = Literal["auto", "pixels", "normalized"]


@dataclass(frozen=True)
class _Frame:
    people: list[Person]
    size_hw: tuple[int, int] | None  # None: the file does not say
    coordinates: str | None  # the same
    tracked: bool


@overload
def from_openpose_json(
    source: Mapping[str, Any],
    *,
    coordinates: ReadCoordinates = ...,
    size_hw: tuple[int, int] | None = ...,
    fix_swapped_hands: bool = ...,
) -> Poses: ...
@overload
def from_openpose_json(
    source: list[Any],
    *,
    coordinates: ReadCoordinates = ...,
    size_hw: tuple[int, int] | None = ...,
    fix_swapped_hands: bool = ...,
) -> list[Poses]: ...
@overload
def from_openpose_json(
    source: str | os.PathLike[str],
    *,
    coordinates: ReadCoordinates = ...,
    size_hw: tuple[int, int] | None = ...,
    fix_swapped_hands: bool = ...,
) -> Poses | list[Poses]: ...
def from_openpose_json(
    source: Mapping[str, Any] | list[Any] | str | os.PathLike[str],
    *,
    coordinates: ReadCoordinates = "auto",
    size_hw: tuple[int, int] | None = None,
    fix_swapped_hands: bool = False,
) -> Poses | list[Poses]:
    """Read one frame (dict -> Poses) or several (list -> list of Poses) in any dialect.

    A point's score is its third number; points that a file does not have score 0. The neck and the
    pupils are dropped: they follow from other points. A person without a stored box gets the one
    around the visible points, with score 1.

    Args:
        source: a dict, a list of dicts, JSON text, or the path of a JSON file.
        coordinates: what the numbers are. ``auto`` takes the file's word, else decides once for the
            whole file: fractions if more than half of them lie within -1 and 1.
        size_hw: size of the image where a frame does not say it. Without both, the smallest canvas
            that holds all points is taken, with a warning.
        fix_swapped_hands: swap left and right hands. ComfyUI's SDPose nodes name them the wrong way
            round, and nothing in their files tells.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, not of this kind, or numbers that are not finite; names the place.
    """
    if coordinates not in ("auto", "pixels", "normalized"):
        raise ValueError(
            f'coordinates must be "auto", "pixels" or "normalized"; got {coordinates!r}'
        )
    value = _load(source) if isinstance(source, str | os.PathLike) else source
    values = value if isinstance(value, list) else [value]
    frames = [_read_frame(item, f"frame {i}") for i, item in enumerate(values)]
    guess = coordinates if coordinates != "auto" else _guess_coordinates(frames)
    spare_hw = size_hw or _canvas_around(frames, guess)
    poses = []
    for i, frame in enumerate(frames):
        frame_hw = frame.size_hw or spare_hw
        if frame_hw is None:
            raise ValueError(f"frame {i} does not say how large its canvas is: pass size_hw")
        kind = (frame.coordinates or guess) if coordinates == "auto" else coordinates
        poses.append(_to_poses(frame, frame_hw, kind == "normalized", fix_swapped_hands))
    return poses if isinstance(value, list) else poses[0]


def _load(source: str | os.PathLike[str]) -> Any:
    """Parse JSON text (a string that starts with a bracket) or a file."""
    name, text = "JSON text", source
    if not (isinstance(text, str) and text.lstrip()[:1] in ("{", "[")):
        name, path = os.fspath(source), Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"no JSON file at {path}")
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not valid JSON ({error})") from error


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _read_frame(value: Any, where: str) -> _Frame:
    entry = require_dict(value, where)
    if "people" not in entry and "animals" not in entry:
        raise ValueError(f'{where} must have "people", but has only {sorted(map(str, entry))}')
    people = entry.get("people")
    if not isinstance(people, list | tuple | None):
        raise ValueError(f"{where}.people must be a list, but is {type(people).__name__}")
    persons = [read_person(p, f"{where}.people[{i}]") for i, p in enumerate(people or ())]
    added = entry.get(EXTENSION_KEY)
    added = {} if added is None else require_dict(added, f"{where}.{EXTENSION_KEY}")
    stated = added.get("coordinates")
    if stated not in (None, "pixels", "normalized"):
        raise ValueError(f"{where}.{EXTENSION_KEY}.coordinates: unknown kind {stated!r}")
    ids = [p.person_id if p.extension is None else p.extension.track_id for p in persons]
    tracked = bool(ids) and all(i is not None and i >= 0 for i in ids)
    return _Frame(persons, _read_canvas(entry, where), stated, bool(added.get("tracked", tracked)))


def _read_canvas(entry: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    sides = []
    for key in ("canvas_height", "canvas_width"):
        side = entry.get(key)
        if side is None:
            return None
        if isinstance(side, bool) or not isinstance(side, int | float) or not 1 <= side < 2**31:
            raise ValueError(f"{where}.{key} must be a positive number of pixels, got {side!r}")
        sides.append(int(side))
    return sides[0], sides[1]


def _visible(frames: Sequence[_Frame]) -> NDArray[np.float64]:
    """(P, 2) points that the files themselves show, of frames that do not state what they are."""
    points = [p.points for frame in frames if frame.coordinates is None for p in frame.people]
    rows = np.concatenate([*points, np.zeros((0, 3))])
    return rows[rows[:, 2] > 0, :2]


def _guess_coordinates(frames: Sequence[_Frame]) -> Literal["pixels", "normalized"]:
    """Once per file. The median keeps the answer where some points lie off the canvas."""
    shown = np.abs(_visible(frames))
    canvas = max((max(frame.size_hw) for frame in frames if frame.size_hw), default=math.inf)
    return "normalized" if shown.size and canvas > 2 and np.median(shown) <= 1 else "pixels"


def _canvas_around(frames: Sequence[_Frame], coordinates: str) -> tuple[int, int] | None:
    """The smallest canvas around the points of the frames that state none, if there are points."""
    unknown = [frame for frame in frames if frame.size_hw is None]
    shown = _visible(unknown)
    if not len(shown) or coordinates == "normalized":
        return None
    width, height = np.maximum(np.floor(shown.max(axis=0)).astype(int) + 1, 1).tolist()
    logger.warning(
        "the JSON does not say how large its canvas is: taking %d x %d, just around the points; "
        "pass size_hw for the true size",
        width,
        height,
    )
    return height, width


def _to_poses(
    frame: _Frame, size_hw: tuple[int, int], fractions: bool, fix_swapped_hands: bool
) -> Poses:
    scale = np.array(size_hw[::-1]) if fractions else np.ones(2)
    count = len(frame.people)
    xy = np.zeros((count, NUM_KEYPOINTS, 2), np.float32)
    score = np.zeros((count, NUM_KEYPOINTS), np.float32)
    box, box_score = np.zeros((count, 4), np.float32), np.ones(count, np.float32)
    ids = np.full(count, -1, np.int64)
    for i, person in enumerate(frame.people):
        xy[i], score[i] = person.points[:, :2] * scale, person.points[:, 2]
        shown, ids[i] = score[i] > 0, person.person_id
        if shown.any():
            box[i] = [*xy[i, shown].min(axis=0), *xy[i, shown].max(axis=0)]
        if person.extension is not None:
            _restore(xy[i], score[i], person.extension)
            box[i], box_score[i] = person.extension.box, person.extension.box_score
            ids[i] = -1 if person.extension.track_id is None else person.extension.track_id
    if fix_swapped_hands:
        for array in (xy, score):
            left = array[:, LEFT_HAND].copy()
            array[:, LEFT_HAND], array[:, RIGHT_HAND] = array[:, RIGHT_HAND], left
    return Poses(xy, score, box, box_score, size_hw, ids if frame.tracked else None)


def _restore(xy: FloatArray, score: FloatArray, extension: Extension) -> None:
    """Put the stored scores and hidden points back, except where the standard keys were edited."""
    hidden = score <= 0
    unedited = hidden == extension.hidden
    score[unedited] = extension.score[unedited]
    xy[unedited & hidden] = extension.hidden_xy[unedited & hidden]
