"""OpenPose JSON: nothing is lost on the way out and back, and every dialect is read."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dwpose_annotator import Poses, from_openpose_json, to_openpose_json
from dwpose_annotator.openpose_json import SCHEMAS, save_openpose_json
from dwpose_annotator.skeleton import (
    BODY,
    FACE,
    FEET,
    KEYPOINT_NAMES,
    LEFT_HAND,
    OPENPOSE_BODY_NAMES,
    RIGHT_HAND,
)

PART_KEYS = {
    "pose_keypoints_2d": 18,
    "foot_keypoints_2d": 6,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
}
WITH_EXTENSION = [name for name, schema in SCHEMAS.items() if schema.extension]
FINITE = {"allow_nan": False, "allow_infinity": False, "width": 32}


def make_poses(count=2, seed=0, size_hw=(480, 640), tracked=False):
    """People on the canvas; about a third of the scores is below 0.3."""
    rng = np.random.default_rng(seed)
    return Poses(
        (rng.random((count, 133, 2)) * [size_hw[1], size_hw[0]]).astype(np.float32),
        (rng.random((count, 133)) * 0.95 + 0.05).astype(np.float32),
        rng.random((count, 4)).astype(np.float32) * 100,
        rng.random(count).astype(np.float32),
        size_hw,
        np.arange(count) + 7 if tracked else None,
    )


def assert_equal(ours, expected):
    for name in ("xy", "score", "box", "box_score"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(expected, name), err_msg=name)
    assert ours.size_hw == expected.size_hw
    assert (ours.track_id is None) == (expected.track_id is None)
    if expected.track_id is not None:
        np.testing.assert_array_equal(ours.track_id, expected.track_id)


def through_text(value):
    return json.loads(json.dumps(value, allow_nan=False))


def without_extension(frame):
    """As another program would have written it."""
    frame = through_text(frame)
    frame.pop("dwpose", None)
    for person in frame["people"]:
        person.pop("dwpose", None)
    return frame


@st.composite
def any_poses(draw):
    count = draw(st.integers(0, 3))
    numbers = st.floats(**FINITE)
    tracked = draw(st.booleans())
    return Poses(
        draw(hnp.arrays(np.float32, (count, 133, 2), elements=numbers)),
        draw(hnp.arrays(np.float32, (count, 133), elements=numbers)),
        draw(hnp.arrays(np.float32, (count, 4), elements=numbers)),
        draw(hnp.arrays(np.float32, (count,), elements=numbers)),
        (draw(st.integers(1, 5000)), draw(st.integers(1, 5000))),
        draw(hnp.arrays(np.int64, (count,))) if tracked else None,
    )


@settings(max_examples=60, deadline=None)
@given(
    poses=any_poses(),
    schema=st.sampled_from(WITH_EXTENSION),
    scores=st.sampled_from([None, "binary", "real"]),
    coordinates=st.sampled_from(["pixels", "normalized"]),
    threshold=st.floats(-1, 2),
)
def test_round_trip_is_exact(poses, schema, scores, coordinates, threshold):
    frame = to_openpose_json(
        poses, schema=schema, scores=scores, coordinates=coordinates, threshold=threshold
    )
    assert_equal(from_openpose_json(json.dumps(frame, allow_nan=False)), poses)


def test_frames_make_a_list_and_a_list_makes_frames(tmp_path):
    frames = [make_poses(2), Poses.empty((480, 640)), make_poses(1, 1, tracked=True)]
    path = tmp_path / "clip.json"
    save_openpose_json(path, frames)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.json"]
    stored = json.loads(path.read_text())
    assert stored == through_text([to_openpose_json(poses) for poses in frames])
    for source in (path, str(path), path.read_text(), stored):
        read = from_openpose_json(source)
        assert isinstance(read, list)
        for ours, expected in zip(read, frames, strict=True):
            assert_equal(ours, expected)
    one = to_openpose_json(frames[0])
    for source in (one, json.dumps(one)):
        assert_equal(from_openpose_json(source), frames[0])
    assert from_openpose_json([]) == []


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "windows.json"
    path.write_text(json.dumps(to_openpose_json(make_poses())), encoding="utf-8-sig")
    assert_equal(from_openpose_json(path), make_poses())


# ---- what other programs expect of our files --------------------------------------------------


@pytest.mark.parametrize("people", [0, 1, 3])
def test_popular_readers_find_what_they_need(people):
    """The rules of comfyui_controlnet_aux, ComfyUI-SCAIL-Pose and ComfyUI's SDPose nodes."""
    poses = make_poses(people)
    poses.score[:, LEFT_HAND] = 0  # a hand that nobody sees
    frame = through_text(to_openpose_json(poses))
    assert frame["canvas_width"] == 640 and frame["canvas_height"] == 480
    assert len(frame["people"]) == people
    for i, person in enumerate(frame["people"]):
        for key, count in PART_KEYS.items():
            triples = np.array(person[key], np.float32).reshape(count, 3)
            assert set(triples[:, 2].tolist()) <= {0.0, 1.0}
            assert not triples[triples[:, 2] == 0].any()
        body = np.reshape(person["pose_keypoints_2d"], (18, 3))
        for name, (x, y, c) in zip(OPENPOSE_BODY_NAMES, body, strict=True):
            if name == "neck":
                expected, score = poses.xy[i, [5, 6]].mean(axis=0), poses.score[i, [5, 6]].min()
            else:
                point = KEYPOINT_NAMES.index(name)
                expected, score = poses.xy[i, point], poses.score[i, point]
            assert c == (score >= 0.3)
            np.testing.assert_allclose((x, y), expected if c else 0, rtol=1e-6)


