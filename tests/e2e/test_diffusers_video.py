"""The video example on a tiny pipeline: every frame's map reaches the ControlNet."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dwpose_annotator import load_image
from dwpose_annotator.resize import resize_for_controlnet
from examples import diffusers_video
from examples.video_io import read_video, write_video
from tests.tiny_diffusion import write_tiny_motion, write_tiny_pipeline

PHOTO = Path(__file__).parents[2] / "examples/images/lunge.jpg"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Six frames of a photo that moves to the left, at 24 frames a second."""
    photo = resize_for_controlnet(load_image(PHOTO), 192)
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = [np.ascontiguousarray(photo[:, 8 * i : 8 * i + 256]) for i in range(6)]
    write_video(path, frames, Fraction(24))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("weights")
    model, controlnet = write_tiny_pipeline(folder)
    motion = write_tiny_motion(folder)
    names = ["--model", model, "--controlnet", controlnet, "--motion", motion]
    return [str(name) for name in names]


def test_the_maps_reach_the_controlnet_in_order(clip, weights, tmp_path, seen_by_controlnet):
    out = tmp_path / "out.mp4"
    diffusers_video.main(
        [
            *(str(clip), "a robot", "-o", str(out), "--maps", str(tmp_path / "maps"), *weights),
            *("--fps", "8", "--resolution", "128", "--steps", "2", "--repaint", "1"),
            *("--device", "cpu", "--offline"),
        ]
    )
    maps = [load_image(path) for path in sorted((tmp_path / "maps").iterdir())]
    assert len(maps) == 2  # every third of six
    assert all(pose_map.any() for pose_map in maps) and (maps[0] != maps[1]).any()
    assert len(seen_by_controlnet) == 2  # steps
    expected = np.stack([*maps, *maps]) / 255  # without and with guidance
    for condition in seen_by_controlnet:
        np.testing.assert_allclose(condition.transpose(0, 2, 3, 1), expected, atol=1e-6)
    frames, rate = read_video(out, most=100)
    assert len(frames) == 2 and rate == 8
    assert frames[0].shape == maps[0].shape


def test_long_films_are_made_in_windows(clip, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(diffusers_video, "WINDOW", 4)
    out = tmp_path / "out.mp4"
    diffusers_video.main(
        [
            *(str(clip), "a robot", "-o", str(out), "--fps", "24", "--resolution", "64", *weights),
            *("--steps", "1", "--repaint", "1", "--device", "cpu", "--offline"),
        ]
    )
    assert len(read_video(out, most=100)[0]) == 6


def test_what_is_missing_is_explained(tmp_path):
    nowhere = str(tmp_path / "none")
    with pytest.raises(SystemExit, match=r"hf download .*motion"):
        diffusers_video.load_pipeline(nowhere, nowhere, nowhere, "cpu", offline=True)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SystemExit, match="damaged, or not a video"):
        diffusers_video.main([str(tmp_path / "text.mp4"), "a robot"])
    grey = tmp_path / "grey.mp4"
    write_video(grey, [np.full((64, 64, 3), 127, np.uint8)] * 2, Fraction(8))
    with pytest.raises(SystemExit, match="nobody found"):
        diffusers_video.main([str(grey), "a robot"])


def test_frames_of_a_video(clip):
    frames, rate = read_video(clip, most=4)
    assert len(frames) == 4 and rate == 24
    with av.open(str(clip)) as video:
        assert video.streams.video[0].codec_context.pix_fmt == "yuv420p"
