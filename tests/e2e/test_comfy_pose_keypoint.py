"""POSE_KEYPOINT through the nodes: retargeted, saved, loaded, and read by other packs' rules."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.comfy_pack import comfyui, load_fake, picture, run_node


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    with comfyui(tmp_path_factory.mktemp("comfyui")) as core:
        yield core


@pytest.fixture(scope="module")
def two(core):
    return load_fake(core, "fake-two.onnx")[0]


@pytest.fixture(scope="module")
def nobody(core):
    return load_fake(core, "fake-nobody.onnx")[0]


@pytest.fixture
def estimate(core, two):
    def run(image=None, model=two, **inputs):
        image = picture() if image is None else image
        return run_node(core, "DWPoseAnnotatorEstimate", model=model, image=image, **inputs)

    return run


# ---- Retarget -----------------------------------------------------------------------------------
def test_retarget_to_the_same_poses_changes_nothing(core, estimate):
    frames = estimate(picture(2))[0]
    output = run_node(core, "DWPoseAnnotatorRetarget", pose_keypoint=frames, reference=frames)
    for before, after in zip(frames, output[0], strict=True):
        for a, b in zip(before["people"], after["people"], strict=True):
            np.testing.assert_allclose(a["pose_keypoints_2d"], b["pose_keypoints_2d"], atol=1e-2)


def test_retarget_takes_over_the_canvas_of_the_reference(core, estimate):
    motion, body = estimate()[0], estimate(picture(height=480, width=640))[0]
    output = run_node(core, "DWPoseAnnotatorRetarget", pose_keypoint=motion, reference=body)
    assert output[0][0]["canvas_width"] == 640
    kept = run_node(
        core, "DWPoseAnnotatorRetarget", pose_keypoint=motion, reference=body, align=False
    )
    assert kept[0][0]["canvas_width"] == 320


def test_a_reference_that_shows_nobody_changes_nothing(core, estimate, nobody, caplog):
    motion, empty = estimate()[0], estimate(model=nobody)[0]
    output = run_node(core, "DWPoseAnnotatorRetarget", pose_keypoint=motion, reference=empty)
    assert output[0] == motion
    assert "the reference shows nobody" in caplog.text


# ---- Save and load ------------------------------------------------------------------------------
def test_json_files_are_numbered_and_come_back_whole(core, estimate):
    frames = estimate(picture(3))[0]
    paths = [run_node(core, "DWPoseAnnotatorSaveJSON", pose_keypoint=frames)[0] for _ in range(2)]
    names = [path.rsplit("/", 1)[1] for path in paths]
    assert names == ["pose_00001_.json", "pose_00002_.json"]
    loaded = run_node(core, "DWPoseAnnotatorLoadJSON", file=f"poses/{names[0]} [output]")
    assert loaded.args == (frames, 3)


def test_a_changed_file_is_read_again(core):
    file = core.base / "input" / "pose.json"
    node = core.classes["DWPoseAnnotatorLoadJSON"]
    prints = []
    for text in ("[]", "[] "):
        file.write_text(text)
        prints.append(node.fingerprint_inputs(file="pose.json"))
    assert prints[0] != prints[1]
    assert node.fingerprint_inputs(file="pose.json") == prints[1]
    assert node.fingerprint_inputs(file="(none)") == (0, 0)


def test_saving_outside_the_output_folder_is_refused(core, estimate):
    with pytest.raises(Exception, match="outside the output folder"):
        run_node(
            core,
            "DWPoseAnnotatorSaveJSON",
            pose_keypoint=estimate()[0],
            filename_prefix="../../etc/pose",
        )


def test_pasted_json_wins_and_broken_json_is_named(core, estimate):
    frames = estimate()[0]
    loaded = run_node(core, "DWPoseAnnotatorLoadJSON", json_text=json.dumps(frames[0]))
    assert loaded.args == (frames, 1)
    with pytest.raises(ValueError, match="json_text: Expecting"):
        run_node(core, "DWPoseAnnotatorLoadJSON", json_text="[{")
    with pytest.raises(ValueError, match=r"choose a \.json file"):
        run_node(core, "DWPoseAnnotatorLoadJSON")


# ---- Other packs --------------------------------------------------------------------------------
LENGTHS = {
    "pose_keypoints_2d": 18,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
}


@pytest.fixture
def frames(estimate):
    return estimate(picture(2))[0]


def test_readers_find_full_lists_of_points_that_count_or_do_not(frames):
    """comfyui_controlnet_aux drops c < 1; the SCAIL converter wants exact lengths and no null."""
    assert isinstance(frames, list)
    for person in (person for frame in frames for person in frame["people"]):
        for key, count in LENGTHS.items():
            points = np.array(person[key], dtype=np.float64).reshape(count, 3)
            assert set(points[:, 2]) <= {0.0, 1.0}
            assert not points[points[:, 2] == 0].any()
            assert np.isfinite(points).all()


def test_comfyui_can_draw_the_feet(frames):
    """SDPose's drawer takes the canvas of the first frame for all, and six foot points."""
    assert {(f["canvas_height"], f["canvas_width"]) for f in frames} == {(320, 320)}
    for person in frames[0]["people"]:
        assert np.array(person["foot_keypoints_2d"]).reshape(6, 3).shape == (6, 3)