def test_pupils_are_the_eyes():
    poses = make_poses(1)
    face = np.reshape(to_openpose_json(poses)["people"][0]["face_keypoints_2d"], (70, 3))
    body = np.reshape(to_openpose_json(poses)["people"][0]["pose_keypoints_2d"], (18, 3))
    np.testing.assert_array_equal(face[68:], body[[14, 15]])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_face_that_is_switched_off_has_no_pupils(schema):
    person = to_openpose_json(make_poses(1), schema=schema, face=False)["people"][0]
    face = person["face_keypoints_2d"]
    assert face is None if SCHEMAS[schema].null_parts else not any(face[2::3]) and len(face) == 210


@pytest.mark.parametrize(
    ("part", "slices"),
    [
        ("body", [BODY]),
        ("feet", [FEET]),
        ("face", [FACE]),
        ("hands", [LEFT_HAND, RIGHT_HAND]),
    ],
)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_part_that_is_switched_off_leaves_no_trace(part, slices, schema):
    poses = make_poses()
    text = json.dumps(to_openpose_json(poses, schema=schema, **{part: False}))
    read = from_openpose_json(text)
    for points in slices:
        assert not read.score[:, points].any()
        assert not read.xy[:, points][read.xy[:, points] != -1].any()
        hidden = {repr(float(x)) for x in poses.xy[:, points].ravel()}
        assert not hidden & set(text.replace("[", " ").replace("]", " ").replace(",", " ").split())


def test_points_that_are_not_finite_are_written_as_missing():
    poses = make_poses(1)
    poses.score[:] = 1
    poses.xy[0, 3, 0], poses.score[0, 4], poses.box[0, 0] = np.nan, np.inf, np.nan
    read = from_openpose_json(json.dumps(to_openpose_json(poses), allow_nan=False))
    assert (read.score[0] == 0).nonzero()[0].tolist() == [3, 4]
    assert np.isfinite(read.box).all()


