"""Which samples come, where their pixels come from, and what is left out."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dwpose_annotator.images import load_image
from tests.tiny_people import write_tiny_people
from train.config import TrainConfig
from train.data import load_people
from train.loading import build_loader, load_training_set
from train.pixels import DecodedImages, decode_images
from train.sampling import EpochSampler, SampleKey
from train.transforms import NO_AUGMENTATION, Augmentation

CONFIG = TrainConfig(
    name="tiny", model="t", objective="supervised", batch_size=2, input_scale=0.5, workers=0
)


def _keys(lengths, **options):
    defaults = {"epoch_samples": 10, "epochs": 3, "seed": 5}
    return list(EpochSampler(lengths, **{**defaults, **options}))


# ---- order ------------------------------------------------------------------------------------
def test_everyone_comes_once_a_lap():
    keys = _keys([7], epoch_samples=9, epochs=7)
    assert len(keys) == 63 and [k.epoch for k in keys] == [n // 9 for n in range(63)]
    for lap in range(9):
        part = keys[lap * 7 : (lap + 1) * 7]
        assert {k.person for k in part} == set(range(7)) and {k.lap for k in part} == {lap}
    assert [k.person for k in keys[:7]] != [k.person for k in keys[7:14]]
    assert keys != _keys([7], epoch_samples=9, epochs=7, seed=6)


@pytest.mark.parametrize("shares", [None, (0.7, 0.3)])
def test_order_can_be_entered_anywhere_and_split_over_processes(shares):
    whole = _keys([20, 6], shares=shares)
    for start in (0, 1, 9, 10, 25, 30):
        assert _keys([20, 6], shares=shares, start=start) == whole[start:]
    parts = [_keys([20, 6], shares=shares, rank=rank, world_size=2) for rank in range(2)]
    assert parts == [whole[0::2], whole[1::2]]
    sampler = EpochSampler([20, 6], shares=shares, epoch_samples=10, epochs=3, seed=5, start=4)
    assert len(sampler) == len(list(sampler)) == 26


def test_shares_are_kept_in_every_epoch():
    keys = _keys([1000, 10], shares=(0.7, 0.3), epoch_samples=100, epochs=5)
    for epoch in range(5):
        second = [k for k in keys if k.epoch == epoch and k.person >= 1000]
        assert len(second) == 30
    second = [k for k in keys if k.person >= 1000]
    assert len({(k.person, k.lap) for k in keys}) == len(keys)  # never the same augmentation
    assert {k.person for k in second[:10]} == set(range(1000, 1010))
    first_epoch = [k.person >= 1000 for k in keys[:100]]
    assert 0 < sum(first_epoch[:20]) < 20 and first_epoch != sorted(first_epoch)


def test_odd_shares_add_up():
    keys = _keys([5, 5, 5], shares=(1 / 3, 1 / 3, 1 / 3), epoch_samples=10, epochs=6)
    assert len(keys) == 60
    counts = np.bincount([k.person // 5 for k in keys])
    assert counts.tolist() == [20, 20, 20]
    with pytest.raises(ValueError, match="too small"):
        _keys([5, 5], shares=(0.9, 0.1))


# ---- pixels -----------------------------------------------------------------------------------
def _spoil(folder):
    """Truncate one image, delete another."""
    broken = folder / "images" / "train_2.png"
    broken.write_bytes(broken.read_bytes()[:500])
    (folder / "images" / "train_5.png").unlink()


def test_decoded_images_are_kept_per_list(tmp_path):
    write_tiny_people(tmp_path / "a")
    write_tiny_people(tmp_path / "b", seed=1)
    lists = [sorted((tmp_path / name / "images").iterdir()) for name in "ab"]
    outcomes = [decode_images(paths, tmp_path / "cache") for paths in lists]
    again = [decode_images(paths, tmp_path / "cache") for paths in lists]
    assert len(list((tmp_path / "cache").glob("*.pixels"))) == 2
    for paths, outcome, repeated in zip(lists, outcomes, again, strict=True):
        assert outcome == repeated and not outcome.broken
        images = pickle.loads(pickle.dumps(DecodedImages(outcome.places)))  # noqa: S301
        for path in paths:
            np.testing.assert_array_equal(images[path], load_image(path))


def test_a_changed_image_is_decoded_anew(tmp_path):
    write_tiny_people(tmp_path)
    paths = sorted((tmp_path / "images").iterdir())
    before = decode_images(paths, tmp_path / "cache").places[paths[0]].file
    paths[0].write_bytes(paths[1].read_bytes() + b"\0")
    after = decode_images(paths, tmp_path / "cache")
    assert after.places[paths[0]].file != before
    np.testing.assert_array_equal(DecodedImages(after.places)[paths[0]], load_image(paths[1]))


def test_broken_images_are_left_out_and_listed(tmp_path):
    write_tiny_people(tmp_path)
    _spoil(tmp_path)
    config = replace(CONFIG, data=(str(tmp_path),))
    listing = tmp_path / "skipped.txt"
    data = load_training_set(config, tmp_path / "cache", skipped_file=listing)
    assert len(data) == 6
    lines = listing.read_text().splitlines()
    assert len(lines) == 2 and "train_2.png" in lines[0] and "train_5.png" in lines[1]
    # Not decoded beforehand: found out on the way, replaced, and listed once.
    config = replace(config, cache_images=False)
    data = load_training_set(config, tmp_path / "none", skipped_file=listing)
    assert len(data) == 8 and listing.read_text() == ""
    for person in range(8):
        crop, labels = data.dataset[SampleKey(0, person, 0)]
        assert crop.shape == (128, 96, 3) and labels.shape == (133, 3)
    assert len(listing.read_text().splitlines()) == 2
    assert not (tmp_path / "none").exists()


def test_a_folder_without_images_is_an_error(tmp_path):
    write_tiny_people(tmp_path)
    for image in (tmp_path / "images").iterdir():
        image.unlink()
    config = replace(CONFIG, data=(str(tmp_path),))
    with pytest.raises(ValueError, match="not one image"):
        load_training_set(config, tmp_path / "cache")
    data = load_training_set(replace(config, cache_images=False), tmp_path)
    with pytest.raises(ValueError, match="images in a row"):
        data.dataset[SampleKey(0, 0, 0)]


# ---- samples ----------------------------------------------------------------------------------
def test_samples_repeat_and_follow_their_phase(tmp_path):
    write_tiny_people(tmp_path)
    phases = ((0, NO_AUGMENTATION), (3, Augmentation()))
    config = replace(CONFIG, data=(str(tmp_path),), phases=phases)
    dataset = load_training_set(config, tmp_path / "cache").dataset

    def pixels(*key):
        return dataset[SampleKey(*key)][0]

    assert torch.equal(pixels(0, 1, 0), pixels(2, 1, 2))  # nothing is drawn yet
    assert not torch.equal(pixels(3, 1, 3), pixels(3, 1, 4))
    assert torch.equal(pixels(3, 1, 3), pixels(5, 1, 3))


def test_labels_stay_in_full_size_pixels(tmp_path):
    write_tiny_people(tmp_path)
    small = replace(CONFIG, data=(str(tmp_path),), phases=((0, NO_AUGMENTATION),))
    key = SampleKey(0, 3, 0)
    (low, low_labels), (full, full_labels) = (
        load_training_set(config, tmp_path / "cache").dataset[key]
        for config in (small, replace(small, input_scale=1.0))
    )
    assert low.shape == (128, 96, 3) and full.shape == (256, 192, 3)
    torch.testing.assert_close(low_labels, full_labels, atol=1e-3, rtol=0)


def test_batches_are_the_same_for_any_number_of_loading_processes(tmp_path):
    write_tiny_people(tmp_path / "a")
    write_tiny_people(tmp_path / "b", 3, seed=1)
    data = ((str(tmp_path / "a"), 0.5), (str(tmp_path / "b"), 0.5))
    config = replace(CONFIG, data=data, epochs=2)
    training_set = load_training_set(config, tmp_path / "cache")
    assert training_set.lengths == (8, 3) and training_set.shares == (0.5, 0.5)

    def batches(workers, start=0):
        loader = build_loader(
            training_set, replace(config, workers=workers), steps_per_epoch=4, start_step=start
        )
        return list(loader)

    alone = batches(0)
    assert len(alone) == 8
    for others in (batches(2), batches(0, start=3)):
        for ours, theirs in zip(alone[-len(others) :], others, strict=True):
            assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


def test_people_of_the_tiny_folder(tmp_path):
    content = write_tiny_people(tmp_path)
    people = load_people(tmp_path / "train.json", tmp_path / "images")
    assert len(people) == len(content["annotations"]) and people.visible.all()
    assert json.loads(Path(tmp_path / "train.json").read_text()) == content
