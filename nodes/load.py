"""Load DWPose."""

from __future__ import annotations

from comfy_api.latest import io

from dwpose_annotator import defaults

from .models import (
    DEVICE_CHOICES,
    NO_DETECTOR,
    describe_device,
    load_annotator,
    weight_choices,
)
from .progress import show_text
from .types import CATEGORY, DWPoseModel


class LoadDWPose(io.ComfyNode):
    """Its output is what ComfyUI caches: the networks stay loaded while the choices stay."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotatorLoad",
            display_name="Load DWPose",
            category=CATEGORY,
            description="Loads a pose network and a person detector. dwpose-s, dwpose-t and "
            "person-nano ship with this pack; the others are downloaded at first use.",
            inputs=[
                io.Combo.Input(
                    "pose_estimator",
                    options=weight_choices("pose"),
                    default=defaults.POSE,
                    tooltip="Pose network. dw-ll_ucoco_384 is the most accurate official one.",
                ),
                io.Combo.Input(
                    "bbox_detector",
                    options=[*weight_choices("detector"), NO_DETECTOR],
                    default=defaults.DETECTOR,
                    tooltip="Finds the people. none: each picture shows one person who fills it.",
                ),
                io.Combo.Input(
                    "device",
                    options=DEVICE_CHOICES,
                    default="auto",
                    tooltip="auto: where ComfyUI runs, as far as ONNX Runtime can. Any other "
                    "choice fails instead of falling back to the CPU.",
                ),
            ],
            outputs=[
                DWPoseModel.Output(display_name="model"),
                io.String.Output(display_name="device", tooltip="What really runs the networks."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, pose_estimator: str, bbox_detector: str, device: str) -> io.NodeOutput:
        annotator = load_annotator(pose_estimator, bbox_detector, device)
        text = describe_device(annotator)
        show_text(cls, text)
        return io.NodeOutput(annotator, annotator.provider, ui={"text": (text,)})