def test_schemas():
    poses = make_poses(1, tracked=True)
    poses.score[:, RIGHT_HAND] = 0
    frames = {name: to_openpose_json(poses, schema=name) for name in SCHEMAS}
    people = {name: frame["people"][0] for name, frame in frames.items()}
    assert frames["webui"]["animals"] == []
    assert frames["body_25"]["version"] == 1.3
    assert people["body_25"]["person_id"] == [7]
    assert people["body_25"]["pose_keypoints_3d"] == []
    assert len(people["body_25"]["pose_keypoints_2d"]) == 75
    for name in ("controlnet_aux", "webui"):
        assert people[name]["hand_right_keypoints_2d"] is None
        assert "foot_keypoints_2d" not in people[name]
    sdpose = np.reshape(people["sdpose"]["hand_right_keypoints_2d"], (21, 3))
    assert (sdpose == (-1, -1, 0)).all()
    left = np.reshape(people["sdpose"]["hand_left_keypoints_2d"], (21, 3))
    np.testing.assert_array_equal(left[:, 2].astype(np.float32), poses.score[0, LEFT_HAND])


def test_real_scores_keep_every_point():
    poses = make_poses(1)
    frame = without_extension(to_openpose_json(poses, scores="real"))
    read = from_openpose_json(frame)
    np.testing.assert_array_equal(read.xy, poses.xy)
    np.testing.assert_array_equal(read.score, poses.score)
    neck = np.reshape(frame["people"][0]["pose_keypoints_2d"], (18, 3))[1]
    shoulders = poses.score[0, [5, 6]]
    assert neck[2] == (shoulders.min() if (shoulders > 0.3).all() else 0)


# ---- files that were edited ----------------------------------------------------------------------


def edited(change):
    poses = make_poses(1)
    poses.score[0, :17] = 0.8
    poses.score[0, 9] = 0.1  # left wrist, OpenPose point 7
    frame = through_text(to_openpose_json(poses))
    body = np.reshape(frame["people"][0]["pose_keypoints_2d"], (18, 3))
    change(body)
    frame["people"][0]["pose_keypoints_2d"] = body.ravel().tolist()
    return poses, from_openpose_json(frame)


def assert_only_changed(before, after, point):
    others = np.arange(133) != point
    np.testing.assert_array_equal(before.xy[:, others], after.xy[:, others])
    np.testing.assert_array_equal(before.score[:, others], after.score[:, others])


def test_a_moved_point_stays_moved_and_keeps_its_score():
    def move(body):
        body[4, :2] = 12, 34  # right wrist

    before, after = edited(move)
    assert after.xy[0, 10].tolist() == [12, 34]
    assert after.score[0, 10] == before.score[0, 10]
    assert_only_changed(before, after, 10)


def test_a_deleted_point_stays_deleted():
    def delete(body):
        body[4] = 0

    before, after = edited(delete)
    assert after.score[0, 10] == 0
    assert_only_changed(before, after, 10)


def test_an_added_point_counts():
    def add(body):
        assert not body[7].any()
        body[7] = 55, 66, 1

    before, after = edited(add)
    assert after.xy[0, 9].tolist() == [55, 66]
    assert after.score[0, 9] == 1
    assert_only_changed(before, after, 9)


# ---- files of other programs ---------------------------------------------------------------------


def foreign(seed=0, size_hw=(480, 640), **arguments):
    """(poses, frame without our keys)"""
    poses = make_poses(2, seed, size_hw)
    return poses, without_extension(to_openpose_json(poses, **arguments))


@pytest.mark.parametrize("schema", ["pose_keypoint", "controlnet_aux", "webui", "sdpose"])
def test_visible_points_of_other_programs(schema):
    poses, frame = foreign(schema=schema)
    read = from_openpose_json(frame)
    assert read.size_hw == poses.size_hw and read.track_id is None
    seen = poses.score >= 0.3
    if schema in ("controlnet_aux", "webui"):
        assert not read.score[:, FEET].any()
        seen[:, FEET] = False
    np.testing.assert_array_equal(read.xy[seen], poses.xy[seen])
    np.testing.assert_array_equal(read.score >= 0.3, seen)
    shown = np.where((read.score > 0)[..., None], read.xy, np.nan)
    np.testing.assert_array_equal(read.box[:, :2], np.nanmin(shown, axis=1))
    np.testing.assert_array_equal(read.box[:, 2:], np.nanmax(shown, axis=1))
    assert read.box_score.tolist() == [1, 1]


