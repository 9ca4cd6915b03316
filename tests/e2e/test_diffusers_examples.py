"""The diffusers examples on tiny pipelines of random weights: the ControlNet gets the very map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples import diffusers_controlnet, diffusers_controlnet_sdxl, diffusers_modular
from tests.tiny_diffusion import write_tiny_pipeline, write_tiny_sdxl

PHOTO = Path(__file__).parents[2] / "examples/images/lunge.jpg"


@pytest.mark.parametrize(
    ("example", "write", "calls"),
    [
        (diffusers_controlnet, write_tiny_pipeline, 2),
        (diffusers_controlnet_sdxl, write_tiny_sdxl, 2),
        (diffusers_modular, write_tiny_sdxl, 4),  # guidance is a call of its own there
    ],
    ids=["sd15", "sdxl", "modular"],
)
def test_the_map_reaches_the_controlnet_unchanged(
    example, write, calls, tmp_path, seen_by_controlnet
):
    model, controlnet = write(tmp_path)
    example.main(
        [
            *(str(PHOTO), "a knight", "-o", str(tmp_path / "out.png")),
            *("--map", str(tmp_path / "map.png"), "--resolution", "128", "--steps", "2"),
            *("--model", str(model), "--controlnet", str(controlnet)),
            *("--device", "cpu", "--offline"),
        ]
    )
    pose_map = np.asarray(Image.open(tmp_path / "map.png"))
    assert min(pose_map.shape[:2]) == 128 and pose_map.shape[1] > pose_map.shape[0]
    assert pose_map.any()
    assert len(seen_by_controlnet) == calls  # of two steps
    for condition in seen_by_controlnet:
        for one in condition:  # without and with guidance
            np.testing.assert_allclose(one.transpose(1, 2, 0), pose_map / 255, atol=1e-6)
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (pose_map.shape[1], pose_map.shape[0])


@pytest.mark.parametrize(
    "example", [diffusers_controlnet, diffusers_controlnet_sdxl, diffusers_modular]
)
def test_missing_weights_are_explained(example, tmp_path):
    nowhere = str(tmp_path / "none")
    with pytest.raises(SystemExit, match="hf download"):
        example.load_pipeline(nowhere, nowhere, "cpu", offline=True)


def test_an_empty_scene_is_explained(tmp_path):
    Image.new("RGB", (256, 256), "white").save(tmp_path / "empty.png")
    with pytest.raises(SystemExit, match="nobody found"):
        diffusers_controlnet.pose_map_of(tmp_path / "empty.png", 256)
