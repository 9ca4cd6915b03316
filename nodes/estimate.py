"""DWPose Estimate."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from comfy_api.latest import io

from .images import TensorFrames
from .models import describe_device, with_detector_options
from .people import ORDERS, boxes_from_comfy, boxes_to_comfy, people_choice
from .pose_keypoint import to_pose_keypoint
from .progress import PREVIEW_SIDE, Progress, show_text
from .types import CATEGORY, BoundingBoxes, DWPoseKeypoints, DWPoseModel, PoseKeypoint

if TYPE_CHECKING:
    from dwpose_annotator import Annotator, Poses

INPUTS = [
    DWPoseModel.Input("model"),
    io.Image.Input("image", tooltip="One picture or the frames of a clip."),
    io.Float.Input(
        "person_threshold",
        default=0.3,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="People whose box scores less are passed over. Lower it for drawings and crowds.",
    ),
    io.Float.Input(
        "keypoint_threshold",
        default=0.3,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Points that score less are not visible in POSE_KEYPOINT.",
    ),
    io.Int.Input(
        "max_people", default=0, min=0, max=1000, tooltip="Keep so many people; 0 keeps all."
    ),
    io.Combo.Input(
        "person_order",
        options=ORDERS,
        default="score",
        tooltip="Order of the people, before person_indices and max_people choose.",
    ),
    io.String.Input(
        "person_indices",
        default="",
        tooltip="People to keep, by their place in that order: 0 is the first, 0,2 the first and "
        "the third, -1 the last. Empty keeps all.",
    ),
    io.Int.Input(
        "detect_every",
        default=1,
        min=1,
        max=1000,
        tooltip="Look for people on every so many frames and move their boxes evenly between: "
        "the largest gain in speed on video.",
    ),
    io.Boolean.Input(
        "whole_image_if_nobody",
        default=False,
        tooltip="Pose the whole picture when nobody is found. Helps with drawings, but invents "
        "skeletons on empty scenes.",
    ),
    io.Mask.Input(
        "mask", optional=True, tooltip="Keep only people who are marked on a quarter of their box."
    ),
    BoundingBoxes.Input(
        "boxes",
        optional=True,
        tooltip="The people, instead of looking for them.",
        extra_dict={"forceInput": True},
    ),
]


class DWPoseEstimate(io.ComfyNode):
    """IMAGE -> keypoints of the people of every frame."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotatorEstimate",
            display_name="DWPose Estimate",
            category=CATEGORY,
            description="Finds people and their body, hand, face and foot keypoints.",
            inputs=INPUTS,
            outputs=[
                PoseKeypoint.Output(display_name="POSE_KEYPOINT"),
                DWPoseKeypoints.Output(
                    display_name="keypoints",
                    tooltip="A dwpose_annotator.Poses per frame, for nodes written in Python.",
                ),
                io.Int.Output(
                    display_name="person_count",
                    tooltip="People in the frame that shows the most.",
                ),
                BoundingBoxes.Output(display_name="boxes"),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: Annotator,
        image,
        person_threshold: float = 0.3,
        keypoint_threshold: float = 0.3,
        max_people: int = 0,
        person_order: str = "score",
        person_indices: str = "",
        detect_every: int = 1,
        whole_image_if_nobody: bool = False,
        mask=None,
        boxes=None,
    ) -> io.NodeOutput:
        from dwpose_annotator.clip import estimate_frames

        frames = TensorFrames(image)
        show_text(cls, describe_device(model))
        found = estimate_frames(
            with_detector_options(
                model,
                score_threshold=person_threshold,
                whole_image_if_nobody=whole_image_if_nobody,
            ),
            frames,
            boxes=boxes_from_comfy(boxes, len(frames)),
            detect_every=detect_every,
            choose=people_choice(person_order, person_indices, max_people, mask, frames.size_hw),
        )
        return _outputs(_with_progress(found, frames), keypoint_threshold)


def _outputs(poses: list[Poses], threshold: float) -> io.NodeOutput:
    from dwpose_annotator import Boxes

    pose_keypoint = to_pose_keypoint(poses, threshold=threshold)
    boxes = boxes_to_comfy([Boxes(frame.box, frame.box_score) for frame in poses])
    count = max((len(frame) for frame in poses), default=0)
    shown = {"openpose_json": [json.dumps(pose_keypoint)]}
    return io.NodeOutput(pose_keypoint, poses, count, boxes, ui=shown)


def _with_progress(found: Iterable[Poses], frames: TensorFrames) -> list[Poses]:
    """The poses of all frames; while they are being found, some maps are shown."""
    from dwpose_annotator import draw_poses
    from dwpose_annotator.resize import short_side_hw

    small_hw = short_side_hw(frames.size_hw, min(PREVIEW_SIDE, *frames.size_hw))
    progress, poses = Progress(len(frames)), []
    for frame in found:
        poses.append(frame)
        progress.step(partial(draw_poses, frame, size_hw=small_hw))
    return poses