def test_true_scores_stand_beside(core, estimate):
    written, poses = estimate().args[:2]
    (read,) = core.part("pose_keypoint").from_pose_keypoint(json.loads(json.dumps(written)))
    np.testing.assert_allclose(read.score, poses[0].score, atol=1e-6)
    np.testing.assert_allclose(read.xy, poses[0].xy, atol=1e-3)


def points(count, first, c=1.0):
    """Flat x, y, c of ``count`` points in a diagonal row that begins at ``first``."""
    return [number for i in range(count) for number in (first + i, first + 2 * i, c)]


def test_poses_of_comfyui_controlnet_aux_with_nulls_and_empty_frames(core):
    person = {
        "pose_keypoints_2d": points(18, 100),
        "face_keypoints_2d": None,
        "hand_left_keypoints_2d": points(21, 10),
        "hand_right_keypoints_2d": None,
    }
    theirs = [
        {"people": [person], "canvas_height": 300, "canvas_width": 200},
        {"people": [], "canvas_height": 300, "canvas_width": 200},
    ]
    drawn = run_node(core, "DWPoseAnnotatorDraw", pose_keypoint=theirs)[0]
    assert drawn.shape == (2, 300, 200, 3)
    assert drawn[0].any()
    assert not drawn[1].any()


def test_swapped_hands_of_comfyui_are_put_right_on_request(core):
    person = {
        "pose_keypoints_2d": points(18, 100, 0.9),
        "foot_keypoints_2d": [-1, -1, 0] * 6,
        "face_keypoints_2d": [-1, -1, 0] * 70,
        "hand_right_keypoints_2d": points(21, 10, 0.8),
        "hand_left_keypoints_2d": points(21, 150, 0.7),
    }
    theirs = [{"canvas_width": 200, "canvas_height": 300, "people": [person]}]
    lefts = []
    for fix in (False, True):
        loaded = run_node(
            core,
            "DWPoseAnnotatorLoadJSON",
            json_text=json.dumps(theirs),
            fix_swapped_hands=fix,
        )
        ours = loaded[0][0]["people"][0]
        lefts.append(ours["hand_left_keypoints_2d"][0])
        assert not any(ours["face_keypoints_2d"][: 68 * 3])  # the last two are the body's eyes
    assert lefts == [150, 10]


def test_normalised_points_of_old_editors(core):
    person = {"pose_keypoints_2d": [number / 100 for number in points(18, 10, 100)]}
    theirs = {"people": [person], "canvas_width": 200, "canvas_height": 300}
    for coordinates in ("auto", "normalized"):
        loaded = run_node(
            core,
            "DWPoseAnnotatorLoadJSON",
            json_text=json.dumps(theirs),
            coordinates=coordinates,
        )
        x, y, c = loaded[0][0]["people"][0]["pose_keypoints_2d"][:3]
        assert (x, y, c) == pytest.approx((20, 30, 1), abs=1e-4)
