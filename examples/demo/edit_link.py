"""The way from the photo tab to the pose editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from dwpose_annotator import to_openpose_json
from examples.demo.limits import toasts
from examples.demo.photo_tab import PhotoTab
from examples.demo.scene import Scene
from examples.demo.services import Services
from examples.editor.tab import PoseEditor


def connect_editor(services: Services, tab: PhotoTab, editor: PoseEditor, tabs: gr.Tabs) -> None:
    """Let the button "Edit this pose" open the people that are switched on, over their photo."""

    def open_in_editor(
        scene: Scene | None, shown: Sequence[int], parts: Sequence[str]
    ) -> list[Any]:
        with toasts("This pose cannot be edited"):
            if scene is None:
                raise ValueError("there is no pose yet, or it was forgotten: choose a photo")
            people = scene.poses.select(sorted(shown))
            path = scene.photo_path
            photo = None
            if path is not None and Path(path).is_file():
                photo = services.limits.load_photo(path)
            # Guessed feet that nobody asked for would only be in the way; the rest can be hidden.
            return editor.load(to_openpose_json(people, feet="Feet" in parts), photo)

    tab.results.edit.click(
        open_in_editor,
        [tab.scene, tab.people, tab.draw.parts],
        editor.outputs,
        api_visibility="private",
    ).success(lambda: gr.Tabs(selected="edit"), None, tabs, api_visibility="private")
