"""The bundled networks get their channels in the order they were trained with (real photos)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dwpose_annotator import Annotator, Boxes, load_image
from dwpose_annotator.detect import Detector
from dwpose_annotator.estimate import PoseEstimator

PHOTOS = sorted((Path(__file__).parents[2] / "examples" / "images").glob("*.jpg"))


@pytest.fixture(scope="module")
def annotator():
    return Annotator.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def photos():
    assert len(PHOTOS) >= 3
    return [load_image(path) for path in PHOTOS]


def _swapped(network_input):
    """The same normalisation for each of the network's channels, fed from the other end of RGB."""
    order = "bgr" if network_input.channel_order == "rgb" else "rgb"
    return replace(network_input, channel_order=order)


def test_pose_network_wants_rgb(annotator, photos):
    right = annotator.pose
    assert right.network_input.channel_order == "rgb"
    wrong = PoseEstimator(right.session, network_input=_swapped(right.network_input))
    boxes = [_people_or_whole(annotator, photo) for photo in photos]
    right_score, wrong_score = (
        np.mean([poses.score.mean() for poses in estimator(photos, boxes)])
        for estimator in (right, wrong)
    )
    assert wrong_score < right_score


def test_detector_wants_bgr(annotator, photos):
    right = annotator.detector
    assert right.network_input.channel_order == "bgr"
    wrong = Detector(right.session, network_input=_swapped(right.network_input))
    right_score, wrong_score = (
        np.mean([boxes.score.max(initial=0) for boxes in detector(photos)])
        for detector in (right, wrong)
    )
    assert wrong_score < right_score


def _people_or_whole(annotator, photo):
    found = annotator.detect(photo)
    return found if len(found) else Boxes.whole_image(photo.shape[:2])
