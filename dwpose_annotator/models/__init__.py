"""The one torch definition of every network (needs ``pip install dwpose-annotator[torch]``)."""

from dwpose_annotator.models.pose import POSE_CONFIGS, PoseConfig, PoseModel, build_pose_model

__all__ = ["POSE_CONFIGS", "PoseConfig", "PoseModel", "build_pose_model"]
