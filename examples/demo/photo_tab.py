"""The first tab: a photo in, its map out, people switched on and off."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from examples.demo.controls import DrawControls, NetworkControls, draw_controls, network_controls
from examples.demo.drawing import Drawing
from examples.demo.limits import toasts
from examples.demo.scene import Scene, draw_scene, scene_from_keypoints, scene_from_photo
from examples.demo.services import NETWORK_QUEUE, Services

EXAMPLES = Path(__file__).resolve().parents[1] / "images"
SESSION_SECONDS = 3600
NOBODY = (
    "Nobody found, so the map is black. Lower the person threshold, try another detector, or "
    "choose the detector 'none' to treat the whole photo as one person."
)


@dataclass(frozen=True)
class Results:
    """What shows or offers the present map."""

    slider: gr.ImageSlider
    png: gr.DownloadButton
    json: gr.DownloadButton
    edit: gr.Button

    def outputs(self) -> list[gr.components.Component]:
        return [self.slider, self.png, self.json, self.edit]


@dataclass(frozen=True)
class PhotoTab:
    """The parts of the tab that other modules connect to."""

    photo: gr.Image
    file: gr.File
    draw: DrawControls
    networks: NetworkControls
    scene: gr.State
    people: gr.CheckboxGroup
    report: gr.HTML
    results: Results

    def everything(self) -> list[gr.components.Component]:
        """All that a new photo changes."""
        return [self.scene, self.people, self.report, *self.results.outputs()]


def build_photo_tab(services: Services) -> PhotoTab:
    """Lay out the tab and connect its events."""
    scene = gr.State(None, time_to_live=SESSION_SECONDS)
    file = gr.File(visible=False)
    # Side by side on a desk, one below the other on a phone: see look.CSS.
    with gr.Row(elem_id="workbench"):
        with gr.Column(elem_id="source"):
            photo = gr.Image(
                label="Photo",
                sources=["upload", "clipboard", "webcam"],
                type="filepath",
                format="png",
                height=250,
                elem_id="photo",
            )
            gr.Examples(sorted(map(str, EXAMPLES.glob("*.jpg"))), photo, elem_id="examples")
        with gr.Column(elem_id="outcome"):
            results, people, report, upload = _result_column()
        with gr.Column(elem_id="settings"):
            with gr.Accordion("Drawing", open=True):
                draw = draw_controls()
            with gr.Accordion("Networks", open=False):
                networks = network_controls(services.networks)
    tab = PhotoTab(photo, file, draw, networks, scene, people, report, results)
    handlers = _Handlers(services)
    _connect_networks(services, tab, handlers)
    _connect_drawing(tab, handlers, upload)
    return tab


def _result_column() -> tuple[Results, gr.CheckboxGroup, gr.HTML, gr.UploadButton]:
    slider = gr.ImageSlider(
        label="Photo and map",
        show_label=False,
        format="png",
        type="filepath",
        interactive=False,
        height=440,
        max_height=440,
        buttons=["fullscreen"],
        elem_id="result",
    )
    people = gr.CheckboxGroup([], label="People", visible=False, elem_id="people")
    with gr.Row(elem_id="downloads"):
        png = gr.DownloadButton(
            "Download map", variant="primary", interactive=False, min_width=120, elem_id="get-map"
        )
        keypoints = gr.DownloadButton(
            "Download JSON", interactive=False, min_width=120, elem_id="get-json"
        )
        edit = gr.Button("Edit this pose", interactive=False, min_width=120, elem_id="edit-pose")
        upload = gr.UploadButton(
            "Load JSON", file_types=[".json"], type="filepath", min_width=120, elem_id="load-json"
        )
    report = gr.HTML(elem_id="report", visible=False)
    return Results(slider, png, keypoints, edit), people, report, upload


def _connect_networks(services: Services, tab: PhotoTab, handlers: _Handlers) -> None:
    # The browser hands the image over as a file: gr.Image would open it before we can say in our
    # own words what is wrong with it.
    gr.on(
        [
            tab.photo.change,
            tab.networks.pose.input,
            tab.networks.detector.input,
            tab.networks.person_threshold.release,
        ],
        None,
        tab.photo,
        tab.file,
        js="photo => photo",
        api_visibility="private",
    ).then(
        handlers.find_people,
        [tab.file, *tab.networks.inputs(), *tab.draw.inputs()],
        tab.everything(),
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=services.limits.running,
        show_progress_on=tab.results.slider,
        api_visibility="private",
        trigger_mode="always_last",
    ).failure(handlers.clear, None, tab.everything(), api_visibility="private")


def _connect_drawing(tab: PhotoTab, handlers: _Handlers, upload: gr.UploadButton) -> None:
    upload.upload(
        handlers.load_keypoints,
        [upload, tab.scene, *tab.draw.inputs()],
        tab.everything(),
        show_progress_on=tab.results.slider,
        api_visibility="private",
    )
    gr.on(
        [
            tab.people.input,
            tab.draw.style.input,
            tab.draw.resolution.input,
            tab.draw.parts.input,
            tab.draw.threshold.release,
        ],
        handlers.redraw,
        [tab.scene, tab.people, *tab.draw.inputs()],
        tab.results.outputs(),
        show_progress="hidden",
        api_visibility="private",
        trigger_mode="always_last",
    )


class _Handlers:
    """What the events of the tab do."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def find_people(
        self,
        photo: str | None,
        pose: str,
        detector: str,
        person_threshold: float,
        *drawing: Any,
    ) -> list[Any]:
        """Find the people of a photo and draw them."""
        if photo is None:
            return self.clear()
        with toasts("This photo did not work", photo):
            scene = scene_from_photo(
                self._services,
                photo,
                pose=pose,
                detector=detector,
                person_threshold=person_threshold,
            )
            shown = self._show_all(scene, Drawing(*drawing))
        if len(scene.poses) == 0:
            gr.Warning(NOBODY)
        return shown

    def clear(self) -> list[Any]:
        """Forget the scene: an old map must not pass for that of a new photo."""
        people = gr.update(choices=[], value=[], visible=False)
        off = gr.update(interactive=False)
        return [None, people, gr.update(visible=False), None, off, off, off]

    def load_keypoints(self, file: str, behind: Scene | None, *drawing: Any) -> list[Any]:
        """Draw a keypoints file."""
        with toasts("These keypoints did not work", file):
            scene = scene_from_keypoints(self._services, file, behind)
            return self._show_all(scene, Drawing(*drawing))

    def redraw(self, scene: Scene | None, shown: Sequence[int], *drawing: Any) -> list[Any]:
        """Draw the chosen people again."""
        if scene is None:
            return [gr.skip()] * 4
        with toasts("The map could not be drawn"):
            return self._results(scene, shown, Drawing(*drawing))

    def _show_all(self, scene: Scene, drawing: Drawing) -> list[Any]:
        numbers = list(range(len(scene.poses)))
        choices = [(str(i + 1), i) for i in numbers]
        people = gr.update(choices=choices, value=numbers, visible=len(numbers) > 0)
        line = gr.update(value=html.escape(scene.report), visible=True)
        return [scene, people, line, *self._results(scene, numbers, drawing)]

    def _results(self, scene: Scene, shown: Sequence[int], drawing: Drawing) -> list[Any]:
        picture = draw_scene(self._services, scene, shown, drawing)
        return [
            (picture.before, picture.pose_map),
            gr.update(value=picture.pose_map, interactive=True),
            gr.update(value=picture.keypoints_file, interactive=True),
            gr.update(interactive=True),
        ]
