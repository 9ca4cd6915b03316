"""The Python half of the pose editor: what goes to the canvas, what comes back, what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dwpose_annotator import Poses, draw_poses, from_openpose_json, to_openpose_json
from dwpose_annotator.skeleton import (
    FLIP_INDEX,
    HAND_LINKS,
    LEFT_HAND,
    NUM_KEYPOINTS,
    OPENPOSE_FOOT_LIMBS,
    OPENPOSE_LIMBS,
)

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
gr = pytest.importorskip("gradio", reason="needs the package gradio")

from examples.demo.limits import Limits  # noqa: E402
from examples.demo.outbox import Outbox  # noqa: E402
from examples.editor import pose_state  # noqa: E402
from examples.editor.canvas import photo_url  # noqa: E402
from examples.editor.figure import neutral_figure  # noqa: E402
from examples.editor.tab import build_editor_tab, draw_map  # noqa: E402
from examples.editor.tables import editor_tables  # noqa: E402


def some_poses(count: int = 2, *, tracked: bool = False) -> Poses:
    rng = np.random.default_rng(count)
    xy = rng.uniform(0, 300, (count, NUM_KEYPOINTS, 2))
    score = rng.uniform(0, 1.2, (count, NUM_KEYPOINTS))
    box = rng.uniform(0, 300, (count, 4))
    ids = np.arange(7, 7 + count) if tracked else None
    return Poses(xy, score, box, rng.uniform(0, 1, count), (320, 300), ids)


def assert_equal(a: Poses, b: Poses) -> None:
    for name in ("xy", "score", "box", "box_score"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert a.size_hw == b.size_hw
    assert (a.track_id is None) == (b.track_id is None)
    if a.track_id is not None:
        np.testing.assert_array_equal(a.track_id, b.track_id)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("tracked", [False, True])
def test_unedited_poses_come_back_to_the_bit(count: int, tracked: bool) -> None:
    poses = some_poses(count, tracked=tracked and count > 0)
    frame = json.loads(json.dumps(to_openpose_json(poses)))
    for source in (frame, [frame], [frame, "not read"]):
        assert_equal(pose_state.to_poses(pose_state.from_pose_keypoint(source)), poses)


def test_the_editor_shows_what_the_standard_keys_show() -> None:
    poses = some_poses(1)
    frame = to_openpose_json(poses, threshold=0.8)  # hides points with scores from 0.3 to 0.8
    state = json.loads(pose_state.from_pose_keypoint(frame))
    score = np.array(state["people"][0]["score"])
    np.testing.assert_array_equal(score >= 0.3, poses.score[0] >= 0.8)
    np.testing.assert_array_equal(np.float32(state["people"][0]["xy"]), poses.xy[0].ravel())


def test_hidden_points_are_missing_in_map_and_json_in_every_style() -> None:
    poses = some_poses(1)
    state = json.loads(pose_state.from_poses(poses))
    state["people"][0]["hidden"] = list(range(NUM_KEYPOINTS))
    hidden = pose_state.to_poses(json.dumps(state))
    for style in ("openpose", "controlnet_aux", "easy_dwpose", "musepose"):
        assert not draw_poses(hidden, style, feet=True).any(), style
    assert from_openpose_json(to_openpose_json(hidden)).score.max() == 0


def test_box_of_an_edited_person_follows_the_visible_points() -> None:
    state = json.loads(pose_state.from_poses(some_poses(1)))
    person = state["people"][0]
    person["box"], person["hidden"] = None, list(range(50))
    poses = pose_state.to_poses(json.dumps(state))
    seen = poses.xy[0][poses.score[0] >= 0.3]
    expected = [*seen.min(axis=0), *seen.max(axis=0)]
    np.testing.assert_allclose(poses.box[0], expected, rtol=1e-6)


def change(path: tuple[Any, ...], value: Any) -> str:
    state = json.loads(pose_state.from_poses(some_poses(1)))
    target = state
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return json.dumps(state)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("width",), 9000, "sides from"),
        (("width",), 1.5, "whole numbers"),
        (("width",), True, "whole numbers"),
        (("height",), 3, "sides from"),
        (("people",), [{}] * 51, "up to 50 people"),
        (("people",), None, "up to 50 people"),
        (("people", 0), "x", "not an object"),
        (("people", 0, "xy"), [0] * 265, "266 numbers"),
        (("people", 0, "xy", 3), float("nan"), "266 numbers"),
        (("people", 0, "xy", 3), float("inf"), "266 numbers"),
        (("people", 0, "xy", 3), 1e30, "266 numbers"),
        (("people", 0, "xy", 3), 10**400, "266 numbers"),
        (("people", 0, "xy", 3), "1", "266 numbers"),
        (("people", 0, "score", 3), None, "133 numbers"),
        (("people", 0, "hidden"), [133], "0 to 132"),
        (("people", 0, "hidden"), [-1], "0 to 132"),
        (("people", 0, "hidden"), {"a": 1}, "0 to 132"),
        (("people", 0, "box"), [1, 2, 3], "4 numbers"),
        (("people", 0, "track_id"), 2**63, "whole number"),
    ],
)
def test_damaged_canvas_is_refused_in_words(path: tuple[Any, ...], value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pose_state.to_poses(change(path, value))


@pytest.mark.parametrize("text", [None, 3, "", "[1]", "{", "[" * 100_000, " " * 5_000_000])
def test_what_is_no_state_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="reload"):
        pose_state.to_poses(text)


@pytest.mark.parametrize(
    ("frame", "words"),
    [([], "empty"), (3, "object"), ({}, "people"), ({"people": 3}, "list"), ([[]], "object")],
)
def test_what_is_no_pose_keypoint_is_refused(frame: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pose_state.from_pose_keypoint(frame)


def test_a_canvas_above_the_limits_is_refused() -> None:
    frame = {"people": [], "canvas_width": 8000, "canvas_height": 8000}
    with pytest.raises(ValueError, match="million pixels"):
        pose_state.from_pose_keypoint(frame)


def test_json_without_a_canvas_takes_the_spare_one() -> None:
    frame = to_openpose_json(some_poses(1), schema="body_25")
    del frame["canvas_width"], frame["canvas_height"]
    state = pose_state.from_pose_keypoint(frame, spare_hw=(700, 500))
    assert pose_state.size_of(state) == (700, 500)
    assert json.loads(state)["photo"] is None


def test_over_a_photo_people_keep_their_shape() -> None:
    poses = some_poses(1)
    over = pose_state.over_photo(pose_state.from_poses(poses), (640, 900))
    after = pose_state.to_poses(over)
    assert after.size_hw == (640, 900)
    np.testing.assert_allclose(after.xy, poses.xy * 2, rtol=1e-6)
    assert json.loads(over)["photo"] == [900, 640]


def test_a_photo_stays_behind_a_file_of_its_aspect() -> None:
    before = pose_state.over_photo(pose_state.from_poses(some_poses(0)), (640, 600))
    fits = pose_state.from_poses(some_poses(1))
    assert json.loads(pose_state.with_photo_of(fits, before))["photo"] == [300, 320]
    wide = pose_state.from_poses(Poses.empty((100, 300)))
    assert json.loads(pose_state.with_photo_of(wide, before))["photo"] is None


def test_map_is_the_packages_drawing() -> None:
    poses = some_poses(2)
    text = pose_state.from_poses(poses)
    np.testing.assert_array_equal(
        draw_map(text, "xinsir", "as the style", 0, False), draw_poses(poses, "xinsir")
    )
    np.testing.assert_array_equal(
        draw_map(text, "openpose", "with the size", 600, True),
        draw_poses(poses, "openpose", (640, 600), feet=True, thickness="auto"),
    )
    with pytest.raises(gr.Error, match="too large"):
        draw_map(text, "openpose", "double", 100_000, True)
    with pytest.raises(gr.Error, match="style"):
        draw_map(text, "no such style", "double", 0, True)


def test_load_hands_over_pose_and_photo(tmp_path: Path) -> None:
    with gr.Blocks(analytics_enabled=False):
        editor = build_editor_tab(Outbox(tmp_path), Limits())
    photo = np.full((640, 600, 3), 90, np.uint8)
    updates = editor.load([to_openpose_json(some_poses(2))], photo)
    assert len(updates) == len(editor.outputs)
    assert json.loads(updates[0].value)["photo"] == [300, 320]
    assert updates[0].props["photo"].startswith("data:image/jpeg;base64,")
    with pytest.raises(gr.Error, match="people"):
        editor.load({"nothing": 1}, None)


def test_photos_are_shown_small() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (3000, 4000, 3), np.uint8)
    assert len(photo_url(photo // 64 * 64)) < 4_000_000


def test_tables_are_the_packages() -> None:
    tables = json.loads(json.dumps(editor_tables()))
    assert tables["flip"] == FLIP_INDEX.tolist()
    assert len(tables["names"]) == NUM_KEYPOINTS + 1
    assert len(tables["limbs"]) == len(OPENPOSE_LIMBS) + len(OPENPOSE_FOOT_LIMBS)
    assert len(tables["fingers"]) == 2 * len(HAND_LINKS)
    assert tables["followers"]["9"] == list(range(LEFT_HAND.start, LEFT_HAND.stop))
    shoulders_and_head = {0, 1, 2, 3, 4, 5, 6}
    assert shoulders_and_head <= set(tables["followers"]["133"])
    drawn = {end for a, b, _ in tables["limbs"] for end in (a, b)}
    assert drawn == {point for point, _ in tables["joints"]}


def test_preview_colours_are_those_of_the_map() -> None:
    """The middle of each limb of the figure has the table's colour in the package's map."""
    xy = neutral_figure() * 3000 + [1000, 0]
    everyone = Poses([xy], np.ones((1, NUM_KEYPOINTS)), [[0, 0, 1, 1]], [1], (3100, 2000))
    picture = draw_poses(everyone, hands=False, face=False, feet=True)
    points = [*xy, xy[[5, 6]].mean(axis=0)]
    for a, b, colour in editor_tables()["limbs"]:
        x, y = ((points[a] + points[b]) / 2).astype(int)
        assert f"rgb({', '.join(map(str, picture[y, x].tolist()))})" == colour


def test_neutral_figure_is_symmetric_and_complete() -> None:
    figure = neutral_figure()
    np.testing.assert_array_equal(figure[FLIP_INDEX] * [-1, 1], figure)
    assert len({tuple(point) for point in figure.round(6).tolist()}) == NUM_KEYPOINTS
    assert figure[:, 1].min() > 0
    assert figure[:, 1].max() < 1
