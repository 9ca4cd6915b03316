"""The drop-in for controlnet_aux, against the installed library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dwpose_annotator import load_image
from dwpose_annotator.integrations.controlnet_aux import DWposeDetector, register
from dwpose_annotator.resize import output_size_hw, resize_for_controlnet
from dwpose_annotator.skeleton import to_openpose

PHOTOS = sorted(Path(__file__).parents[2].joinpath("examples/images").glob("*.jpg"))
LIBRARY_THRESHOLD = 0.3  # below it the library leaves a point out


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("controlnet_aux", reason="pip install --no-deps controlnet_aux")
    import controlnet_aux.dwpose
    import controlnet_aux.util

    return controlnet_aux


@pytest.fixture(scope="module")
def detector() -> DWposeDetector:
    return DWposeDetector.from_pretrained("lllyasviel/Annotators").to("cpu")


def library_drawing(library, poses) -> np.ndarray:
    """The library's own drawing of our keypoints, handed over as its detector does."""
    height, width = poses.size_hw
    points = to_openpose(poses.xy.astype(np.float64), poses.score)
    size = np.array([width, height], np.float64)

    def part(xy, score):
        return np.where((score < LIBRARY_THRESHOLD)[..., None], -1, xy / size)

    people = len(poses)
    numbers = np.arange(18 * people).reshape(people, 18)
    subset = np.where(points.body_score > LIBRARY_THRESHOLD, numbers, -1)
    hands_xy = np.concatenate([points.left_hand, points.right_hand])
    hands_score = np.concatenate([points.left_hand_score, points.right_hand_score])
    return library.dwpose.draw_pose(
        {
            "bodies": {
                "candidate": part(points.body, points.body_score).reshape(-1, 2),
                "subset": subset,
            },
            "faces": part(points.face, points.face_score),
            "hands": part(hands_xy, hands_score),
        },
        height,
        width,
    )


@settings(max_examples=150, deadline=None)
@given(
    height=st.integers(33, 900),
    width=st.integers(33, 900),
    resolution=st.sampled_from((256, 512, 640, 768)),
)
def test_sizes_are_the_librarys(library, height, width, resolution):
    image = np.zeros((height, width, 3), np.uint8)
    expected = library.util.resize_image(image, resolution)
    assert output_size_hw((height, width), resolution) == expected.shape[:2]


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_resized_photos_are_the_librarys(library, photo):
    image = load_image(photo)
    for resolution in (320, 512):
        expected = library.util.resize_image(image, resolution)
        np.testing.assert_array_equal(resize_for_controlnet(image, resolution), expected)


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_maps_equal_the_librarys_drawing_of_the_same_keypoints(library, detector, photo):
    with Image.open(photo) as image:
        pose_map = detector(image, detect_resolution=384, image_resolution=384)
    resized = resize_for_controlnet(load_image(photo), 384)
    poses = detector.annotator.estimate(resized)
    assert isinstance(pose_map, Image.Image) and len(poses)
    np.testing.assert_array_equal(np.asarray(pose_map), library_drawing(library, poses))


def test_the_output_has_the_image_resolution(detector):
    for image_resolution in (256, 512):
        pose_map = detector(
            PHOTOS[0], detect_resolution=320, image_resolution=image_resolution, output_type="np"
        )
        assert isinstance(pose_map, np.ndarray) and min(pose_map.shape[:2]) == image_resolution


def test_parts_can_be_left_out(detector):
    def draw(**parts):
        return detector(PHOTOS[0], detect_resolution=320, image_resolution=320, **parts)

    def lit(pose_map):
        return int((np.asarray(pose_map) > 0).any(axis=2).sum())

    whole, body = draw(), draw(include_hand=False, include_face=False)
    face = draw(include_body=False, include_hand=False)
    assert lit(whole) > lit(body) > lit(face) > 0
    assert lit(draw(hand_and_face=False)) == lit(body)
    assert lit(draw(include_body=False, include_hand=False, include_face=False)) == 0


def test_nobody_gives_a_black_map(detector):
    pose_map = detector(np.full((320, 320, 3), 127, np.uint8), output_type="np")
    assert pose_map.shape == (512, 512, 3) and not pose_map.any()


def test_wrong_arguments_are_explained():
    with pytest.raises(ValueError, match="must be None"):
        DWposeDetector(det_config="yolox.py")
    with pytest.raises(ValueError, match="output_type"):
        DWposeDetector()(PHOTOS[0], output_type="latent")


@pytest.mark.usefixtures("library")
def test_the_librarys_processor_works_after_register():
    script = f"""
import numpy as np
from PIL import Image
from dwpose_annotator.integrations.controlnet_aux import DWposeDetector, register
register()
import controlnet_aux
from controlnet_aux.processor import Processor
assert controlnet_aux.DWposeDetector is DWposeDetector
pose_map = Processor("dwpose")(Image.open({str(PHOTOS[0])!r}), to_pil=True)
assert np.asarray(pose_map).any(), "an empty map"
print(pose_map.size)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().startswith("(")


def test_without_the_library_register_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "controlnet_aux", None)
    with pytest.raises(ImportError, match="pip install controlnet-aux"):
        register()
