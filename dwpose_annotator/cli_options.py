"""Command-line options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dwpose_annotator.types import ImageArray, Poses

Output = Annotated[
    Path,
    typer.Option("--output", "-o", help="File for one picture, else a folder (made if absent)."),
]
Style = Annotated[
    str,
    typer.Option(
        help="Named after the model that reads the map: openpose, openpose_feet, controlnet_aux, "
        "xinsir, easy_dwpose, mimic_motion or musepose.",
        rich_help_panel="Drawing",
    ),
]
Resolution = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Short side of the map in pixels, both sides rounded to multiples of 64; "
        "default: the size of the photo.",
        rich_help_panel="Drawing",
    ),
]
Threshold = Annotated[
    float,
    typer.Option(
        min=0, help="A point with a lower score counts as missing.", rich_help_panel="Drawing"
    ),
]
Thickness = Annotated[
    str,
    typer.Option(
        metavar="FACTOR",
        help="Factor on all widths; auto grows with the map (its short side / 512).",
        rich_help_panel="Drawing",
    ),
]
Body = Annotated[bool, typer.Option("--body/--no-body", rich_help_panel="Drawing")]
Hands = Annotated[bool, typer.Option("--hands/--no-hands", rich_help_panel="Drawing")]
Face = Annotated[
    bool | None,
    typer.Option("--face/--no-face", help="Default: as the style.", rich_help_panel="Drawing"),
]
Feet = Annotated[bool, typer.Option("--feet/--no-feet", rich_help_panel="Drawing")]

Pose = Annotated[
    str,
    typer.Option(help="Pose weights: a name of `dwpose weights list` or an .onnx file."),
]
Detector = Annotated[
    str,
    typer.Option(
        help="Detector weights: a name, an .onnx file, or none (each photo is one person)."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu, cuda, cuda:1, tensorrt, directml, coreml, openvino, rocm or migraphx."
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all cores.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never download anything.")]


@dataclass(frozen=True)
class DrawingOptions:
    """How a map is drawn, from the command line."""

    style: str
    resolution: int | None
    threshold: float
    thickness: str
    body: bool
    hands: bool
    face: bool | None
    feet: bool

    def check(self) -> None:
        """Find mistakes before any network is loaded.

        Raises:
            ValueError: no such style, or a thickness that is no positive number.
        """
        from dwpose_annotator.draw_styles import find_style

        find_style(self.style)
        self._thickness()

    def draw(self, poses: Poses, *, size_hw: tuple[int, int] | None = None) -> ImageArray:
        """Map (H, W, 3) uint8 RGB at ``size_hw``, else ``resolution``, else the photo's size."""
        from dwpose_annotator.draw import draw_poses
        from dwpose_annotator.resize import output_size_hw

        if size_hw is None and self.resolution is not None:
            size_hw = output_size_hw(poses.size_hw, self.resolution)
        return draw_poses(
            poses,
            style=self.style,
            size_hw=size_hw,
            body=self.body,
            hands=self.hands,
            face=self.face,
            feet=self.feet,
            threshold=self.threshold,
            thickness=self._thickness(),
        )

    def _thickness(self) -> float | Literal["auto"]:
        if self.thickness == "auto":
            return "auto"
        try:
            factor = float(self.thickness)
        except ValueError:
            factor = 0.0
        if not 0 < factor < math.inf:
            raise ValueError(f"--thickness must be a positive number or auto: {self.thickness!r}")
        return factor
