"""A photo's pose on a new picture: DWPose map -> OpenPose ControlNet -> Stable Diffusion 1.5.

    python examples/diffusers_controlnet.py photo.jpg "a knight in a forest" -o knight.png

Needs ``pip install ".[diffusers]"``. ``--model`` and ``--controlnet`` take folders or
Hugging Face names; with ``--offline`` nothing is downloaded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, UniPCMultistepScheduler
from PIL import Image

from dwpose_annotator import Annotator, load_image
from dwpose_annotator.resize import resize_for_controlnet
from dwpose_annotator.types import ImageArray

MODEL = "stable-diffusion-v1-5/stable-diffusion-v1-5"
CONTROLNET = "lllyasviel/control_v11p_sd15_openpose"
LoadPipeline: TypeAlias = Callable[..., Any]
"""``load_pipeline`` of an example: model, controlnet, device, and ``offline``."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ``None`` takes that of this process."""
    parser = photo_parser(__doc__)
    add_generation_options(parser, model=MODEL, controlnet=CONTROLNET)
    return parser.parse_args(arguments)


def photo_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with what an example that starts from a photo takes."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("photo", type=Path, help="whose pose is taken")
    parser.add_argument("prompt")
    parser.add_argument("-o", "--output", type=Path, default=Path("generated.png"))
    parser.add_argument("--map", type=Path, help="also write the pose map here")
    return parser


def add_generation_options(
    parser: argparse.ArgumentParser,
    *,
    model: str,
    controlnet: str,
    resolution: int = 512,
    steps: int = 20,
    guidance: float = 7.5,
) -> None:
    """The options that all these examples share, with the defaults that fit the model."""
    parser.add_argument("--model", default=model, help="base model: folder or name")
    parser.add_argument("--controlnet", default=controlnet, help="folder or name")
    parser.add_argument("--negative-prompt", default="lowres, bad anatomy, worst quality")
    parser.add_argument(
        "--resolution", type=int, default=resolution, help="short side; multiple of 64"
    )
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--guidance", type=float, default=guidance)
    parser.add_argument("--strength", type=float, default=1.0, help="weight of the pose map")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="torch device of the pipeline; default: cuda, mps or cpu")
    parser.add_argument("--offline", action="store_true", help="use local files only")


def loading_options(device: str, *, offline: bool) -> dict[str, Any]:
    """For ``from_pretrained``: half precision on a GPU, and perhaps no download."""
    dtype = torch.float32 if device == "cpu" else torch.float16
    return {"dtype": dtype, "local_files_only": offline}


@contextmanager
def missing_weights_explained(*names: str) -> Iterator[None]:
    """Leave the program with a way to get the files if they cannot be loaded inside."""
    try:
        yield
    except OSError as error:
        commands = "".join(f"  hf download {name}\n" for name in names)
        raise SystemExit(
            f"{error}\n\nThis example needs weights, as folders or in the Hugging Face cache:\n"
            f"{commands}or name your own: --model, --controlnet and so on, see --help."
        ) from error


def pose_map_of(photo: Path, resolution: int, *, style: str = "openpose") -> ImageArray:
    """The photo's map in the size that is generated: sides are multiples of 64.

    Raises:
        SystemExit: nobody was found.
    """
    annotator = Annotator.from_pretrained()
    image = resize_for_controlnet(load_image(photo), resolution)
    poses = annotator.estimate(image)
    if not len(poses):
        raise SystemExit(f"{photo}: nobody found, so there is no pose to follow")
    return annotator.draw(poses, style=style)


def load_pipeline(
    model: str, controlnet: str, device: str, *, offline: bool
) -> StableDiffusionControlNetPipeline:
    """The pipeline on ``device``, in half precision on a GPU.

    Raises:
        SystemExit: files are missing; says how to get them.
    """
    options = loading_options(device, offline=offline)
    with missing_weights_explained(MODEL, CONTROLNET):
        control = ControlNetModel.from_pretrained(controlnet, **options)
        pipeline = StableDiffusionControlNetPipeline.from_pretrained(
            model, controlnet=control, safety_checker=None, **options
        )
    pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
    return pipeline.to(device)


def best_device() -> str:
    """cuda, mps or cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def generate(options: argparse.Namespace, load: LoadPipeline, *, style: str) -> None:
    """Photo and prompt in, picture out."""
    pose_map = Image.fromarray(pose_map_of(options.photo, options.resolution, style=style))
    if options.map:
        pose_map.save(options.map)
    device = options.device or best_device()
    pipeline = load(options.model, options.controlnet, device, offline=options.offline)
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


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and generate."""
    generate(parse_arguments(arguments), load_pipeline, style="openpose")


if __name__ == "__main__":
    main()
