"""ComfyUI's pictures, progress and stop button as the nodes use them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.comfy_pack import comfyui


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    with comfyui(tmp_path_factory.mktemp("comfyui")) as core:
        yield core


@pytest.fixture(scope="module")
def images(core):
    return core.part("images")


def test_every_grey_level_survives_the_round_trip(images):
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    frames = images.TensorFrames(torch.from_numpy(levels).float() / 255)
    np.testing.assert_array_equal(frames[0], levels[0])
    maps = images.black_maps(1, (16, 16))
    images.put_map(maps, 0, levels[0])
    written = (255.0 * maps[0].numpy()).clip(0, 255).astype(np.uint8)  # as ComfyUI saves pictures
    np.testing.assert_array_equal(written, levels[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_kind_of_picture_becomes_rgb(images, dtype, channels):
    frames = images.TensorFrames(torch.full((2, 5, 7, channels), 0.5, dtype=dtype))
    assert len(frames) == 2
    assert frames.size_hw == (5, 7)
    assert frames[1].shape == (5, 7, 3)
    assert frames[1].dtype == np.uint8
    assert np.unique(frames[1]).tolist() == [128]


def test_values_out_of_range_are_cut(images):
    image = torch.tensor([-0.5, 1.7, float("nan")]).reshape(1, 1, 1, 3)
    assert images.TensorFrames(image)[0].ravel().tolist() == [0, 255, 0]


def test_half_precision_pictures_where_comfyui_keeps_them(images, core, monkeypatch):
    assert images.black_maps(2, (3, 4)).dtype == torch.float32
    monkeypatch.setattr(core.management, "intermediate_dtype", lambda: torch.float16, raising=False)
    maps = images.black_maps(2, (3, 4))
    assert maps.dtype == torch.float16
    images.put_map(maps, 1, np.full((3, 4, 3), 153, np.uint8))
    assert maps[1].float().mul(255).round().unique().tolist() == [153]
    assert not maps[0].any()


@pytest.mark.parametrize("count, expected", [(1, [0]), (4, [0, 1, 2, 3]), (300, [0, 75, 150, 225])])
def test_a_few_previews_spread_over_the_batch(images, count, expected):
    maps = torch.arange(count).reshape(-1, 1, 1, 1)
    assert images.some_of(maps).ravel().tolist() == expected


def test_progress_shows_some_pictures_and_stops_when_asked(core, monkeypatch):
    seen = []
    monkeypatch.setattr(core.utils, "PROGRESS_BAR_HOOK", lambda *state: seen.append(state))
    progress = core.part("progress").Progress(40)
    for _ in range(40):
        progress.step(lambda: np.zeros((4, 6, 3), np.uint8))
    assert [state[:2] for state in seen] == [(i, 40) for i in range(1, 41)]
    shown = [value for value, _, preview in seen if preview is not None]
    assert shown == [1, 17, 33, 40]
    kind, picture, side = seen[0][2]
    assert (kind, picture.size, side) == ("JPEG", (6, 4), 512)

    core.management.interrupt_current_processing()
    with pytest.raises(core.management.InterruptProcessingException):
        progress.step()
