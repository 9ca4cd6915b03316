"""Boxes, crops and tables equal the reference's (the augmentations are in test_transforms.py)."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from dwpose_annotator import crop, skeleton
from dwpose_annotator.types import Boxes

CROP_WH = {"256": (192, 256), "384": (288, 384)}
TAGS = list(CROP_WH)
OPENCV_MAJOR = int(cv2.__version__.split(".")[0])
# Matrices agree to this share of their largest entry (README of the golden set, section 4).
MATRIX_TOLERANCE = 3e-6


@pytest.fixture(scope="module")
def golden(parity_dir):
    with np.load(parity_dir / "geometry" / "geometry.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def info(parity_dir):
    return json.loads((parity_dir / "geometry" / "info.json").read_text())


@pytest.fixture(scope="module")
def image(info, recreate):
    made = info["synthetic"]
    return recreate.synth_image(made["seed"], made["H"], made["W"])


def _matrices(golden, tag, rotations):
    center, scale = crop.box_to_center_scale(golden["boxes_xyxy"])
    scale = crop.fix_aspect(scale, CROP_WH[tag])
    return [
        crop.affine_to_crop(*box, CROP_WH[tag], rotation)
        for *box, rotation in zip(center, scale, rotations, strict=True)
    ]


def _assert_matrices_close(ours, theirs):
    for mine, reference in zip(ours, theirs, strict=True):
        limit = MATRIX_TOLERANCE * np.abs(reference).max()
        np.testing.assert_allclose(mine, reference, atol=limit, rtol=0)


@pytest.mark.parametrize("tag", TAGS)
def test_center_and_scale(tag, golden):
    center, scale = crop.box_to_center_scale(golden["boxes_xyxy"])

    np.testing.assert_allclose(center, golden[f"center_{tag}"], atol=1e-3)
    np.testing.assert_allclose(scale, golden[f"scale_padded_{tag}"], atol=1e-3)
    fixed = crop.fix_aspect(scale, CROP_WH[tag])
    np.testing.assert_allclose(fixed, golden[f"scale_fixed_{tag}"], atol=1e-3)


@pytest.mark.parametrize("tag", TAGS)
def test_matrices_with_rotation(tag, golden):
    _assert_matrices_close(_matrices(golden, tag, golden["rotation_deg"]), golden[f"matrix_{tag}"])


@pytest.mark.parametrize("tag", TAGS)
def test_matrices_of_the_onnx_annotator(tag, golden):
    still = np.zeros(len(golden["boxes_xyxy"]))
    _assert_matrices_close(_matrices(golden, tag, still), golden[f"matrix_onnx_rot0_{tag}"])


@pytest.mark.parametrize("tag", TAGS)
def test_points_into_the_crop(tag, golden):
    for xy, matrix, expected in zip(
        golden["keypoints"],
        golden[f"matrix_{tag}"],
        golden[f"transformed_keypoints_{tag}"],
        strict=True,
    ):
        limit = MATRIX_TOLERANCE * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(crop.transform_points(xy, matrix), expected, atol=limit, rtol=0)


@pytest.mark.parametrize("tag", TAGS)
def test_crops(tag, golden, image):
    major = 5 if OPENCV_MAJOR >= 5 else 4
    for matrix, expected in zip(
        golden[f"matrix_{tag}"], golden[f"crops_cv{major}_sub_{tag}"], strict=True
    ):
        cut = crop.warp_crop(image, matrix, CROP_WH[tag])[5::16, 3::16]
        np.testing.assert_array_equal(cut, expected)


@pytest.mark.parametrize("tag", TAGS)
def test_crop_people_cuts_the_boxes(tag, golden, image):
    people = np.flatnonzero(golden["rotation_deg"] == 0)
    crops = crop.crop_people(image, Boxes.from_xyxy(golden["boxes_xyxy"][people]), CROP_WH[tag])

    _assert_matrices_close(crops.image_to_crop, golden[f"matrix_{tag}"][people])
    major = 5 if OPENCV_MAJOR >= 5 else 4
    expected = golden[f"crops_cv{major}_sub_{tag}"][people]
    difference = np.abs(crops.pixels[:, 5::16, 3::16].astype(int) - expected)
    # Last-digit differences of the matrices may round a pixel the other way.
    assert difference.max() <= 6
    assert difference.mean() <= 0.5


@pytest.mark.parametrize("tag", TAGS)
def test_points_back_to_the_image(tag, golden):
    matrices = golden[f"matrix_onnx_rot0_{tag}"]
    points = np.broadcast_to(
        golden[f"onnx_back_crop_points_{tag}"], golden[f"onnx_back_image_points_{tag}"].shape
    )
    back = crop.crop_to_image(points, matrices.astype(np.float32))
    np.testing.assert_allclose(back, golden[f"onnx_back_image_points_{tag}"], atol=1e-3, rtol=0)


def test_annotated_people_of_a_photo(golden, info, parity_dir):
    assert info["real_crops"]
    for number, real in enumerate(info["real_crops"]):
        stored = cv2.imread(str(parity_dir / "geometry" / f"real_crop{number}_cv5.png"))
        wh = stored.shape[1::-1]
        center, scale = crop.box_to_center_scale(np.array([real["bbox_xyxy"]]))
        matrix = crop.affine_to_crop(center[0], crop.fix_aspect(scale, wh)[0], wh)
        _assert_matrices_close([matrix], [np.array(real["matrix"])])
        xy = crop.transform_points(golden[f"real_crop{number}_keypoints_image"], matrix)
        visible = golden[f"real_crop{number}_visible"] > 0
        expected = golden[f"real_crop{number}_keypoints_crop"]
        np.testing.assert_allclose(xy[visible], expected[visible], atol=1e-3, rtol=0)


def test_tables(golden, info):
    assert list(skeleton.KEYPOINT_NAMES) == info["keypoint_names"]
    np.testing.assert_array_equal(skeleton.FLIP_INDEX, golden["flip_indices"])
    np.testing.assert_array_equal(np.float32(skeleton.SIGMAS), golden["sigmas"])
    ours = {tuple(sorted(link)) for link in skeleton.WHOLEBODY_LINKS}
    assert ours == {tuple(sorted(link)) for link in golden["skeleton"].tolist()}
