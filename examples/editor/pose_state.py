"""Poses <-> the text that the editor's canvas holds, checked in both directions.

The text is JSON: ``{"width": W, "height": H, "photo": [w, h] | null, "people": [...]}``. A person
is ``{"xy": [266 numbers], "score": [133 numbers], "hidden": [points], "box": [4 numbers] | null,
"box_score": number, "track_id": number | null}`` in COCO-WholeBody order and pixels of the canvas.
``photo`` is the size at which the photo lies below the canvas. Points in ``hidden`` were hidden by
the user. ``box`` is null once the person was edited: it follows from the points then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.draw_figures import FARTHEST
from dwpose_annotator.openpose_json import from_openpose_json
from dwpose_annotator.openpose_schema import EXTENSION_KEY
from dwpose_annotator.skeleton import NUM_KEYPOINTS
from dwpose_annotator.types import Poses

VISIBLE = 0.3  # from this score on a point is drawn; source: the annotator of IDEA-Research/DWPose
# Limits of the editor, so that one visitor cannot take the whole machine.
MAX_PEOPLE = 50
MIN_SIDE, MAX_SIDE = 16, 8192
MAX_CANVAS_PIXELS = 2**25
MAX_TEXT = 4_000_000  # characters; 50 people need about 400,000
MAX_SCORE = 1000.0  # raw scores are around 1


def from_pose_keypoint(
    source: Mapping[str, Any] | Sequence[Any],
    *,
    photo_hw: tuple[int, int] | None = None,
    spare_hw: tuple[int, int] | None = None,
) -> str:
    """POSE_KEYPOINT, one frame or a list whose first frame is taken -> state.

    What the JSON shows is what the editor shows: a point with a good score that its standard keys
    hide gets score 0 and keeps its place.

    Args:
        source: any dialect that ``from_openpose_json`` reads.
        photo_hw: size of the photo behind it, which is stretched over the canvas.
        spare_hw: the canvas where neither JSON nor photo says it.

    Raises:
        ValueError: not such JSON, or above the limits of the editor.
    """
    frame = source
    if isinstance(source, list | tuple):
        if not source:
            raise ValueError("the list of frames is empty")
        frame = source[0]
    if not isinstance(frame, Mapping):
        raise ValueError(f"a frame must be a JSON object, but is {type(frame).__name__}")
    poses = from_openpose_json(frame, size_hw=photo_hw or spare_hw)
    shown = from_openpose_json(_without_extension(frame), size_hw=poses.size_hw)
    unseen = (shown.score < VISIBLE) & (poses.score >= VISIBLE)
    score = np.where(unseen, np.float32(0), poses.score)
    poses = Poses(poses.xy, score, poses.box, poses.box_score, poses.size_hw, poses.track_id)
    return from_poses(poses, has_photo=photo_hw is not None)


def from_poses(poses: Poses, *, has_photo: bool = False) -> str:
    """People of one image -> state; a photo covers the whole canvas.

    Raises:
        ValueError: above the limits of the editor.
    """
    height, width = poses.size_hw
    people = [
        {
            "xy": poses.xy[i].ravel().tolist(),
            "score": poses.score[i].tolist(),
            "hidden": [],
            "box": poses.box[i].tolist(),
            "box_score": float(poses.box_score[i]),
            "track_id": None if poses.track_id is None else int(poses.track_id[i]),
        }
        for i in range(len(poses))
    ]
    photo = [width, height] if has_photo else None
    text = json.dumps({"width": width, "height": height, "photo": photo, "people": people})
    to_poses(text)  # the same limits in both directions
    return text


def to_poses(text: str) -> Poses:
    """State -> people as the map and the JSON show them: hidden points at (0, 0) with score 0.

    Raises:
        ValueError: not such a text, or above the limits of the editor; a sentence for the user.
    """
    state = _parse(text)
    size_hw = _read_size(state)
    people = state.get("people")
    if not isinstance(people, list) or len(people) > MAX_PEOPLE:
        raise ValueError(f"The editor takes up to {MAX_PEOPLE} people.")
    if not people:
        return Poses.empty(size_hw)
    persons = [_read_person(person, f"person {i + 1}") for i, person in enumerate(people)]
    xy, score, box, box_score, ids = zip(*persons, strict=True)
    tracked = all(i is not None for i in ids)
    return Poses(
        np.array(xy, np.float32),
        np.array(score, np.float32),
        np.array(box, np.float32),
        np.array(box_score, np.float32),
        size_hw,
        np.array(ids, np.int64) if tracked else None,
    )


def size_of(text: str) -> tuple[int, int]:
    """Height and width of the canvas.

    Raises:
        ValueError: not such a text, or above the limits of the editor.
    """
    return _read_size(_parse(text))


def with_photo_of(text: str, before: str) -> str:
    """``text`` over the photo of ``before``, if that has one and its canvas the same aspect."""
    new, old = _parse(text), _parse(before)
    (height, width), (old_height, old_width) = _read_size(new), _read_size(old)
    same = abs(width * old_height - old_width * height) <= max(width, height) + max(
        old_width, old_height
    )
    new["photo"] = [width, height] if old.get("photo") is not None and same else None
    return json.dumps(new)


def over_photo(text: str, photo_hw: tuple[int, int]) -> str:
    """The same pose on a canvas of the photo's size; people grow by one factor to stay inside.

    Raises:
        ValueError: not such a text, or above the limits of the editor.
    """
    poses = to_poses(text)
    state = _parse(text)
    height, width = photo_hw
    factor = min(width / poses.size_hw[1], height / poses.size_hw[0])
    for person in state["people"]:
        person["xy"] = [factor * number for number in person["xy"]]
        person["box"] = None if factor != 1 else person.get("box")
    changed = json.dumps({**state, "width": width, "height": height, "photo": [width, height]})
    to_poses(changed)
    return changed


_Person = tuple[NDArray[Any], NDArray[Any], NDArray[Any], float, "int | None"]


def _read_person(value: Any, where: str) -> _Person:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is damaged: not an object.")
    xy = _numbers(value.get("xy"), 2 * NUM_KEYPOINTS, FARTHEST, f"the coordinates of {where}")
    score = _numbers(value.get("score"), NUM_KEYPOINTS, MAX_SCORE, f"the scores of {where}")
    hidden = value.get("hidden", [])
    if not isinstance(hidden, list) or not all(
        type(i) is int and 0 <= i < NUM_KEYPOINTS for i in hidden
    ):
        raise ValueError(f"The hidden points of {where} must be numbers from 0 to 132.")
    xy = xy.reshape(NUM_KEYPOINTS, 2)
    # At (0, 0) even the styles that draw unseen hands and faces leave a point out.
    xy[hidden], score[hidden] = 0, 0
    box = value.get("box")
    box = _box_around(xy, score) if box is None else _numbers(box, 4, FARTHEST, f"box of {where}")
    box_score = _numbers([value.get("box_score", 1)], 1, MAX_SCORE, f"box score of {where}")
    track_id = value.get("track_id")
    if track_id is not None and (type(track_id) is not int or not -(2**63) <= track_id < 2**63):
        raise ValueError(f"The track of {where} must be a whole number.")
    return xy, score, box, float(box_score[0]), track_id


def _box_around(xy: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = xy[score >= VISIBLE]
    return np.concatenate([seen.min(axis=0), seen.max(axis=0)]) if len(seen) else np.zeros(4)


def _parse(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ValueError("The canvas of the editor did not arrive; reload the page.")
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("The canvas of the editor is damaged; reload the page.") from error
    if not isinstance(state, dict):
        raise ValueError("The canvas of the editor is damaged; reload the page.")
    return state


def _read_size(state: dict[str, Any]) -> tuple[int, int]:
    height, width = state.get("height"), state.get("width")
    if type(height) is not int or type(width) is not int:
        raise ValueError("Width and height of the canvas must be whole numbers.")
    within = min(height, width) >= MIN_SIDE and max(height, width) <= MAX_SIDE
    if not within or height * width > MAX_CANVAS_PIXELS:
        raise ValueError(
            f"The canvas is {width} x {height}; the editor takes sides from {MIN_SIDE} to "
            f"{MAX_SIDE} pixels and {MAX_CANVAS_PIXELS / 1e6:.0f} million pixels in all."
        )
    return height, width


def _numbers(value: Any, count: int, largest: float, what: str) -> NDArray[np.float64]:
    if (
        not isinstance(value, list)
        or len(value) != count
        or not all(type(x) in (int, float) and abs(x) <= largest for x in value)  # false for NaN
    ):
        raise ValueError(f"{what} must be {count} numbers from -{largest:g} to {largest:g}.")
    return np.array(value, np.float64)


def _without_extension(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The frame as other programs see it; what its numbers are stays known."""
    people = [
        {key: part for key, part in person.items() if key != EXTENSION_KEY}
        for person in frame.get("people") or ()
    ]
    return {**frame, "people": people}
