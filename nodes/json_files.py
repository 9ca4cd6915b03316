"""Save and Load POSE_KEYPOINT JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import folder_paths
from comfy_api.latest import io

from dwpose_annotator.files import write_atomic
from dwpose_annotator.openpose_schema import SCHEMAS

from .pose_keypoint import COORDINATES, from_pose_keypoint, to_pose_keypoint
from .types import CATEGORY, PoseKeypoint

NO_FILE = "(none)"


class SavePoseKeypointJSON(io.ComfyNode):
    """POSE_KEYPOINT -> one JSON file in the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotatorSaveJSON",
            display_name="Save POSE_KEYPOINT JSON",
            category=CATEGORY,
            description="Writes all frames into one file: a list with an OpenPose dict per frame.",
            inputs=[
                PoseKeypoint.Input("pose_keypoint"),
                io.String.Input("filename_prefix", default="poses/pose"),
                io.Combo.Input(
                    "dialect",
                    options=list(SCHEMAS),
                    default="pose_keypoint",
                    tooltip="Who will read the file. pose_keypoint keeps everything.",
                ),
            ],
            outputs=[io.String.Output(display_name="path")],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, pose_keypoint, filename_prefix: str, dialect: str = "pose_keypoint"
    ) -> io.NodeOutput:
        if dialect != "pose_keypoint":
            pose_keypoint = to_pose_keypoint(from_pose_keypoint(pose_keypoint), schema=dialect)
        folder, stem, number, _, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory()
        )
        # The "_" at the end is what ComfyUI finds the next free number by.
        path = os.path.join(folder, f"{stem}_{number:05}_.json")
        text = json.dumps(pose_keypoint)
        write_atomic(path, lambda file: file.write(text.encode()))
        return io.NodeOutput(path, ui={"text": (path,), "openpose_json": [text]})


class LoadPoseKeypointJSON(io.ComfyNode):
    """A JSON file of any dialect -> POSE_KEYPOINT."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DWPoseAnnotatorLoadJSON",
            display_name="Load POSE_KEYPOINT JSON",
            category=CATEGORY,
            description="Reads OpenPose JSON of any dialect: of this pack, comfyui_controlnet_aux, "
            "the WebUI, the pose editors, ComfyUI's SDPose, and OpenPose itself (BODY_25).",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=[NO_FILE, *_json_files()],
                    default=NO_FILE,
                    tooltip="A .json file in the input folder or in output/poses.",
                ),
                io.String.Input(
                    "json_text",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="JSON pasted from an editor; used instead of the file if not empty.",
                ),
                io.Combo.Input(
                    "coordinates",
                    options=COORDINATES,
                    default="auto",
                    tooltip="What the numbers are: pixels, or parts of the canvas from 0 to 1. "
                    "auto decides once per file.",
                ),
                io.Boolean.Input(
                    "fix_swapped_hands",
                    default=False,
                    tooltip="Turn on for files of ComfyUI's SDPose nodes, which name the left hand "
                    "right.",
                ),
            ],
            outputs=[
                PoseKeypoint.Output(display_name="POSE_KEYPOINT"),
                io.Int.Output(display_name="frame_count"),
            ],
        )

    @classmethod
    def fingerprint_inputs(
        cls,
        file: str,
        coordinates: str = "auto",
        fix_swapped_hands: bool = False,
        json_text: str = "",
    ) -> tuple[int, int]:
        """A changed file is read again."""
        del coordinates, fix_swapped_hands, json_text  # ComfyUI compares those itself
        if file == NO_FILE:
            return (0, 0)
        status = os.stat(folder_paths.get_annotated_filepath(file))
        return (status.st_mtime_ns, status.st_size)

    @classmethod
    def execute(
        cls,
        file: str,
        coordinates: str = "auto",
        fix_swapped_hands: bool = False,
        json_text: str = "",
    ) -> io.NodeOutput:
        if not json_text.strip() and file == NO_FILE:
            raise ValueError(
                "choose a .json file of the input folder or output/poses, or paste JSON"
            )
        text = json_text.strip() or _read(file)
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{file if not json_text.strip() else 'json_text'}: {error}") from None
        frames = from_pose_keypoint(
            value, coordinates=coordinates, fix_swapped_hands=fix_swapped_hands
        )
        return io.NodeOutput(to_pose_keypoint(frames), len(frames))


def _json_files() -> list[str]:
    """JSON files right in the input folder, and in ``poses`` of the output folder.

    Not deeper: an output folder can hold a hundred thousand pictures, and this runs at start-up.
    """
    places = (
        (Path(folder_paths.get_input_directory()), "{}"),
        (Path(folder_paths.get_output_directory(), "poses"), "poses/{} [output]"),
    )
    return [form.format(f.name) for folder, form in places for f in sorted(folder.glob("*.json"))]


def _read(file: str) -> str:
    return Path(folder_paths.get_annotated_filepath(file)).read_text(encoding="utf-8-sig")