def test_a_person_without_a_point_has_an_empty_box():
    read = from_openpose_json({"people": [{}], "canvas_width": 9, "canvas_height": 8})
    assert len(read) == 1 and not read.score.any() and not read.box.any()


def test_body_25_with_and_without_canvas():
    poses = make_poses(2)
    poses.score[:] = 0.75
    frame = without_extension(to_openpose_json(poses, schema="body_25"))
    body = np.reshape(frame["people"][0]["pose_keypoints_2d"], (25, 3))
    np.testing.assert_allclose(body[8, :2], poses.xy[0, [11, 12]].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(body[19:, :2], poses.xy[0, FEET])
    np.testing.assert_array_equal(body[15, :2], poses.xy[0, KEYPOINT_NAMES.index("right_eye")])
    read = from_openpose_json(frame)
    np.testing.assert_array_equal(read.xy, poses.xy)
    np.testing.assert_array_equal(read.score, poses.score)

    del frame["canvas_width"], frame["canvas_height"]
    assert from_openpose_json(frame, size_hw=(480, 640)).size_hw == (480, 640)
    guessed = from_openpose_json(frame)
    np.testing.assert_array_equal(guessed.xy, poses.xy)
    height, width = guessed.size_hw
    assert (poses.xy < (width, height)).all()
    assert (poses.xy.max(axis=(0, 1)) >= (width - 1, height - 1)).all()


def test_a_guessed_canvas_is_said(caplog):
    _, frame = foreign()
    del frame["canvas_width"]
    from_openpose_json(frame)
    assert "pass size_hw" in caplog.text


def test_frames_without_a_canvas_share_one():
    _, frame = foreign()
    del frame["canvas_width"]
    nobody = {"version": 1.3, "people": []}
    first, second = from_openpose_json([frame, nobody])
    assert first.size_hw == second.size_hw and len(second) == 0
    with pytest.raises(ValueError, match="size_hw"):
        from_openpose_json(nobody)
    assert from_openpose_json(nobody, size_hw=(4, 5)).size_hw == (4, 5)


def test_fractions_are_noticed_once_per_file():
    poses, frame = foreign(coordinates="normalized")
    np.testing.assert_allclose(
        *(p.xy[poses.score >= 0.3] for p in (from_openpose_json(frame), poses)), rtol=1e-6
    )
    # A frame with one person far outside does not make the file one of pixels.
    outside = copy.deepcopy(frame)
    body = np.reshape(outside["people"][0]["pose_keypoints_2d"], (18, 3))
    body[:, :2] += 1.5
    outside["people"][0]["pose_keypoints_2d"] = body.ravel().tolist()
    corner = {
        "people": [{"pose_keypoints_2d": [0.001, 0.5, 1.0] + [0.0] * 51}],
        "canvas_width": 640,
        "canvas_height": 480,
    }
    first, second, third = from_openpose_json([frame, outside, corner])
    assert first.xy.max() > 2 and second.xy.max() > 640
    np.testing.assert_allclose(third.xy[0, 0], (0.64, 240), rtol=1e-6)
    # The same corner alone, in a file of pixels, is a pixel.
    _, pixels = foreign()
    np.testing.assert_allclose(from_openpose_json([pixels, corner])[1].xy[0, 0], (0.001, 0.5))


def test_the_meaning_of_numbers_can_be_forced():
    frame = {
        "people": [{"pose_keypoints_2d": [0.5, 0.25, 1.0] * 18}],
        "canvas_width": 100,
        "canvas_height": 200,
    }
    assert from_openpose_json(frame).xy[0, 0].tolist() == [50, 50]
    assert from_openpose_json(frame, coordinates="pixels").xy[0, 0].tolist() == [0.5, 0.25]
    frame["people"][0]["pose_keypoints_2d"] = [3.0, 2.0, 1.0] * 18
    assert from_openpose_json(frame).xy[0, 0].tolist() == [3, 2]
    assert from_openpose_json(frame, coordinates="normalized").xy[0, 0].tolist() == [300, 400]


def test_swapped_hands_can_be_put_right():
    poses = make_poses()
    frame = to_openpose_json(poses, schema="sdpose")
    for person in frame["people"]:
        left, right = "hand_left_keypoints_2d", "hand_right_keypoints_2d"
        person[left], person[right] = person[right], person[left]
    np.testing.assert_array_equal(from_openpose_json(frame).xy[:, LEFT_HAND], poses.xy[:, 112:])
    fixed = from_openpose_json(frame, fix_swapped_hands=True)
    np.testing.assert_array_equal(fixed.xy, poses.xy)
    np.testing.assert_array_equal(fixed.score, poses.score)


def test_minus_one_is_missing_only_in_files_of_others():
    poses = make_poses(1)
    poses.score[:] = 1
    poses.xy[0, 3] = -1
    frame = to_openpose_json(poses)
    assert_equal(from_openpose_json(through_text(frame)), poses)
    read = from_openpose_json(without_extension(frame))
    assert (read.score == 0).nonzero()[1].tolist() == [3]


def test_null_absent_empty_and_nested_parts():
    poses, frame = foreign(scores="real")
    person = frame["people"][0]
    person["hand_left_keypoints_2d"] = None
    person["hand_right_keypoints_2d"] = []
    del person["foot_keypoints_2d"]
    person["face_keypoints_2d"] = np.reshape(person["face_keypoints_2d"], (70, 3))[:68].tolist()
    nested = np.reshape(person["pose_keypoints_2d"], (18, 3)).tolist()
    nested[0] = None
    nested[15] = nested[15][:2]
    person["pose_keypoints_2d"] = nested
    read = from_openpose_json(frame)
    for part in (LEFT_HAND, RIGHT_HAND, FEET):
        assert not read.score[0, part].any()
    np.testing.assert_array_equal(read.xy[0, FACE], poses.xy[0, FACE])
    assert read.score[0, 0] == 0
    assert read.score[0, 1] == 1  # left eye, a point without c
    np.testing.assert_array_equal(read.xy[0, 1:17], poses.xy[0, 1:17])
    np.testing.assert_array_equal(read.score[0, 2:17], poses.score[0, 2:17])


def test_animals_are_nobody():
    frame = {"version": "ap10k", "animals": [[[1, 2, 1]] * 17], "canvas_height": 4}
    assert len(from_openpose_json({**frame, "canvas_width": 6})) == 0
    assert from_openpose_json({"people": None, "canvas_width": 6, "canvas_height": 4}).xy.size == 0


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([[3], [5]], [3, 5]),
        ([3, 5], [3, 5]),
        ([[-1], [-1]], None),
        ([[3], [-1]], None),
        ([[], None], None),
    ],
)
def test_person_ids(ids, expected):
    _, frame = foreign()
    for person, person_id in zip(frame["people"], ids, strict=True):
        person["person_id"] = person_id
    track_id = from_openpose_json(frame).track_id
    assert (None if track_id is None else track_id.tolist()) == expected


