"""The nodes in a stand-in ComfyUI with fake networks: every input, every promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dwpose_annotator import defaults
from tests.comfy_pack import comfyui, load_fake, picture, run_node, scattered_annotator


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


def shown_json(output):
    (text,) = output.ui["openpose_json"]
    return json.loads(text)


# ---- Load ---------------------------------------------------------------------------------------
def test_load_says_what_really_runs(core):
    output = load_fake(core, "fake-two.onnx")
    assert output[1] == "CPUExecutionProvider"
    assert output.ui == {"text": ("runs on CPU",)}
    assert core.server.PromptServer.instance.texts[-1] == ("7", "runs on CPU")


def test_a_node_runs_without_a_server(core):
    node = core.classes["DWPoseAnnotatorLoad"]
    choices = ("fake-pose.onnx", "fake-two.onnx", "cpu")
    assert node.execute(*choices)[1] == "CPUExecutionProvider"


# ---- Estimate -----------------------------------------------------------------------------------
def test_estimate_finds_both_people_in_every_frame(estimate):
    output = estimate(picture(3))
    frames, poses, count, boxes = output.args
    assert [len(frame["people"]) for frame in frames] == [2, 2, 2]
    assert shown_json(output) == frames
    assert count == 2
    assert [len(frame) for frame in poses] == [2, 2, 2]
    for frame in boxes:
        assert [round(box["x"]) for box in frame] == [50, 170]
        assert [(round(box["width"]), round(box["height"])) for box in frame] == [
            (60, 200),
            (100, 220),
        ]
    np.testing.assert_allclose(poses[2].xy[0, 0], (80, 120), atol=12)
    np.testing.assert_allclose(poses[2].xy[1, 0], (220, 120), atol=12)


@pytest.mark.parametrize(
    "inputs, lefts",
    [
        ({"person_threshold": 0.7}, [50]),
        ({"max_people": 1}, [50]),
        ({"person_order": "largest", "max_people": 1}, [170]),
        ({"person_order": "left-to-right", "person_indices": "-1"}, [170]),
        ({"person_indices": "1,0"}, [170, 50]),
        ({"boxes": {"x": 5, "y": 6, "width": 50, "height": 60}}, [5]),
        ({"boxes": []}, []),
    ],
)
def test_people_are_chosen(estimate, inputs, lefts):
    boxes = estimate(**inputs)[3]
    assert [round(box["x"]) for box in boxes[0]] == lefts


def test_a_mask_chooses_people(estimate):
    mask = torch.zeros(1, 64, 64)
    mask[:, :, 32:] = 1
    assert [round(box["x"]) for box in estimate(mask=mask)[3][0]] == [170]


def test_detect_every_gives_the_same_people(estimate):
    sparse, dense = estimate(picture(7), detect_every=3)[1], estimate(picture(7))[1]
    for a, b in zip(sparse, dense, strict=True):
        np.testing.assert_allclose(a.box, b.box, atol=1e-3)
        np.testing.assert_allclose(a.xy, b.xy, atol=1)


def test_nobody_is_an_empty_list_and_does_not_stop_the_graph(core, estimate, nobody):
    frames, _, count, boxes = estimate(picture(2), model=nobody).args
    assert [frame["people"] for frame in frames] == [[], []]
    assert (count, boxes) == (0, [[], []])
    drawn = run_node(core, "DWPoseAnnotatorDraw", pose_keypoint=frames)[0]
    assert drawn.shape == (2, 320, 320, 3)
    assert not drawn.any()


def test_whole_image_if_nobody_is_an_option(estimate, nobody):
    boxes = estimate(model=nobody, whole_image_if_nobody=True)[3]
    assert boxes == [[{"x": 0, "y": 0, "width": 320, "height": 320}]]


@pytest.mark.parametrize("threshold, visible", [(0.0, 21), (0.3, 17), (0.7, 8), (1.0, 4)])
def test_keypoint_threshold_decides_what_others_and_draw_see(core, estimate, threshold, visible):
    frames = estimate(model=scattered_annotator(), keypoint_threshold=threshold)[0]
    hand = np.reshape(frames[0]["people"][0]["hand_left_keypoints_2d"], (21, 3))
    assert hand[:, 2].sum() == visible
    (read,) = core.part("pose_keypoint").from_pose_keypoint(frames)
    assert (read.score[0, 91:112] >= 0.3).sum() == visible


def test_stop_in_the_middle_of_a_clip(core, estimate, monkeypatch):
    def stop_at_five(value, total, preview):
        del preview
        assert total == 40
        if value == 5:
            core.management.interrupt_current_processing()

    monkeypatch.setattr(core.utils, "PROGRESS_BAR_HOOK", stop_at_five)
    with pytest.raises(core.management.InterruptProcessingException):
        estimate(picture(40))


# ---- One node -----------------------------------------------------------------------------------
@pytest.fixture
def one_node(core, two):
    return lambda image=None, model=two, **inputs: run_node(
        core,
        "DWPoseAnnotator",
        image=picture() if image is None else image,
        model=model,
        **inputs,
    )


def test_one_node_has_the_inputs_people_know(core):
    inputs = core.classes["DWPoseAnnotator"].GET_SCHEMA().inputs
    assert [i.id for i in inputs] == [
        "image",
        "detect_hand",
        "detect_body",
        "detect_face",
        "resolution",
        "bbox_detector",
        "pose_estimator",
        "scale_stick_for_xinsr_cn",
        "model",
    ]
    options = {i.id: set(i.options) for i in inputs if i.io_type == "COMBO"}
    assert options["bbox_detector"] >= {"None", "yolox_l.onnx", "yolox_l.torchscript.pt"}
    assert options["pose_estimator"] >= {
        "dw-ll_ucoco_384_bs5.torchscript.pt",
        "dw-ll_ucoco_384.onnx",
        "dw-ll_ucoco.onnx",
    }
    assert options["detect_hand"] == {"enable", "disable"}


def test_one_node_draws_at_the_resolution_and_keeps_the_aspect(one_node):
    output = one_node(picture(2, height=480, width=320), resolution=128)
    assert output[0].shape == (2, 192, 128, 3)
    assert output[0].dtype == torch.float32
    assert output[0].any()
    frame = output[1][0]
    assert (frame["canvas_height"], frame["canvas_width"]) == (480, 320)
    assert shown_json(output) == output[1]
    assert len(output.ui["images"]) == 2


def test_a_long_clip_writes_few_previews(one_node):
    assert len(one_node(picture(33), resolution=64).ui["images"]) == 4


def test_where_nothing_can_be_shown_the_map_still_comes(core, one_node, monkeypatch):
    monkeypatch.delattr(core.part("images").ui, "PreviewImage")
    output = one_node()
    assert output[0].any()
    assert list(output.ui) == ["openpose_json"]


@pytest.mark.parametrize(
    "switch, keys",
    [
        ("detect_body", ["pose_keypoints_2d"]),
        ("detect_hand", ["hand_left_keypoints_2d", "hand_right_keypoints_2d"]),
        ("detect_face", ["face_keypoints_2d"]),
    ],
)
def test_a_part_that_is_off_is_neither_drawn_nor_in_the_json(one_node, switch, keys):
    model = scattered_annotator()
    on, off = one_node(model=model), one_node(model=model, **{switch: "disable"})
    assert off[0].sum() < on[0].sum()
    for key in keys:
        assert any(on[1][0]["people"][0][key])
        assert not any(off[1][0]["people"][0][key])


def test_xinsir_maps_have_thicker_sticks(one_node):
    model = scattered_annotator()
    plain = one_node(model=model, resolution=1024)[0]
    thick = one_node(model=model, resolution=1024, scale_stick_for_xinsr_cn="enable")[0]
    assert plain.shape == thick.shape == (1, 1024, 1024, 3)
    assert thick.sum() > 1.2 * plain.sum()


def test_names_of_old_graphs_load_the_same_networks(core, two, monkeypatch):
    loaded = []
    all_in_one = core.part("all_in_one")
    monkeypatch.setattr(
        all_in_one,
        "load_annotator",
        lambda *choices: loaded.append(choices) or two,
    )
    run_node(
        core,
        "DWPoseAnnotator",
        image=picture(),
        bbox_detector="yolox_l.torchscript.pt",
        pose_estimator="dw-ll_ucoco_384_bs5.torchscript.pt",
    )
    run_node(core, "DWPoseAnnotator", image=picture(), bbox_detector="None")
    assert loaded == [("dw-ll_ucoco_384", "yolox_l", "auto"), (defaults.POSE, "none", "auto")]


# ---- Draw ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "size, expected",
    [
        ({}, (320, 320)),
        ({"width": 640}, (640, 640)),
        ({"height": 100}, (100, 100)),
        ({"width": 200, "height": 100}, (100, 200)),
    ],
)
def test_draw_at_any_size(core, estimate, size, expected):
    output = run_node(core, "DWPoseAnnotatorDraw", pose_keypoint=estimate()[0], **size)
    assert output[0].shape == (1, *expected, 3)
    assert output[0].any()
    assert output.ui["images"]


def test_draw_equals_the_package(core, estimate):
    from dwpose_annotator import draw_poses

    frames, poses = estimate().args[:2]
    drawn = run_node(core, "DWPoseAnnotatorDraw", pose_keypoint=frames, style="xinsir", feet=True)
    expected = draw_poses(poses[0], "xinsir", feet=True)
    np.testing.assert_array_equal(drawn[0][0].mul(255).round().byte().numpy(), expected)


def test_draw_nothing_is_a_small_black_picture(core):
    assert run_node(core, "DWPoseAnnotatorDraw", pose_keypoint=[])[0].shape == (1, 64, 64, 3)
