"""POSE_KEYPOINT (a list with one OpenPose dict per frame) <-> ``Poses``, one per frame."""

from __future__ import annotations

COORDINATES = ["auto", "pixels", "normalized"]
