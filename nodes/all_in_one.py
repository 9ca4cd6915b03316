"""DWPose: the one node that replaces DWPreprocessor of comfyui_controlnet_aux."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from comfy_api.latest import io

from dwpose_annotator import defaults

from .images import TensorFrames, black_maps, preview, put_map
from .models import NO_DETECTOR, describe_device, load_annotator, weight_choices
from .pose_keypoint import to_pose_keypoint
from .progress import Progress, show_text
from .types import CATEGORY, DWPoseModel, PoseKeypoint

if TYPE_CHECKING:
    import torch

    from dwpose_annotator import Annotator, Poses

SWITCH = ["enable", "disable"]
# Choices of DWPreprocessor -> our weights. TorchScript files hold the same networks.
OLD_DETECTORS = {
    "None": NO_DETECTOR,
    "yolox_l.onnx": "yolox_l",
    "yolox_l.torchscript.pt": "yolox_l",
}
OLD_ESTIMATORS = {
    "dw-ll_ucoco_384.onnx": "dw-ll_ucoco_384",
    "dw-ll_ucoco.onnx": "dw-ll_ucoco",
    "dw-ll_ucoco_384_bs5.torchscript.pt": "dw-ll_ucoco_384",
}


def _choices(kind, old: dict[str, str]) -> list[str]:
    new = [name for name in weight_choices(kind) if name not in old.values()]
    return [*new, *old]


def _inputs() -> list[io.Input]:
    """The inputs of DWPreprocessor, in its order, and one more."""
    part = "Draw this part and keep it in the JSON."
    return [
        io.Image.Input("image", tooltip="One picture or the frames of a clip."),
        io.Combo.Input("detect_hand", options=SWITCH, default="enable", tooltip=part),
        io.Combo.Input("detect_body", options=SWITCH, default="enable", tooltip=part),
        io.Combo.Input("detect_face", options=SWITCH, default="enable", tooltip=part),
        io.Int.Input(
            "resolution",
            default=512,
            min=64,
            max=16384,
            step=64,
            tooltip="Short side of the map, which is drawn at this size.",
        ),
        io.Combo.Input(
            "bbox_detector",
            options=_choices("detector", OLD_DETECTORS),
            default=defaults.DETECTOR,
            tooltip="Finds the people. None: each picture shows one person who fills it.",
        ),
        io.Combo.Input(
            "pose_estimator",
            options=_choices("pose", OLD_ESTIMATORS),
            default=defaults.POSE,
            tooltip="dwpose-s and the faster dwpose-t ship with this pack; "
            "dw-ll_ucoco_384 is the most accurate one.",
        ),
        io.Combo.Input(
            "scale_stick_for_xinsr_cn",
            options=SWITCH[::-1],
            default="disable",
            tooltip="Thicker limbs on large maps, for the SDXL ControlNet by xinsir.",
        ),
        DWPoseModel.Input(
            "model",
            optional=True,
            tooltip="Networks that stay loaded between runs, instead of the two choices above.",
        ),
    ]


class DWPoseAllInOne(io.ComfyNode):
    """IMAGE -> map and POSE_KEYPOINT."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotator",
            display_name="DWPose",
            category=CATEGORY,
            description="Picture to OpenPose skeleton map in one node, with the inputs of the "
            "DWPose Estimator that people know.",
            inputs=_inputs(),
            outputs=[
                io.Image.Output(display_name="IMAGE"),
                PoseKeypoint.Output(display_name="POSE_KEYPOINT"),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        image,
        detect_hand: str = "enable",
        detect_body: str = "enable",
        detect_face: str = "enable",
        resolution: int = 512,
        bbox_detector: str = defaults.DETECTOR,
        pose_estimator: str = defaults.POSE,
        scale_stick_for_xinsr_cn: str = "disable",
        model: Annotator | None = None,
    ) -> io.NodeOutput:
        if model is None:
            model = load_annotator(
                OLD_ESTIMATORS.get(pose_estimator, pose_estimator),
                OLD_DETECTORS.get(bbox_detector, bbox_detector),
                "auto",
            )
        show_text(cls, describe_device(model))
        parts = {
            "body": detect_body == "enable",
            "hands": detect_hand == "enable",
            "face": detect_face == "enable",
        }
        style = "xinsir" if scale_stick_for_xinsr_cn == "enable" else "controlnet_aux"
        maps, poses = _annotate(model, TensorFrames(image), style, resolution, parts)
        pose_keypoint = to_pose_keypoint(poses, **parts)
        shown = {**preview(maps, cls), "openpose_json": [json.dumps(pose_keypoint)]}
        return io.NodeOutput(maps, pose_keypoint, ui=shown)


def _annotate(
    model: Annotator, frames: TensorFrames, style: str, resolution: int, parts: dict[str, bool]
) -> tuple[torch.Tensor, list[Poses]]:
    """IMAGE of the maps, and the poses in them; each map is drawn as soon as its pose is known."""
    from dwpose_annotator import draw_poses
    from dwpose_annotator.clip import estimate_frames
    from dwpose_annotator.resize import short_side_hw

    size_hw = short_side_hw(frames.size_hw, resolution)
    maps, progress, poses = black_maps(len(frames), size_hw), Progress(len(frames)), []
    for index, frame in enumerate(estimate_frames(model, frames)):
        pixels = draw_poses(frame, style=style, size_hw=size_hw, **parts)
        put_map(maps, index, pixels)
        poses.append(frame)
        progress.step(lambda pixels=pixels: pixels)
    return maps, poses
