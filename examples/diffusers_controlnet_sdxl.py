"""The same with SDXL: DWPose map in xinsir's style -> OpenPose ControlNet -> SDXL.

    python -m examples.diffusers_controlnet_sdxl photo.jpg "a knight in a forest" -o knight.png

Needs ``pip install ".[diffusers]"``. ``--model`` and ``--controlnet`` take folders or
Hugging Face names; with ``--offline`` nothing is downloaded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import ControlNetModel, StableDiffusionXLControlNetPipeline
from PIL import Image

from examples.diffusers_controlnet import (
    add_generation_options,
    best_device,
    loading_options,
    pose_map_of,
)

MODEL = "stabilityai/stable-diffusion-xl-base-1.0"
CONTROLNET = "xinsir/controlnet-openpose-sdxl-1.0"
MISSING = (
    "This example needs two sets of weights, as folders or in the Hugging Face cache:\n"
    f"  hf download {MODEL}\n  hf download {CONTROLNET}\n"
    "or name your own with --model and --controlnet."
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ``None`` takes that of this process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photo", type=Path, help="whose pose is taken")
    parser.add_argument("prompt")
    parser.add_argument("-o", "--output", type=Path, default=Path("generated.png"))
    parser.add_argument("--map", type=Path, help="also write the pose map here")
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
    try:
        control = ControlNetModel.from_pretrained(controlnet, **options)
        pipeline = StableDiffusionXLControlNetPipeline.from_pretrained(
            model, controlnet=control, add_watermarker=False, **options
        )
    except OSError as error:
        raise SystemExit(f"{error}\n\n{MISSING}") from error
    return pipeline.to(device)


def main(arguments: list[str] | None = None) -> None:
    """Photo and prompt in, picture out."""
    options = parse_arguments(arguments)
    pose_map = Image.fromarray(pose_map_of(options.photo, options.resolution, style="xinsir"))
    if options.map:
        pose_map.save(options.map)
    device = options.device or best_device()
    pipeline = load_pipeline(options.model, options.controlnet, device, offline=options.offline)
    result = pipeline(
        options.prompt,
        image=pose_map,
        height=pose_map.height,
        width=pose_map.width,
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.steps,
        guidance_scale=options.guidance,
        controlnet_conditioning_scale=options.strength,
        generator=torch.Generator().manual_seed(options.seed),
    )
    result.images[0].save(options.output)
    print(options.output)


if __name__ == "__main__":
    main()
