"""Drawing: what holds for every style, every size and every kind of bad point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dwpose_annotator import Poses, draw_poses
from dwpose_annotator.draw import STYLES
from dwpose_annotator.images import MAX_PIXELS
from dwpose_annotator.skeleton import FACE, FEET, LEFT_HAND, OPENPOSE_COLOURS, RIGHT_HAND

SIDE = 256  # a power of 2: dividing by it and multiplying again is exact
# Resampled at the end, and slow for its large canvas; the others draw on the map itself.
DIRECT = [name for name, style in STYLES.items() if style.canvas_short_side is None]


def make_poses(xy, score=1.0, size_hw=(SIDE, SIDE)):
    xy = np.asarray(xy, np.float32).reshape(-1, 133, 2)
    score = np.broadcast_to(np.asarray(score, np.float32), (len(xy), 133))
    return Poses(xy, score, np.zeros((len(xy), 4)), np.ones(len(xy)), size_hw)


def person(seed=0, low=60.0, high=196.0, count=1):
    """People whose points lie between ``low`` and ``high``, in 64ths of a pixel."""
    rng = np.random.default_rng(seed)
    return rng.integers(int(low * 64), int(high * 64), (count, 133, 2)) / 64


def drawn(pixels):
    return pixels.any(axis=-1)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size_hw", [(1, 1), (1, 700), (64, 48), (2160, 3840)])
def test_nobody_gives_black(style, size_hw):
    pixels = draw_poses(Poses.empty((480, 640)), style, size_hw)
    assert pixels.shape == (*size_hw, 3) and pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous and pixels.flags.writeable
    assert not pixels.any()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size_hw", [(1, 1), (20, 20000), (300, 200)])
def test_any_size(style, size_hw):
    pixels = draw_poses(make_poses(person()), style, size_hw)
    assert pixels.shape == (*size_hw, 3)
    assert pixels.any()


@settings(max_examples=40, deadline=None)
@given(
    style=st.sampled_from(DIRECT),
    seed=st.integers(0, 2**32 - 1),
    shift=st.tuples(st.integers(-40, 40), st.integers(-40, 40)),
)
def test_shifted_points_give_the_shifted_map(style, seed, shift):
    xy, score = person(seed, count=2), np.random.default_rng(seed).random((2, 133))
    still = draw_poses(make_poses(xy, score), style, feet=True)
    moved = draw_poses(make_poses(xy + np.array(shift), score), style, feet=True)
    np.testing.assert_array_equal(moved, np.roll(still, shift[::-1], axis=(0, 1)))


@settings(max_examples=40, deadline=None)
@given(
    style=st.sampled_from(list(STYLES)),
    xy=hnp.arrays(np.float32, (2, 133, 2), elements=st.floats(width=32)),
    score=hnp.arrays(np.float32, (2, 133), elements=st.floats(width=32)),
)
def test_no_number_is_too_odd(style, xy, score):
    with np.errstate(all="ignore"):
        pixels = draw_poses(make_poses(xy, score), style, (40, 30), feet=True)
    assert pixels.shape == (40, 30, 3)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e9, -1e30])
def test_points_at_odd_places_are_missing(style, odd):
    """As if their score were 0; the neck follows the shoulders."""
    xy = person()
    odd_xy, missing = xy.copy(), np.ones((1, 133))
    for point in (0, 5, 9, FEET.start, FACE.start + 3, LEFT_HAND.start + 4):
        odd_xy[0, point, point % 2], missing[0, point] = odd, 0
    expected = xy.copy()
    expected[missing == 0] = 0  # styles without a threshold skip the corner
    pixels = draw_poses(make_poses(odd_xy), style, feet=True)
    np.testing.assert_array_equal(
        pixels, draw_poses(make_poses(expected, missing), style, feet=True)
    )
    scores = np.where(missing == 0, np.nan, 1)
    np.testing.assert_array_equal(
        pixels, draw_poses(make_poses(expected, scores), style, feet=True)
    )


@pytest.mark.parametrize("style", STYLES)
def test_people_far_outside_leave_no_trace(style):
    for offset in (-5000, 5000):
        assert not draw_poses(make_poses(person() + offset), style).any()


def test_partly_outside_is_the_cut_of_a_larger_map():
    """Bodies only: hand and face points in the first row and column are left out on purpose."""
    xy = person(low=-60, high=300)
    parts = {"hands": False, "face": False}
    small = draw_poses(make_poses(xy), "openpose", **parts)
    whole = draw_poses(make_poses(xy + 128, size_hw=(512, 512)), "openpose", **parts)
    inside = whole[128:384, 128:384]
    # Coordinates are cut towards zero, so points right at the border may differ by a pixel.
    assert (small[8:, 8:] != inside[8:, 8:]).any(axis=-1).mean() < 0.02


def test_each_part_has_its_switch():
    poses, off = make_poses(person(3)), {"body": False, "hands": False, "face": False}
    assert not draw_poses(poses, **off).any()
    body = draw_poses(poses, **{**off, "body": True})
    hands = draw_poses(poses, **{**off, "hands": True})
    face = draw_poses(poses, **{**off, "face": True})
    assert {tuple(colour) for colour in face[drawn(face)]} == {(255, 255, 255)}
    assert (0, 0, 255) in {tuple(colour) for colour in hands[drawn(hands)]}
    # Painted over one another in this order.
    expected = np.where(drawn(hands)[..., None], hands, body)
    expected = np.where(drawn(face)[..., None], face, expected)
    np.testing.assert_array_equal(draw_poses(poses), expected)
    easy = np.where(drawn(face)[..., None], face, body)
    easy = np.where(drawn(hands)[..., None], hands, easy)
    np.testing.assert_array_equal(draw_poses(poses, "easy_dwpose"), easy)


def test_controlnet_aux_finishes_one_person_before_the_next():
    first, second = person(1), person(2)
    both = draw_poses(make_poses(np.concatenate([first, second])), "controlnet_aux")
    below = draw_poses(make_poses(first), "controlnet_aux")
    above = draw_poses(make_poses(second), "controlnet_aux")
    np.testing.assert_array_equal(both, np.where(drawn(above)[..., None], above, below))


def test_feet_are_drawn_on_request_and_by_their_style():
    xy = person(4)
    poses = make_poses(xy)
    with_feet = draw_poses(poses, "openpose", feet=True)
    np.testing.assert_array_equal(with_feet, draw_poses(poses, "openpose_feet"))
    np.testing.assert_array_equal(with_feet, draw_poses(poses, "openpose_feet", feet=True))
    assert (with_feet != draw_poses(poses, "openpose")).any()


@pytest.mark.parametrize(("ankle", "first_foot_point"), [(15, FEET.start), (16, FEET.start + 3)])
def test_foot_limbs_have_the_colour_of_their_ankle(ankle, first_foot_point):
    xy, score = np.zeros((1, 133, 2)), np.zeros((1, 133))
    big_toe, small_toe, heel = range(first_foot_point, first_foot_point + 3)
    xy[0, [ankle, big_toe, small_toe, heel]] = [(100, 100), (160, 140), (190, 110), (80, 150)]
    score[0, [ankle, big_toe, small_toe, heel]] = 1
    pixels = draw_poses(make_poses(xy, score), "openpose_feet")
    colour = np.array(OPENPOSE_COLOURS[{15: 13, 16: 10}[ankle]])
    for x, y in xy[0, [ankle, big_toe, small_toe, heel]].astype(int):
        assert pixels[y, x].tolist() == colour.tolist()
    for x, y in ((130, 120), (175, 125), (90, 125)):
        assert pixels[y, x].tolist() == (colour * 0.6).astype(int).tolist()


@pytest.mark.parametrize("style", DIRECT)
def test_maps_are_drawn_at_their_own_size(style):
    xy = person(5)
    doubled = draw_poses(make_poses(xy), style, (2 * SIDE, 2 * SIDE))
    direct = draw_poses(make_poses(2 * xy, size_hw=(2 * SIDE, 2 * SIDE)), style)
    np.testing.assert_array_equal(doubled, direct)


def test_thickness():
    poses = make_poses(person(6), size_hw=(512, 512))
    areas = [drawn(draw_poses(poses, thickness=t)).sum() for t in (0.01, 0.5, 1, 2, 4)]
    assert areas == sorted(set(areas))
    assert areas[0] > 0
    np.testing.assert_array_equal(draw_poses(poses, thickness="auto"), draw_poses(poses))
    large = (1024, 2048)
    np.testing.assert_array_equal(
        draw_poses(poses, size_hw=large, thickness="auto"),
        draw_poses(poses, size_hw=large, thickness=2.0),
    )


@pytest.mark.parametrize("style", ["xinsir", "mimic_motion"])
def test_styles_that_scale_themselves_are_not_scaled_twice(style):
    poses = make_poses(person(7))
    np.testing.assert_array_equal(
        draw_poses(poses, style, (1024, 1024), thickness="auto"),
        draw_poses(poses, style, (1024, 1024)),
    )


def test_threshold_hides_weak_points():
    xy, score = person(8), np.random.default_rng(8).random((1, 133))
    for threshold in (0.0, 0.5, 0.9):
        visible = (score > threshold).astype(float)
        np.testing.assert_array_equal(
            draw_poses(make_poses(xy, score), threshold=threshold),
            draw_poses(make_poses(xy, visible)),
        )
    assert not draw_poses(make_poses(xy, score), threshold=1.5).any()


def test_neck_needs_both_shoulders_above_any_threshold():
    xy, score = person(9), np.zeros((1, 133))
    score[0, [5, 6]] = 1.2
    three_joints = draw_poses(make_poses(xy, score), threshold=1.1)
    score[0, 5] = 1.0
    one_joint = draw_poses(make_poses(xy, score), threshold=1.1)
    neck = tuple(OPENPOSE_COLOURS[1])
    assert neck in {tuple(colour) for colour in three_joints[drawn(three_joints)]}
    assert neck not in {tuple(colour) for colour in one_joint[drawn(one_joint)]}


def test_musepose_draws_one_person_and_no_face_unless_asked():
    people = person(10, count=3)
    poses, alone = make_poses(people), make_poses(people[:1])
    parts = {"hands": False}
    np.testing.assert_array_equal(
        draw_poses(poses, "musepose", **parts), draw_poses(alone, "musepose", **parts)
    )
    white = (draw_poses(poses, "musepose") == 255).all(axis=-1).any()
    assert not white
    assert (draw_poses(poses, "musepose", face=True) == 255).all(axis=-1).any()


def test_mimic_motion_fades_with_the_score():
    xy = person(11)
    bright = draw_poses(make_poses(xy, 1.0), "mimic_motion").astype(int).sum()
    faint = draw_poses(make_poses(xy, 0.5), "mimic_motion").astype(int).sum()
    assert 0 < faint < bright


def test_a_style_of_your_own():
    poses = make_poses(person(12))
    mirrored = draw_poses(poses, replace(STYLES["openpose"], swap_red_blue=True))
    np.testing.assert_array_equal(mirrored[..., ::-1], draw_poses(poses, "openpose"))


def test_poses_are_left_alone():
    poses = make_poses(person(13), size_hw=(100, 100))
    before = poses.xy.copy(), poses.score.copy()
    draw_poses(poses, "mimic_motion", (50, 70))
    np.testing.assert_array_equal(poses.xy, before[0])
    np.testing.assert_array_equal(poses.score, before[1])


def test_both_hands_are_hands():
    """The left and the right hand are drawn alike."""
    xy, score = np.zeros((1, 133, 2)), np.zeros((1, 133))
    points = person(14)[0, :21]
    maps = []
    for part in (LEFT_HAND, RIGHT_HAND):
        xy[:], score[:] = 0, 0
        xy[0, part], score[0, part] = points, 1
        maps.append(draw_poses(make_poses(xy, score)))
    assert maps[0].any()
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "dwpose"}, "openpose, openpose_feet, controlnet_aux"),
        ({"size_hw": (0, 10)}, "size_hw"),
        ({"size_hw": (10, -1)}, "size_hw"),
        ({"size_hw": (MAX_PIXELS, 2)}, "size_hw"),
        ({"thickness": 0}, "thickness"),
        ({"thickness": float("nan")}, "thickness"),
        ({"thickness": float("inf")}, "thickness"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_poses(make_poses(person()), **arguments)
