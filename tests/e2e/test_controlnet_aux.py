"""The drop-in against the installed controlnet_aux: same sizes, same pixels, and its Processor."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dwpose_annotator import Annotator, Poses, WeightsError, load_image
from dwpose_annotator.errors import DeviceError
from dwpose_annotator.integrations.controlnet_aux import DWposeDetector, register
from tests.conftest import REPO

PHOTO = REPO / "examples" / "images" / "lunge.jpg"
# COCO index behind each body point of the library, whose point 1 (the neck) COCO does not have.
LIBRARY_BODY = [0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]


@pytest.fixture(scope="module")
def library() -> ModuleType:
    """Importing it loads all of its detectors, which warns about many old imports."""
    return pytest.importorskip("controlnet_aux", reason="install the test extra")


@pytest.fixture(scope="module")
def detector() -> DWposeDetector:
    return DWposeDetector.from_pretrained()


@pytest.fixture
def registered(library: ModuleType) -> Iterator[ModuleType]:
    """The library with ``register`` called, as it was before afterwards."""
    from controlnet_aux import processor

    before = (library.DWposeDetector, processor.MODELS["dwpose"])
    register()
    yield processor
    library.DWposeDetector, processor.MODELS["dwpose"] = before


class Given:
    """In the place of both networks: these people, whatever the image."""

    def __init__(self, poses: Poses) -> None:
        self.poses = poses

    def __call__(self, images: list[NDArray[np.uint8]], boxes: object) -> list[Poses]:
        assert [image.shape[:2] for image in images] == [self.poses.size_hw]
        return [self.poses]


def in_library_order(poses: Poses) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What its Wholebody returns: (N, 134, 2) pixels and (N, 134) scores."""
    xy, score = poses.xy.astype(np.float64), poses.score.astype(np.float64)
    neck, neck_score = xy[:, [5, 6]].mean(axis=1), (score[:, [5, 6]] > 0.3).all(axis=1)
    body_xy = [neck if i is None else xy[:, i] for i in LIBRARY_BODY]
    body_score = [neck_score if i is None else score[:, i] for i in LIBRARY_BODY]
    return (
        np.concatenate([np.stack(body_xy, axis=1), xy[:, 17:]], axis=1),
        np.concatenate([np.stack(body_score, axis=1), score[:, 17:]], axis=1),
    )


def library_map(
    library: ModuleType, image: NDArray[np.uint8], poses: Poses, **resolutions: int
) -> NDArray[np.uint8]:
    """Its own resizing and drawing of these people."""
    theirs = object.__new__(library.dwpose.DWposeDetector)
    theirs.pose_estimation = lambda _: in_library_order(poses)
    return np.asarray(theirs(image, output_type="np", **resolutions))


def our_map(
    image: NDArray[np.uint8], poses: Poses, detector: DWposeDetector, **resolutions: int
) -> NDArray[np.uint8]:
    ours = object.__new__(DWposeDetector)
    ours.annotator = Annotator(Given(poses), detector=None)
    return np.asarray(ours(image, output_type="np", **resolutions))


