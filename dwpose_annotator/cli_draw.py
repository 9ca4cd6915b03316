"""``dwpose draw``: keypoints that were stored as JSON, to maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dwpose_annotator.cli_options import (
    Body,
    DrawingOptions,
    Face,
    Feet,
    Hands,
    Output,
    Resolution,
    Style,
    Thickness,
    Threshold,
)


def draw(
    keypoints: Annotated[
        Path,
        typer.Argument(metavar="JSON", help="OpenPose JSON of any dialect: one frame or a list."),
    ],
    output: Output,
    style: Style = "openpose",
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            help="Size of the map; default: that of the JSON's canvas.",
            rich_help_panel="Drawing",
        ),
    ] = None,
    resolution: Resolution = None,
    threshold: Threshold = 0.3,
    thickness: Thickness = "1",
    body: Body = True,
    hands: Hands = True,
    face: Face = None,
    feet: Feet = False,
) -> None:
    """Draw stored keypoints again, at any size and in any style; a list gives numbered pictures."""
    from dwpose_annotator.images import save_image
    from dwpose_annotator.inputs import numbered_targets
    from dwpose_annotator.openpose_json import from_openpose_json

    if size is not None and resolution is not None:
        raise ValueError("--size and --resolution both set the size of the map; give one")
    drawing = DrawingOptions(style, resolution, threshold, thickness, body, hands, face, feet)
    drawing.check()
    size_hw = None if size is None else _parse_size(size)
    frames = from_openpose_json(keypoints)
    poses = frames if isinstance(frames, list) else [frames]
    targets = numbered_targets(keypoints.stem, len(poses), output)
    for target, frame in zip(targets, poses, strict=True):
        save_image(target, drawing.draw(frame, size_hw=size_hw), flat=True)
    where = targets[0] if len(targets) == 1 else f"{targets[0].parent}: {len(targets)} maps"
    typer.echo(where)


def _parse_size(text: str) -> tuple[int, int]:
    """``512x768`` (width x height) as (768, 512)."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f"--size must look like 512x768 (width x height), got {text!r}")
    return int(height), int(width)
