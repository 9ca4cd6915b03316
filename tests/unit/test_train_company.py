"""Photos made harder: what is painted, what is cut, what stays labelled."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tiny_people import FIGURE, write_tiny_people
from train.company import FEWEST_POINTS, PersonPhoto, cut_by_frame, with_neighbour
from train.config import TrainConfig
from train.loading import load_training_set
from train.sampling import SampleKey
from train.transforms import NO_AUGMENTATION, Augmentation

HEIGHT, WIDTH = 300, 240
BOX = np.array([60, 50, 180, 250], np.float32)
SEEDS = range(30)


def photo_of(grey: int) -> PersonPhoto:
    """A standing person with 23 labelled points in a photo of one grey level."""
    xy = np.zeros((133, 2), np.float32)
    visible = np.zeros(133, np.float32)
    xy[:23] = np.array(FIGURE[:23]) * (120, 200) + (60, 50)
    visible[:23] = 1
    return PersonPhoto(np.full((HEIGHT, WIDTH, 3), grey, np.uint8), BOX, xy, visible)


def marked() -> PersonPhoto:
    """As ``photo_of``, the red and green of a pixel being its row and column."""
    photo = photo_of(0)
    photo.image[..., 0] = (np.arange(HEIGHT) % 256)[:, None]
    photo.image[..., 1] = np.arange(WIDTH)
    return photo


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_stay_on_their_pixels_when_the_frame_cuts(seed):
    photo = marked()
    cut = cut_by_frame(np.random.default_rng(seed), photo)
    moved = photo.xy[0] - cut.xy[0]  # one shift for everything
    height, width = cut.image.shape[:2]
    for before, after, seen in zip(photo.xy, cut.xy, cut.visible, strict=True):
        if not seen:
            continue
        np.testing.assert_allclose(before - after, moved, atol=1e-4)
        x, y = after.astype(int)
        assert 0 <= after[0] < width and 0 <= after[1] < height
        old_x, old_y = (after + moved).astype(int)
        assert tuple(cut.image[y, x, :2]) == (old_y % 256, old_x)
    assert (cut.visible <= photo.visible).all()


def test_the_frame_cuts_people_and_their_boxes_on_every_side():
    sides = np.zeros(4, int)
    for seed in SEEDS:
        cut = cut_by_frame(np.random.default_rng(seed), marked())
        height, width = cut.image.shape[:2]
        left, top, right, bottom = cut.box
        assert (cut.visible[:17] > 0).sum() >= FEWEST_POINTS
        assert 0 <= left < right <= width - 1 and 0 <= top < bottom <= height - 1
        sides += [left == 0, top == 0, right == width - 1, bottom == height - 1]
    assert (sides > 0).all() and sides[3] == sides.max()


def test_a_cut_that_leaves_nobody_is_not_made():
    photo = photo_of(0)
    photo.visible[3:] = 0
    photo.visible[0] = 0  # two points of the head
    assert cut_by_frame(np.random.default_rng(0), photo) is photo


@pytest.mark.parametrize("seed", SEEDS)
def test_a_neighbour_is_painted_beside_and_labels_stay(seed):
    photo, other = photo_of(40), photo_of(220)
    together = with_neighbour(np.random.default_rng(seed), photo, other)
    painted = together.image[..., 0] > 130
    assert 0.005 < painted.mean() < 0.6
    assert (photo.image == 40).all() and (other.image == 220).all()  # the sources are untouched
    np.testing.assert_array_equal(together.xy, photo.xy)
    np.testing.assert_array_equal(together.visible, photo.visible)
    x, y = photo.xy[:17].astype(int).T
    assert painted[y, x].mean() <= 0.65  # who would hide more stands behind


def test_neighbours_stand_before_and_behind():
    hidden = []
    for seed in SEEDS:
        together = with_neighbour(np.random.default_rng(seed), photo_of(40), photo_of(220))
        x, y = together.xy[:17].astype(int).T
        hidden.append((together.image[y, x, 0] > 130).sum())
    assert 0 in hidden and max(hidden) >= 2


def test_no_neighbour_without_a_torso():
    photo, other = photo_of(40), photo_of(220)
    other.visible[11] = 0
    assert with_neighbour(np.random.default_rng(0), photo, other) is photo


def test_data_sets_apply_both(tmp_path):
    write_tiny_people(tmp_path / "people", 6)

    def sample(**strength: float) -> np.ndarray:
        aug = Augmentation(**{**vars(NO_AUGMENTATION), **strength})
        config = TrainConfig(
            name="t", model="t", objective="supervised", data=(str(tmp_path / "people"),),
            phases=((0, aug),),
        )  # fmt: skip
        dataset = load_training_set(config, tmp_path / "cache").dataset
        return np.stack([dataset[SampleKey(0, person, 0)][0].numpy() for person in range(6)])

    plain = sample()
    assert (sample(neighbour=1.0) != plain).any()
    assert (sample(frame=1.0) != plain).any()
