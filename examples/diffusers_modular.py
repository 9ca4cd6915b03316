"""The same as one pipeline: a Modular Diffusers SDXL pipeline that takes the photo itself.

    python -m examples.diffusers_modular photo.jpg "a knight in a forest" -o knight.png

Options, weights and needs are those of ``examples.diffusers_controlnet_sdxl``.
"""

from __future__ import annotations

import torch
from diffusers import (
    ControlNetModel,
    StableDiffusionXLAutoBlocks,
    StableDiffusionXLModularPipeline,
)

from dwpose_annotator.integrations.modular_diffusers import PoseMapStep
from examples.diffusers_controlnet import best_device, loading_options, missing_weights_explained
from examples.diffusers_controlnet_sdxl import CONTROLNET, MODEL, parse_arguments


def load_pipeline(
    model: str, controlnet: str, device: str, *, offline: bool
) -> StableDiffusionXLModularPipeline:
    """SDXL with a ControlNet, and the pose map as its first step.

    Raises:
        SystemExit: files are missing; says how to get them.
    """
    blocks = StableDiffusionXLAutoBlocks().get_workflow("controlnet_text2image")
    blocks.sub_blocks.insert("pose_map", PoseMapStep(), 0)
    options = loading_options(device, offline=offline)
    with missing_weights_explained(MODEL, CONTROLNET):
        pipeline = StableDiffusionXLModularPipeline(blocks, model, local_files_only=offline)
        pipeline.load_components(**options)
        control = ControlNetModel.from_pretrained(controlnet, **options)
    pipeline.update_components(controlnet=control)
    return pipeline.to(device)


def main(arguments: list[str] | None = None) -> None:
    """Photo and prompt in, picture out."""
    options = parse_arguments(arguments)
    device = options.device or best_device()
    pipeline = load_pipeline(options.model, options.controlnet, device, offline=options.offline)
    pipeline.update_components(guider=pipeline.guider.new(guidance_scale=options.guidance))
    result = pipeline(
        photo=options.photo,
        pose_style="xinsir",
        resolution=options.resolution,
        prompt=options.prompt,
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.steps,
        controlnet_conditioning_scale=options.strength,
        generator=torch.Generator().manual_seed(options.seed),
    )
    if options.map:
        result.get("pose_map").save(options.map)
    result.get("images")[0].save(options.output)
    print(options.output)


if __name__ == "__main__":
    main()
