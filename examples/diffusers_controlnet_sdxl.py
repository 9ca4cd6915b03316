"""The same with SDXL: DWPose map in xinsir's style -> OpenPose ControlNet -> SDXL.

    python -m examples.diffusers_controlnet_sdxl photo.jpg "a knight in a forest" -o knight.png

Needs ``pip install ".[diffusers]"``. ``--model`` and ``--controlnet`` take folders or
Hugging Face names; with ``--offline`` nothing is downloaded.
"""

from __future__ import annotations

import argparse

from diffusers import ControlNetModel, StableDiffusionXLControlNetPipeline

from examples.diffusers_controlnet import (
    add_generation_options,
    generate,
    loading_options,
    missing_weights_explained,
    photo_parser,
)

MODEL = "stabilityai/stable-diffusion-xl-base-1.0"
CONTROLNET = "xinsir/controlnet-openpose-sdxl-1.0"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ``None`` takes that of this process."""
    parser = photo_parser(__doc__)
    add_generation_options(
        parser, model=MODEL, controlnet=CONTROLNET, resolution=1024, steps=30, guidance=6.0
    )
    return parser.parse_args(arguments)


def load_pipeline(
    model: str, controlnet: str, device: str, *, offline: bool
) -> StableDiffusionXLControlNetPipeline:
    """The pipeline on ``device``, in half precision on a GPU.

    Raises:
        SystemExit: files are missing; says how to get them.
    """
    options = loading_options(device, offline=offline)
    with missing_weights_explained(MODEL, CONTROLNET):
        control = ControlNetModel.from_pretrained(controlnet, **options)
        pipeline = StableDiffusionXLControlNetPipeline.from_pretrained(
            model, controlnet=control, add_watermarker=False, **options
        )
    return pipeline.to(device)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and generate."""
    generate(parse_arguments(arguments), load_pipeline, style="xinsir")


if __name__ == "__main__":
    main()
