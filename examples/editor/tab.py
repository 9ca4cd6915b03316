"""The pose editor as one tab of a Gradio app.

    with gr.Tab("Edit pose", id="edit"):
        editor = build_editor_tab(outbox, limits)
    edit_button.click(editor.load, [pose_keypoint, photo], editor.outputs).then(
        lambda: gr.Tabs(selected="edit"), outputs=tabs
    )

``editor.load(pose_keypoint, photo)`` takes POSE_KEYPOINT JSON (one frame as a dict, or a list whose
first frame is edited) and an (H, W, 3) uint8 RGB photo or None, and returns one update for each of
``editor.outputs``; it raises ``gr.Error`` with a sentence for the user. The other way,
``editor.canvas`` may be an input of any event: ``to_openpose_json(pose_state.to_poses(value))`` is
the edited frame. Dragging happens in the browser; after each edit the canvas fires ``input`` and
the map beside it is drawn by ``dwpose_annotator.draw_poses``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.components import Component

from dwpose_annotator import Poses, to_openpose_json
from dwpose_annotator.draw import STYLES, draw_poses
from dwpose_annotator.resize import short_side_hw
from dwpose_annotator.types import ImageArray
from examples.demo.limits import Limits, toasts
from examples.demo.outbox import Outbox
from examples.editor import pose_state
from examples.editor.canvas import photo_url, pose_canvas
from examples.editor.figure import neutral_figure

START_HW = (1024, 768)
MAX_JSON_BYTES = 20_000_000
THICKNESS: dict[str, float | Literal["auto"]] = {
    "as the style": 1.0,
    "with the size": "auto",
    "double": 2.0,
}
_CLICK = "() => document.querySelector('#{id}').click()"


@dataclass(frozen=True)
class PoseEditor:
    """The parts of the tab that others connect to.

    Attributes:
        canvas: its value is the pose as text (see ``pose_state``).
        map: the drawn map; the canvas asks for a new one when it shows the pose.
        outputs: what ``load`` fills.
    """

    canvas: gr.HTML
    map: gr.Image
    outputs: list[Component]

    def load(
        self, pose_keypoint: Mapping[str, Any] | Sequence[Any], photo: ImageArray | None = None
    ) -> list[Any]:
        """Open a pose, over a photo if there is one; see the top of this file."""
        with toasts("This pose cannot be edited"):
            photo_hw = None if photo is None else photo.shape[:2]
            state = pose_state.from_pose_keypoint(pose_keypoint, photo_hw=photo_hw)
            return [gr.HTML(state, photo="" if photo is None else photo_url(photo)), None]


def build_editor_tab(outbox: Outbox, limits: Limits) -> PoseEditor:
    """Build the tab's components inside the current ``gr.Tab``.

    Args:
        outbox: takes the files that users save.
        limits: bounds of uploaded photos.
    """
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            canvas = pose_canvas(pose_state.from_poses(_start_poses()))
        with gr.Column(scale=3, min_width=300):
            with gr.Row():
                json_file = gr.UploadButton("Open JSON", file_types=[".json"], size="sm")
                photo_file = gr.UploadButton("Photo behind", file_types=["image"], size="sm")
            drawn = gr.Image(
                label="Map", format="png", interactive=False, buttons=["fullscreen"], height=420
            )
            with gr.Row():
                png = gr.Button("Save PNG", variant="primary", elem_id="editor-png")
                keypoints = gr.Button("Save JSON", elem_id="editor-json")
            with gr.Row():
                style = gr.Dropdown(list(STYLES), value="openpose", label="Style", min_width=130)
                thickness = gr.Dropdown(
                    list(THICKNESS), value="as the style", label="Thickness", min_width=130
                )
            with gr.Row():
                short_side = gr.Number(
                    label="Short side (0: canvas)", value=0, precision=0, min_width=130, minimum=0
                )
                feet = gr.Checkbox(label="Draw the feet", value=True, min_width=130)
    inputs = [canvas, style, thickness, short_side, feet]
    for changed in (canvas.input, style.input, thickness.input, short_side.change, feet.input):
        changed(
            draw_map,
            inputs,
            drawn,
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
        )
    json_file.upload(_open_json, [json_file, canvas], canvas, api_visibility="private")
    photo_file.upload(
        lambda path, state: _open_photo(limits, path, state),
        [photo_file, canvas],
        canvas,
        api_visibility="private",
    )
    _save(png, lambda *given: outbox.save_map("pose", draw_map(*given)), inputs)
    _save(keypoints, lambda state: outbox.save_json("pose", _frames(state)), [canvas])
    return PoseEditor(canvas, drawn, [canvas, drawn])


def draw_map(
    state: str, style: str, thickness: str, short_side: float | None, feet: bool
) -> ImageArray:
    """The map of what the canvas holds, as the package draws it."""
    with toasts("The map cannot be drawn"):
        poses = pose_state.to_poses(state)
        size_hw = short_side_hw(poses.size_hw, int(short_side)) if short_side else poses.size_hw
        if size_hw[0] * size_hw[1] > pose_state.MAX_CANVAS_PIXELS:
            raise ValueError(f"a map of {size_hw[1]} x {size_hw[0]} pixels is too large here")
        if thickness not in THICKNESS:
            raise ValueError(f"thickness must be one of {', '.join(THICKNESS)}")
        return draw_poses(poses, style, size_hw, feet=feet, thickness=THICKNESS[thickness])


def _frames(state: str) -> list[dict[str, Any]]:
    """POSE_KEYPOINT of what the canvas holds."""
    with toasts("The keypoints cannot be saved"):
        return [to_openpose_json(pose_state.to_poses(state))]


def _open_json(path: str, state: str) -> Any:
    """A POSE_KEYPOINT file in place of the present pose; a photo of that size stays behind it."""
    with toasts("This file cannot be edited", path):
        if Path(path).stat().st_size > MAX_JSON_BYTES:
            raise ValueError(f"the file is larger than {MAX_JSON_BYTES / 1e6:.0f} MB")
        try:
            frames = json.loads(Path(path).read_bytes())
        except (ValueError, RecursionError) as error:
            raise ValueError("this is not a JSON file") from error
        if isinstance(frames, list) and len(frames) > 1:
            gr.Info(f"The file has {len(frames)} frames; the first one is opened.")
        opened = pose_state.from_pose_keypoint(frames, spare_hw=pose_state.size_of(state))
        return pose_state.with_photo_of(opened, state)


def _open_photo(limits: Limits, path: str, state: str) -> Any:
    """Lay a photo behind the pose; the canvas takes the photo's size."""
    with toasts("This photo cannot be shown", path):
        photo = limits.load_photo(path)
        return gr.HTML(pose_state.over_photo(state, photo.shape[:2]), photo=photo_url(photo))


def _save(button: gr.Button, make_file: Callable[..., str], inputs: list[Component]) -> None:
    """Let a button make a file of the pose as it is now, then download it."""
    target = f"{button.elem_id}-file"
    file = gr.DownloadButton(visible="hidden", elem_id=target)
    button.click(make_file, inputs, file, api_visibility="private", show_progress="hidden").success(
        None, js=_CLICK.format(id=target)
    )


def _start_poses() -> Poses:
    """One neutral figure, so that there is something to drag."""
    height, width = START_HW
    figure = neutral_figure() * height * 0.86 + [width / 2, height * 0.07]
    box = [*figure.min(axis=0), *figure.max(axis=0)]
    return Poses(
        np.asarray([figure], np.float32),
        np.ones((1, len(figure)), np.float32),
        np.asarray([box], np.float32),
        np.ones(1, np.float32),
        START_HW,
    )
