"""Point accuracy of people whose boxes are given: PCK, mean OKS, and NME of faces.

These use every labelled point with no score threshold, and say more than AP does where few people
are labelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.crop import box_to_center_scale, fix_aspect
from dwpose_annotator.skeleton import BODY, FACE, FEET, LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND, SIGMAS
from train.data import People
from train.evaluation.coco_ap import BOX_AREA_SHARE
from train.evaluation.uncertainty import Estimate, ratio_estimate

PARTS: dict[str, NDArray[np.int64]] = {
    "body": np.arange(NUM_KEYPOINTS)[BODY],
    "foot": np.arange(NUM_KEYPOINTS)[FEET],
    "face": np.arange(NUM_KEYPOINTS)[FACE],
    "hand": np.r_[LEFT_HAND, RIGHT_HAND],
    "whole": np.arange(NUM_KEYPOINTS),
}
CROP_SHARE = 0.05  # of the crop's height
TORSO_SHARE = 0.2  # of left shoulder to right hip; source: PCK of Yang and Ramanan, as FLIC uses it
HEAD_SHARE = 0.5  # of the head's size; source: PCKh of MPII (there the annotated head box)
HAND_SHARE = 0.2  # of the hand box's longer side; source: OneHand10K
LEFT_SHOULDER, RIGHT_HIP = 5, 12
OUTER_EYE_CORNERS = (FACE.start + 36, FACE.start + 45)  # iBUG-68, inter-ocular NME of 300-W


@dataclass(frozen=True, eq=False)
class PointErrors:
    """Distances between predicted and labelled points.

    Attributes:
        distance: (N, 133) image pixels.
        labelled: (N, 133) bool.
        truth: (N, 133, 2) labelled points.
        area: (N,) object size for OKS, square pixels.
        crop_height: (N,) image pixels covered by the network input's height.
        image: (N,) image ids.
    """

    distance: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    truth: NDArray[np.float64]
    area: NDArray[np.float64]
    crop_height: NDArray[np.float64]
    image: NDArray[np.int64]


def point_errors(
    people: People,
    xy: NDArray[np.floating],
    *,
    crop_wh: tuple[int, int] = (192, 256),
    area: NDArray[np.floating] | None = None,
) -> PointErrors:
    """Errors of (N, 133, 2) predictions in image pixels, one per row of ``people``.

    Args:
        crop_wh: network input; only its aspect ratio matters (it decides the crop's height).
        area: (N,) annotated areas; None takes 0.53 of the boxes.

    Raises:
        ValueError: not one prediction per person.
    """
    if xy.shape != people.xy.shape:
        raise ValueError(f"expected predictions of shape {people.xy.shape}, got {xy.shape}")
    truth = people.xy.astype(np.float64)
    sides = people.box[:, 2:] - people.box[:, :2]
    _, scale = box_to_center_scale(people.box)
    return PointErrors(
        np.linalg.norm(np.asarray(xy, np.float64) - truth, axis=-1),
        people.visible > 0,
        truth,
        np.asarray(sides.prod(axis=1) * BOX_AREA_SHARE if area is None else area, np.float64),
        fix_aspect(scale, crop_wh)[:, 1].astype(np.float64),
        people.ids[:, 1],
    )


def point_metrics(errors: PointErrors, *, resamples: int = 0) -> dict[str, Estimate]:
    """Every figure that the labels allow, keyed ``metric/part``.

    ``pck`` (5 % of the crop's height) and ``oks`` for each part, for ``whole`` where several are
    labelled; ``pck_torso`` for body and feet, ``pck_head`` for the body of people with a labelled
    face, ``pck_hand`` relative to the hand box; mean error of faces (lower is better) as a share of
    the distance between the outer eye corners, ``nme``, and of the face's size, ``nme_box``.
    """
    ratios = {}
    for part, points in PARTS.items():
        ratios[f"pck/{part}"] = _pck(errors, points, CROP_SHARE * errors.crop_height)
        ratios[f"oks/{part}"] = _mean_oks(errors, points)
    torso = TORSO_SHARE * _distance_between(errors, LEFT_SHOULDER, RIGHT_HIP)
    ratios["pck_torso/body"] = _pck(errors, PARTS["body"], torso)
    ratios["pck_torso/foot"] = _pck(errors, PARTS["foot"], torso)
    head = HEAD_SHARE * _longer_side(errors, PARTS["face"])
    ratios["pck_head/body"] = _pck(errors, PARTS["body"], head)
    hands = [
        _pck(errors, points, HAND_SHARE * _longer_side(errors, points))
        for points in (np.r_[LEFT_HAND], np.r_[RIGHT_HAND])
    ]
    ratios["pck_hand/hand"] = hands[0] + hands[1]
    eyes = _distance_between(errors, *OUTER_EYE_CORNERS)
    ratios["nme/face"] = _normalised_face_error(errors, eyes)
    ratios["nme_box/face"] = _normalised_face_error(errors, _box_size(errors, PARTS["face"]))
    estimates = {
        name: ratio_estimate(top, bottom, errors.image, resamples=resamples)
        for name, (top, bottom) in ratios.items()
    }
    single = sum(estimates[f"pck/{part}"] is not None for part in PARTS if part != "whole") == 1
    return {
        name: estimate
        for name, estimate in estimates.items()
        if estimate is not None and not (single and name.endswith("/whole"))
    }


def evaluate_predictions(
    people: People, xy: NDArray[np.floating], *, crop_wh: tuple[int, int] = (192, 256)
) -> dict[str, float]:
    """``point_metrics`` as plain numbers: takes milliseconds, for use while training.

    Args:
        people: the set, with its boxes.
        xy: (N, 133, 2) predictions in image pixels.
        crop_wh: network input size.
    """
    metrics = point_metrics(point_errors(people, xy, crop_wh=crop_wh))
    return {name: estimate.value for name, estimate in metrics.items()}


def _pck(
    errors: PointErrors, points: NDArray[np.int64], threshold: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(2, N) points right and points counted per person; NaN thresholds count nobody."""
    counted = errors.labelled[:, points] & np.isfinite(threshold)[:, None]
    with np.errstate(invalid="ignore"):
        right = counted & (errors.distance[:, points] <= threshold[:, None])
    return np.stack([right.sum(axis=1), counted.sum(axis=1)]).astype(np.float64)


def _mean_oks(errors: PointErrors, points: NDArray[np.int64]) -> NDArray[np.float64]:
    """(2, N) OKS over the labelled points of the part, and whether there are any."""
    labelled = errors.labelled[:, points]
    variance = (2 * np.asarray(SIGMAS)[points]) ** 2
    area = np.maximum(errors.area, np.spacing(1))[:, None]
    similarity = np.exp(-(errors.distance[:, points] ** 2) / variance / area / 2) * labelled
    counts = labelled.sum(axis=1)
    return np.stack([similarity.sum(axis=1) / np.maximum(counts, 1), counts > 0])


def _normalised_face_error(errors: PointErrors, length: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, N) mean error of the labelled face points over ``length``, and whether that is known."""
    labelled = errors.labelled[:, FACE]
    usable = np.isfinite(length) & (length > 0)
    mean = (errors.distance[:, FACE] * labelled).sum(axis=1) / np.maximum(labelled.sum(axis=1), 1)
    return np.stack([np.where(usable, mean / np.where(usable, length, 1), 0), usable])


def _distance_between(errors: PointErrors, first: int, second: int) -> NDArray[np.float64]:
    """(N,) distance of two labelled points, NaN where one of them is not labelled."""
    distance = np.linalg.norm(errors.truth[:, first] - errors.truth[:, second], axis=-1)
    return np.where(errors.labelled[:, [first, second]].all(axis=1), distance, np.nan)


def _longer_side(errors: PointErrors, points: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) longer side of the box around labelled points; NaN where fewer than two are labelled."""
    return _extent(errors, points).max(axis=1)


def _box_size(errors: PointErrors, points: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) square root of that box's area."""
    return np.sqrt(_extent(errors, points).prod(axis=1))


def _extent(errors: PointErrors, points: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, 2) width and height of the box around labelled points, NaN where it has no extent."""
    hidden = ~errors.labelled[:, points, None]
    truth = errors.truth[:, points]
    low = np.where(hidden, np.inf, truth).min(axis=1)
    high = np.where(hidden, -np.inf, truth).max(axis=1)
    enough = errors.labelled[:, points].sum(axis=1) > 1
    return np.where(enough[:, None], high - low, np.nan)