# ---- files that are wrong ------------------------------------------------------------------------

CANVAS = {"canvas_width": 64, "canvas_height": 64}


def one_person(**keys):
    return {"people": [keys], **CANVAS}


WRONG = [
    ({"canvas_width": 4}, 'must have "people"'),
    ({"people": 3}, r"frame 0\.people must be a list"),
    ({"people": [None], **CANVAS}, r"people\[0\] must be a dict"),
    ([{"people": []}, 3], "frame 1 must be a dict"),
    ({"people": [], "canvas_width": 0, "canvas_height": 4}, "canvas_width"),
    ({"people": [], "canvas_width": 4, "canvas_height": "4"}, "canvas_height"),
    ({"people": [], "canvas_width": float("inf"), "canvas_height": 4}, "canvas_width"),
    (one_person(pose_keypoints_2d=[1.0] * 53), "53 numbers"),
    (one_person(pose_keypoints_2d=[1.0] * 51), "18 or 25 points, but has 17"),
    (one_person(face_keypoints_2d=[1.0] * 63), "68 or 70 points"),
    (one_person(hand_left_keypoints_2d=[1.0] * 60), "hand_left_keypoints_2d must have 21"),
    (one_person(pose_keypoints_2d=[float("nan")] * 54), "finite"),
    (one_person(pose_keypoints_2d=[float("inf")] * 54), "finite"),
    (one_person(pose_keypoints_2d=[1e39] * 54), "finite"),
    (one_person(pose_keypoints_2d=[10**400] * 54), "numbers only"),
    (one_person(pose_keypoints_2d=["1"] * 54), "numbers only"),
    (one_person(pose_keypoints_2d=[None] * 54), "numbers only"),
    (one_person(pose_keypoints_2d=[[1, 2, 3, 4]] * 18), "nested point"),
    (one_person(pose_keypoints_2d=[[[1], 2, 3]] * 18), "numbers only"),
    (one_person(pose_keypoints_2d="1, 2, 3"), "must be a list"),
    (one_person(person_id=["a"]), "an id must be"),
    (one_person(person_id=[0.5]), "an id must be"),
    (one_person(person_id=[2**64]), "an id must be"),
    (one_person(dwpose={"scores": [1.0] * 7}), "list of 133 numbers"),
    (one_person(dwpose={"scores": [1.0] * 133}), r"dwpose\.hidden"),
    (one_person(dwpose=3), "dwpose must be a dict"),
    ({"people": [], "dwpose": {"coordinates": "inches"}, **CANVAS}, "inches"),
]