def people(seed: int, count: int, size_hw: tuple[int, int]) -> Poses:
    """Random points, some outside the image, with random scores."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-0.1, 1.1, (count, 133, 2)) * size_hw[::-1]
    return Poses(xy, rng.uniform(0, 1, (count, 133)), np.zeros((count, 4)), np.ones(count), size_hw)


sides = st.integers(48, 900)
resolutions = st.integers(64, 700)


@settings(deadline=None, max_examples=40)
@given(sides, sides, resolutions, resolutions, st.integers(0, 3), st.integers(0, 99))
def test_sizes_and_pixels_are_the_librarys(
    library: ModuleType,
    detector: DWposeDetector,
    height: int,
    width: int,
    detect_resolution: int,
    image_resolution: int,
    count: int,
    seed: int,
) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    wanted = {"detect_resolution": detect_resolution, "image_resolution": image_resolution}
    drawn_hw = library.util.resize_image(image, detect_resolution).shape[:2]
    poses = people(seed, count, drawn_hw)
    expected = library_map(library, image, poses, **wanted)
    np.testing.assert_array_equal(our_map(image, poses, detector, **wanted), expected)


def test_estimates_on_the_librarys_pixels(library: ModuleType, detector: DWposeDetector) -> None:
    """A real photo: the networks see what the library would show them."""
    photo = load_image(PHOTO)
    resized = library.util.resize_image(photo, 448)
    poses = detector.annotator.estimate(resized)
    assert len(poses) == 1
    expected = library_map(library, photo, poses, detect_resolution=448, image_resolution=448)
    assert expected.any()
    actual = detector(photo, detect_resolution=448, image_resolution=448, output_type="np")
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("part", ["body", "hand", "face"])
def test_parts_are_drawn_as_by_its_openpose_detector(library: ModuleType, part: str) -> None:
    """One person, because its OpenPose drawing finishes one person before the next."""
    from controlnet_aux import open_pose
    from controlnet_aux.open_pose.body import BodyResult, Keypoint

    size_hw = (512, 576)
    poses = people(5, 1, size_hw)
    poses = Poses(poses.xy, np.ones((1, 133)), poses.box, poses.box_score, size_hw)
    xy = in_library_order(poses)[0][0] / size_hw[::-1]
    points = [Keypoint(x, y) for x, y in xy]
    result = open_pose.PoseResult(
        BodyResult(points[:18], 1.0, 18), points[92:113], points[113:134], points[24:92]
    )
    wanted = {name: name == part for name in ("body", "hand", "face")}
    expected = open_pose.draw_poses(
        [result], *size_hw, **{f"draw_{name}": on for name, on in wanted.items()}
    )
    ours = object.__new__(DWposeDetector)
    ours.annotator = Annotator(Given(poses), detector=None)
    blank = np.zeros((*size_hw, 3), np.uint8)
    switches = {f"include_{name}": on for name, on in wanted.items()}
    assert expected.any()
    np.testing.assert_array_equal(ours(blank, output_type="np", **switches), expected)


def test_older_switch_for_hands_and_face(detector: DWposeDetector) -> None:
    both = detector(PHOTO, include_hand=False, include_face=False, hand_and_face=True)
    assert both == detector(PHOTO)
    assert detector(PHOTO, hand_and_face=False) == detector(
        PHOTO, include_hand=False, include_face=False
    )
    assert both != detector(PHOTO, hand_and_face=False)


def test_processor_runs_on_a_photo(registered: ModuleType, detector: DWposeDetector) -> None:
    processor = registered.Processor("dwpose")
    photo = Image.open(PHOTO)
    drawn = processor(photo)
    assert drawn == detector(photo)
    assert np.asarray(drawn).any()
    jpeg = processor(PHOTO.read_bytes(), to_pil=False)
    assert Image.open(io.BytesIO(jpeg)).size == drawn.size


def test_processor_takes_parameters(registered: ModuleType, detector: DWposeDetector) -> None:
    processor = registered.Processor("dwpose")
    processor.params = {"include_face": False, "image_resolution": 256}  # the library shares its own
    assert processor(Image.open(PHOTO)) == detector(PHOTO, image_resolution=256, include_face=False)


def test_library_exports_the_registered_class(registered: ModuleType) -> None:
    from controlnet_aux import DWposeDetector as FromLibrary

    assert FromLibrary is DWposeDetector


def test_devices(detector: DWposeDetector) -> None:
    import torch

    assert detector.to(torch.device("cpu")) is detector
    assert detector.to("mps") is detector
    with pytest.raises(DeviceError, match="got 'gpu'"):
        DWposeDetector(device="gpu")


def test_repositories_of_other_networks_mean_the_bundled_ones(detector: DWposeDetector) -> None:
    for name in ("lllyasviel/Annotators", "lllyasviel/ControlNet"):
        assert DWposeDetector.from_pretrained(name)(PHOTO) == detector(PHOTO)


def test_official_weights_are_asked_for_by_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dwpose_annotator.hub._cached", lambda *_: None)
    with pytest.raises(WeightsError, match="dw-ll_ucoco_384.onnx is not on this machine"):
        DWposeDetector.from_pretrained("yzd-v/DWPose", local_files_only=True)


def test_mm_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="needs no mmdet"):
        DWposeDetector(det_config="yolox_l_8xb8-300e_coco.py")
    with pytest.raises(ValueError, match="onnx"):
        DWposeDetector(pose_ckpt="dw-ll_ucoco_384.pth")


def test_unknown_output_type(detector: DWposeDetector) -> None:
    with pytest.raises(ValueError, match='must be "pil" or "np"'):
        detector(PHOTO, output_type="pt")


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, dwpose_annotator.integrations.controlnet_aux\n"
        "print(*{'torch', 'controlnet_aux', 'PIL', 'onnxruntime'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO
    )
    assert result.stdout.split() == []
