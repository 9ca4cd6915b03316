"""Retargeting: proportions of a reference, motion of the clip, feet on the ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dwpose_annotator import Poses, skeleton
from dwpose_annotator.retarget import BONES, FEET_AND_ANKLES, NECK, PELVIS, person_at, retarget

SIZE = (480, 360)
NAMES = {name: i for i, name in enumerate(skeleton.KEYPOINT_NAMES)}

# A person who stands, in pixels: x, y of the 17 body points and the six foot points.
STANDING = [
    *[(180, 80), (186, 74), (174, 74), (192, 80), (168, 80)],
    *[(210, 130), (150, 130), (225, 185), (135, 185), (230, 235), (130, 235)],
    *[(200, 240), (160, 240), (202, 320), (158, 320), (204, 400), (156, 400)],
    *[(215, 412), (208, 414), (200, 408), (145, 412), (152, 414), (160, 408)],
]


def standing() -> Poses:
    """One person: the body above, a small face and small hands."""
    xy = np.zeros((1, 133, 2), np.float32)
    xy[0, :23] = STANDING
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    xy[0, skeleton.FACE] = xy[0, 0] + 14 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for hand, wrist in ((skeleton.LEFT_HAND, 9), (skeleton.RIGHT_HAND, 10)):
        xy[0, hand] = xy[0, wrist] + np.stack([np.arange(21) % 5 * 3, np.arange(21)], axis=1)
    box = np.array([[120, 60, 240, 420]], np.float32)
    return Poses(xy, np.ones((1, 133)), box, np.ones(1), SIZE)


def with_points(poses: Poses, **moves: tuple[float, float]) -> Poses:
    """The pose with some named points moved by (dx, dy)."""
    xy = poses.xy.copy()
    for name, move in moves.items():
        xy[0, NAMES[name]] += move
    return replace(poses, xy=xy)


def long_legs(poses: Poses, extra: float = 30) -> Poses:
    """The same person with shins longer by ``extra`` pixels: hands, head and all stay."""
    lower = skeleton.KEYPOINT_NAMES[15:23]
    return with_points(poses, **dict.fromkeys(lower, (0, extra)))


def length(poses: Poses, a: str, b: str) -> float:
    return float(np.linalg.norm(poses.xy[0, NAMES[a]] - poses.xy[0, NAMES[b]]))


finite = st.floats(0, 400, width=32)
some_poses = arrays(np.float32, (2, 133, 2), elements=finite).flatmap(
    lambda xy: arrays(np.float32, (2, 133), elements=st.floats(0, 1, width=32)).map(
        lambda score: Poses(xy, score, np.zeros((2, 4)), np.ones(2), SIZE)
    )
)


@given(some_poses, st.booleans())
def test_identity_when_nothing_differs(poses, align):
    (result,) = retarget([poses], poses, align=align)
    np.testing.assert_allclose(result.xy, poses.xy, atol=1e-3, rtol=0)
    np.testing.assert_array_equal(result.score, poses.score)
    assert result.size_hw == poses.size_hw


@given(some_poses, some_poses, st.floats(1, 3), st.booleans())
def test_limbs_keep_their_direction_and_stay_within_the_limit(source, reference, limit, align):
    (result,) = retarget([source], reference, max_ratio=limit, align=align)
    assert np.isfinite(result.xy).all()
    for i in range(2):
        before, after = person_at(source, i, 0.3), person_at(result, i, 0.3)
        drawn = [b for b in BONES if before.visible[[b.parent, b.child]].all()]
        for bone in drawn:
            if PELVIS in bone or NECK in bone:  # these are means: they move with their two ends
                continue
            old = before.xy[bone.child] - before.xy[bone.parent]
            new = after.xy[bone.child] - after.xy[bone.parent]
            tolerance = 1e-2 + 1e-5 * np.abs(after.xy[[bone.child, bone.parent]]).max()
            cross = old[0] * new[1] - old[1] * new[0]
            assert abs(cross) <= tolerance * max(np.linalg.norm(old), 1)
            assert old @ new >= -tolerance * max(np.linalg.norm(old), 1)
            if not align:
                assert np.linalg.norm(new) <= limit * np.linalg.norm(old) + tolerance
                assert np.linalg.norm(new) >= np.linalg.norm(old) / limit - tolerance


def test_shins_take_the_length_of_the_reference_and_the_feet_stay_on_the_ground():
    source, reference = standing(), long_legs(standing())
    (result,) = retarget([source], reference, align=False, max_ratio=2)
    assert length(result, "left_knee", "left_ankle") == pytest.approx(
        length(reference, "left_knee", "left_ankle"), rel=1e-4
    )
    assert length(result, "left_shoulder", "left_elbow") == pytest.approx(
        length(source, "left_shoulder", "left_elbow"), rel=1e-4
    )
    lowest = [poses.xy[0, FEET_AND_ANKLES, 1].max() for poses in (source, result)]
    assert lowest[1] == pytest.approx(lowest[0], abs=1e-2)
    assert result.xy[0, NAMES["nose"], 1] == pytest.approx(source.xy[0, 0, 1] - 30, abs=0.1)


def test_a_ratio_beyond_the_limit_is_cut():
    source, reference = standing(), long_legs(standing(), extra=200)
    (result,) = retarget([source], reference, align=False, max_ratio=1.25)
    assert length(result, "right_knee", "right_ankle") == pytest.approx(
        1.25 * length(source, "right_knee", "right_ankle"), rel=1e-4
    )


def test_align_takes_over_size_place_and_canvas():
    source = standing()
    reference = Poses(
        source.xy * 2 + (50, 10), source.score, source.box * 2, source.box_score, (1000, 800)
    )
    (result,) = retarget([source], reference)
    np.testing.assert_allclose(result.xy, reference.xy, atol=1e-2)
    assert result.size_hw == (1000, 800)


def test_motion_over_the_picture_scales_with_the_person():
    source = standing()
    jump = replace(source, xy=source.xy + np.float32([30, -40]))
    reference = replace(source, xy=source.xy * 2)
    still, jumped = retarget([source, jump], reference)
    np.testing.assert_allclose(jumped.xy - still.xy, np.broadcast_to([60, -80], still.xy.shape))


def test_frames_that_do_not_show_the_feet_do_not_jump():
    source, reference = standing(), long_legs(standing())
    hidden = source.score.copy()
    hidden[0, FEET_AND_ANKLES] = 0
    cut = replace(source, score=hidden)
    results = retarget([source, cut, source], reference, align=False)
    np.testing.assert_allclose(results[1].xy[0, 0], results[0].xy[0, 0], atol=1e-3)


def test_an_arm_whose_elbow_is_hidden_still_hangs_at_its_shoulder():
    source = standing()
    hidden = source.score.copy()
    hidden[0, NAMES["left_elbow"]] = 0
    reference = replace(source, xy=source.xy * 2)
    (result,) = retarget([replace(source, score=hidden)], reference)
    offset = result.xy[0, NAMES["left_wrist"]] - result.xy[0, NAMES["left_shoulder"]]
    np.testing.assert_allclose(offset, (40, 210), atol=1e-2)


def test_nobody_to_follow_or_to_move_changes_nothing():
    source, empty = standing(), Poses.empty(SIZE)
    assert retarget([], source) == []
    assert len(retarget([empty], source)[0]) == 0
    np.testing.assert_array_equal(retarget([source], empty)[0].xy, source.xy)


def test_people_beyond_the_reference_keep_their_proportions_and_move_along():
    one = standing()
    two = Poses(
        np.concatenate([one.xy, one.xy + 5]),
        np.ones((2, 133)),
        np.repeat(one.box, 2, axis=0),
        np.ones(2),
        SIZE,
    )
    (kept,) = retarget([two], long_legs(one), align=False)
    np.testing.assert_allclose(kept.xy[1], two.xy[1], atol=1e-3)
    assert np.abs(kept.xy[0] - two.xy[0]).max() > 1
    (doubled,) = retarget([two], replace(one, xy=one.xy * 2))
    np.testing.assert_allclose(doubled.xy[1], two.xy[1] * 2, atol=1e-2)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match=r"max_ratio must be at least 1, got 0\.5"):
        retarget([standing()], standing(), max_ratio=0.5)
    with pytest.raises(ValueError, match="source_frame must be from 0 to 0, got 3"):
        retarget([standing()], standing(), source_frame=3)
