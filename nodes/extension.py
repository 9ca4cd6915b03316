"""The list of nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .all_in_one import DWPoseAllInOne
from .draw import DWPoseDraw
from .estimate import DWPoseEstimate
from .json_files import LoadPoseKeypointJSON, SavePoseKeypointJSON
from .load import LoadDWPose
from .models import register_folders
from .retarget import PoseRetarget


class DWPoseExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        register_folders()
        return [
            DWPoseAllInOne,
            LoadDWPose,
            DWPoseEstimate,
            DWPoseDraw,
            PoseRetarget,
            SavePoseKeypointJSON,
            LoadPoseKeypointJSON,
        ]