@pytest.mark.parametrize(("value", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_files_are_refused_with_the_place(value, message):
    with pytest.raises(ValueError, match=message):
        from_openpose_json(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scores", [float("nan")] * 133),
        ("hidden", [[133, 0, 0]]),
        ("hidden", [[0.5, 0, 0]]),
        ("hidden", [[1, 2]]),
        ("box", [1, 2, 3]),
        ("box_score", None),
        ("track_id", "x"),
    ],
)
def test_wrong_extensions_are_refused(key, value):
    frame = through_text(to_openpose_json(make_poses(1, tracked=True)))
    frame["people"][0]["dwpose"][key] = value
    with pytest.raises(ValueError, match="dwpose"):
        from_openpose_json(frame)


@pytest.mark.parametrize(
    "text", ["{", "[1,", '{"people": [NaN]}', '{"people": [-Infinity]}', "[" * 100_000]
)
def test_text_that_is_not_json(text, tmp_path):
    with pytest.raises(ValueError, match="JSON text: not valid JSON"):
        from_openpose_json(text)
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"broken\.json: not valid JSON"):
        from_openpose_json(path)


def test_files_that_are_no_text(tmp_path):
    path = tmp_path / "photo.json"
    path.write_bytes(b"\x89PNG\r\n\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"photo\.json"):
        from_openpose_json(path)
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        from_openpose_json(tmp_path / "missing.json")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(
    key=st.sampled_from(
        ["people", "canvas_width", "dwpose", "person_id", "pose_keypoints_2d", "face_keypoints_2d"]
    ),
    value=JSON_VALUES,
)
def test_anything_is_read_or_refused(key, value):
    """Nothing but ValueError comes out, whatever stands at a known place."""
    frame = {"people": [{"pose_keypoints_2d": [1.0, 2.0, 1.0] * 18}], **CANVAS}
    (frame if key in ("people", "canvas_width") else frame["people"][0])[key] = value
    try:
        read = from_openpose_json(frame)
    except ValueError:
        return
    assert np.isfinite(read.xy).all() and np.isfinite(read.score).all()


@pytest.mark.parametrize(
    "arguments", [{"schema": "coco"}, {"scores": "some"}, {"coordinates": "inches"}]
)
def test_unknown_options_are_named(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        to_openpose_json(make_poses(), **arguments)
    if "coordinates" in arguments:
        with pytest.raises(ValueError, match="auto"):
            from_openpose_json(to_openpose_json(make_poses()), **arguments)
