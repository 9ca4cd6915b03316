"""DWPose Draw."""

from __future__ import annotations

from comfy_api.latest import io

from dwpose_annotator.draw_styles import STYLES

from .images import black_maps, preview, put_map
from .pose_keypoint import from_pose_keypoint
from .progress import Progress
from .types import CATEGORY, PoseKeypoint

SMALLEST = 64  # pixels; what an empty list gives, as ComfyUI's own drawer does
LARGEST = 16384

INPUTS = [
    PoseKeypoint.Input("pose_keypoint"),
    io.Combo.Input(
        "style",
        options=list(STYLES),
        default="openpose",
        tooltip="Named after the model that reads the map.",
    ),
    io.Int.Input(
        "width",
        default=0,
        min=0,
        max=LARGEST,
        step=8,
        tooltip="0: the width of the first frame's canvas, or what keeps the aspect.",
    ),
    io.Int.Input(
        "height",
        default=0,
        min=0,
        max=LARGEST,
        step=8,
        tooltip="0: the height of the first frame's canvas, or what keeps the aspect.",
    ),
    io.Boolean.Input("body", default=True),
    io.Boolean.Input("hands", default=True),
    io.Boolean.Input("face", default=True),
    io.Boolean.Input("feet", default=False, tooltip="Most models do not know feet."),
    io.Float.Input(
        "keypoint_threshold",
        default=0.3,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Points that score less are not drawn.",
    ),
    io.Float.Input(
        "thickness",
        default=1.0,
        min=0.0,
        max=20.0,
        step=0.05,
        tooltip="Factor on all widths; 1 is the original at every size. 0: grows with the map "
        "(its short side / 512).",
    ),
]


class DWPoseDraw(io.ComfyNode):
    """POSE_KEYPOINT -> IMAGE at any size."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotatorDraw",
            display_name="DWPose Draw",
            category=CATEGORY,
            description="Draws poses at any size; sticks and dots stay crisp.",
            inputs=INPUTS,
            outputs=[io.Image.Output(display_name="IMAGE")],
        )

    @classmethod
    def execute(
        cls,
        pose_keypoint,
        style: str = "openpose",
        width: int = 0,
        height: int = 0,
        body: bool = True,
        hands: bool = True,
        face: bool = True,
        feet: bool = False,
        keypoint_threshold: float = 0.3,
        thickness: float = 1.0,
    ) -> io.NodeOutput:
        from dwpose_annotator import draw_poses

        frames = from_pose_keypoint(pose_keypoint)
        canvas_hw = frames[0].size_hw if frames else (SMALLEST, SMALLEST)
        size_hw = wanted_size(canvas_hw, width, height)
        maps, progress = black_maps(max(len(frames), 1), size_hw), Progress(len(frames))
        for index, poses in enumerate(frames):
            pixels = draw_poses(
                poses,
                style=style,
                size_hw=size_hw,
                body=body,
                hands=hands,
                face=face,
                feet=feet,
                threshold=keypoint_threshold,
                thickness=thickness or "auto",
            )
            put_map(maps, index, pixels)
            progress.step()
        return io.NodeOutput(maps, ui=preview(maps, cls))


def wanted_size(canvas_hw: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """(height, width) of the map; a side of 0 follows the canvas."""
    canvas_height, canvas_width = canvas_hw
    if not width and not height:
        return canvas_hw
    return (
        height or max(1, round(width * canvas_height / canvas_width)),
        width or max(1, round(height * canvas_width / canvas_height)),
    )
