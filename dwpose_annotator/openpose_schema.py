"""The dialects of OpenPose JSON: which point of COCO-WholeBody stands where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dwpose_annotator.skeleton import (
    FACE,
    FEET,
    LEFT_HAND,
    NUM_KEYPOINTS,
    OPENPOSE_FROM_COCO,
    OPENPOSE_NECK,
    RIGHT_HAND,
)

POSE_KEY = "pose_keypoints_2d"
FOOT_KEY = "foot_keypoints_2d"
FACE_KEY = "face_keypoints_2d"
LEFT_HAND_KEY = "hand_left_keypoints_2d"
RIGHT_HAND_KEY = "hand_right_keypoints_2d"
# Ours, in frames and in people: what the standard keys cannot hold. Other readers pass it over.
EXTENSION_KEY = "dwpose"

# Points that OpenPose has and COCO-WholeBody has not, numbered after its 133.
NECK, MID_HIP = NUM_KEYPOINTS, NUM_KEYPOINTS + 1
_FEET_POINTS = tuple(range(FEET.start, FEET.stop))
BODY_18 = tuple(NECK if i == OPENPOSE_NECK else c for i, c in enumerate(OPENPOSE_FROM_COCO))
# Source: OpenPose, doc/02_output.md, "Pose Output Format (BODY_25)".
BODY_25 = (*BODY_18[:8], MID_HIP, *BODY_18[8:], *_FEET_POINTS)
# 68 landmarks, then the pupils: copies of the body's right and left eye, as all writers give them.
FACE_70 = (*range(FACE.start, FACE.stop), 2, 1)

PARTS_18: dict[str, tuple[int, ...]] = {
    POSE_KEY: BODY_18,
    FOOT_KEY: _FEET_POINTS,
    FACE_KEY: FACE_70,
    LEFT_HAND_KEY: tuple(range(LEFT_HAND.start, LEFT_HAND.stop)),
    RIGHT_HAND_KEY: tuple(range(RIGHT_HAND.start, RIGHT_HAND.stop)),
}
_PARTS_25 = {key: points for key, points in PARTS_18.items() if key != FOOT_KEY}
_PARTS_25[POSE_KEY] = BODY_25
_PARTS_NO_FEET = {key: points for key, points in PARTS_18.items() if key != FOOT_KEY}


@dataclass(frozen=True)
class JsonSchema:
    """How a dialect is written.

    Attributes:
        parts: key -> points, in the numbering of COCO-WholeBody plus ``NECK`` and ``MID_HIP``.
        scores: the third number of a point: 1 or 0, or its score.
        null_parts: a hand or face without a visible point is null instead of zeros.
        missing_xy: the first two numbers of a missing point.
        extension: add what the standard keys cannot hold under ``EXTENSION_KEY``.
        in_frame, in_person: constant entries.
    """

    parts: dict[str, tuple[int, ...]]
    scores: Literal["binary", "real"] = "binary"
    null_parts: bool = False
    missing_xy: float = 0.0
    extension: bool = True
    in_frame: dict[str, Any] = field(default_factory=dict)
    in_person: dict[str, Any] = field(default_factory=dict)


_CONTROLNET_AUX = JsonSchema(_PARTS_NO_FEET, null_parts=True, extension=False)
SCHEMAS: dict[str, JsonSchema] = {
    # ComfyUI's POSE_KEYPOINT with arrays of full length, which every reader of it takes, and feet.
    "pose_keypoint": JsonSchema(PARTS_18),
    # What Fannovel16/comfyui_controlnet_aux writes.
    "controlnet_aux": _CONTROLNET_AUX,
    # What Mikubill/sd-webui-controlnet and its editor exchange.
    "webui": replace(_CONTROLNET_AUX, in_frame={"animals": []}),
    # ComfyUI's own SDPose nodes (comfy_extras/nodes_sdpose.py), but with the hands the right way.
    "sdpose": JsonSchema(PARTS_18, scores="real", missing_xy=-1.0, extension=False),
    # OpenPose 1.3. Source: CMU-Perceptual-Computing-Lab/openpose, doc/02_output.md.
    "body_25": JsonSchema(
        _PARTS_25,
        scores="real",
        in_frame={"version": 1.3},
        in_person={
            "person_id": [-1],
            **{f"{part}_keypoints_3d": [] for part in ("pose", "face", "hand_left", "hand_right")},
        },
    ),
}
