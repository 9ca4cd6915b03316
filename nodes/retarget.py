"""Pose Align / Retarget."""

from __future__ import annotations

import json
import logging

from comfy_api.latest import io

from dwpose_annotator.retarget import retarget

from .pose_keypoint import from_pose_keypoint, to_pose_keypoint
from .types import CATEGORY, PoseKeypoint

logger = logging.getLogger(__name__)


class PoseRetarget(io.ComfyNode):
    """The motion of one clip on the body of another picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotatorRetarget",
            display_name="Pose Align / Retarget",
            category=CATEGORY,
            description="Gives the people of a clip the limb lengths, size and place of a "
            "reference pose. Their feet stay on the ground.",
            inputs=[
                PoseKeypoint.Input("pose_keypoint", tooltip="The motion."),
                PoseKeypoint.Input(
                    "reference", tooltip="The body. Of several frames, the first counts."
                ),
                io.Int.Input(
                    "source_frame",
                    default=0,
                    min=0,
                    max=100000,
                    tooltip="Frame of the motion that is compared with the reference: choose one "
                    "with a similar posture, and none with limbs that point at the camera.",
                ),
                io.Float.Input(
                    "max_ratio",
                    default=1.5,
                    min=1.0,
                    max=10.0,
                    step=0.05,
                    tooltip="A limb grows or shrinks at most so many times more than the whole "
                    "person. 1: all limbs alike.",
                ),
                io.Boolean.Input(
                    "align",
                    default=True,
                    tooltip="Also take over size and place of the reference. Off: people stay "
                    "where they are and only their proportions change.",
                ),
            ],
            outputs=[PoseKeypoint.Output(display_name="POSE_KEYPOINT")],
        )

    @classmethod
    def execute(
        cls,
        pose_keypoint,
        reference,
        source_frame: int = 0,
        max_ratio: float = 1.5,
        align: bool = True,
    ) -> io.NodeOutput:
        frames, bodies = from_pose_keypoint(pose_keypoint), from_pose_keypoint(reference)
        if not bodies or not len(bodies[0]):
            logger.warning("DWPose: the reference shows nobody, so the poses stay as they are")
        else:
            frames = retarget(
                frames,
                bodies[0],
                source_frame=source_frame,
                max_ratio=max_ratio,
                align=align,
            )
        result = to_pose_keypoint(frames)
        return io.NodeOutput(result, ui={"openpose_json": [json.dumps(result)]})
