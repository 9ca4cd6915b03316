"""A video's movement in a new style: DWPose maps -> OpenPose ControlNet -> AnimateDiff.

    python -m examples.diffusers_video dance.mp4 "a robot dances in a desert" -o robot.mp4

Needs ``pip install ".[diffusers,video]"`` and, for more than a few frames, a GPU. ``--model``,
``--controlnet`` and ``--motion`` take folders or Hugging Face names; with ``--offline`` nothing is
downloaded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AnimateDiffVideoToVideoControlNetPipeline,
    ControlNetModel,
    DDIMScheduler,
    MotionAdapter,
)
from PIL import Image

from dwpose_annotator import Annotator
from dwpose_annotator.clip import estimate_frames
from dwpose_annotator.images import save_image
from dwpose_annotator.resize import resize_for_controlnet
from dwpose_annotator.types import ImageArray
from examples.diffusers_controlnet import (
    CONTROLNET,
    MODEL,
    add_generation_options,
    best_device,
    loading_options,
    missing_weights_explained,
)
from examples.video_io import read_video, write_video

MOTION = "guoyww/animatediff-motion-adapter-v1-5-3"
WINDOW = 16  # frames that the motion adapter was trained with


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ``None`` takes that of this process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("video", type=Path, help="whose movement is taken")
    parser.add_argument("prompt")
    parser.add_argument("-o", "--output", type=Path, default=Path("generated.mp4"))
    parser.add_argument("--maps", type=Path, help="also write the pose maps into this folder")
    parser.add_argument("--motion", default=MOTION, help="motion adapter: folder or name")
    parser.add_argument("--frames", type=int, default=48, help="generate at most so many")
    parser.add_argument("--fps", type=float, default=8, help="leave frames out to come near it")
    parser.add_argument("--repaint", type=float, default=0.8, help="1 keeps nothing but the pose")
    parser.add_argument("--detect-every", type=int, default=1, help="boxes between are filled in")
    add_generation_options(parser, model=MODEL, controlnet=CONTROLNET, steps=25)
    return parser.parse_args(arguments)


def pose_maps_of(frames: list[ImageArray], *, detect_every: int = 1) -> list[ImageArray]:
    """One map per frame, of its size; the people of many frames share network batches.

    Raises:
        SystemExit: no frame shows anybody.
    """
    annotator = Annotator.from_pretrained()
    poses = list(estimate_frames(annotator, frames, detect_every=detect_every))
    if not any(len(people) for people in poses):
        raise SystemExit("nobody found in any frame, so there is no movement to follow")
    return [annotator.draw(people) for people in poses]


def load_pipeline(
    model: str, controlnet: str, motion: str, device: str, *, offline: bool
) -> AnimateDiffVideoToVideoControlNetPipeline:
    """The pipeline on ``device``, in half precision on a GPU.

    Raises:
        SystemExit: files are missing; says how to get them.
    """
    options = loading_options(device, offline=offline)
    with missing_weights_explained(MODEL, CONTROLNET, MOTION):
        pipeline = AnimateDiffVideoToVideoControlNetPipeline.from_pretrained(
            model,
            controlnet=ControlNetModel.from_pretrained(controlnet, **options),
            motion_adapter=MotionAdapter.from_pretrained(motion, **options),
            **options,
        )
    # The schedule of the adapter's own model card.
    pipeline.scheduler = DDIMScheduler.from_config(
        pipeline.scheduler.config,
        beta_schedule="linear",
        clip_sample=False,
        timestep_spacing="linspace",
        steps_offset=1,
    )
    pipeline.vae.enable_slicing()
    return pipeline.to(device)


def main(arguments: list[str] | None = None) -> None:
    """Video and prompt in, video out."""
    options = parse_arguments(arguments)
    try:
        frames, rate = read_video(options.video, most=options.frames, fps=options.fps)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    frames = [resize_for_controlnet(frame, options.resolution) for frame in frames]
    maps = pose_maps_of(frames, detect_every=options.detect_every)
    if options.maps:
        options.maps.mkdir(parents=True, exist_ok=True)
        for number, pose_map in enumerate(maps):
            save_image(options.maps / f"map_{number:05}.png", pose_map, flat=True)
    device = options.device or best_device()
    pipeline = load_pipeline(
        options.model, options.controlnet, options.motion, device, offline=options.offline
    )
    if len(frames) > WINDOW:  # longer films are made in windows that overlap
        pipeline.enable_free_noise(context_length=WINDOW, context_stride=4)
    result = pipeline(
        video=[Image.fromarray(frame) for frame in frames],
        prompt=options.prompt,
        conditioning_frames=[Image.fromarray(pose_map) for pose_map in maps],
        height=maps[0].shape[0],
        width=maps[0].shape[1],
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.steps,
        guidance_scale=options.guidance,
        strength=options.repaint,
        controlnet_conditioning_scale=options.strength,
        generator=torch.Generator().manual_seed(options.seed),
    )
    write_video(options.output, [np.asarray(frame) for frame in result.frames[0]], rate)
    print(options.output)


if __name__ == "__main__":
    main()
