"""Types of the connections between nodes, and the menu they share."""

from __future__ import annotations

from comfy_api.latest import io

CATEGORY = "DWPose"

DWPoseModel = io.Custom("DWPOSE_MODEL")  # dwpose_annotator.Annotator
DWPoseKeypoints = io.Custom("DWPOSE_KEYPOINTS")  # list[dwpose_annotator.Poses], one per frame
# Shared with comfyui_controlnet_aux, the pose editors and ComfyUI's SDPose nodes: a list with one
# OpenPose dict per frame.
PoseKeypoint = io.Custom("POSE_KEYPOINT")
# Shared with ComfyUI's own nodes: a list of {x, y, width, height} per frame, in pixels.
BoundingBoxes = io.Custom("BOUNDING_BOX")
