"""The functions behind the photo tab as named endpoints, for scripts and for MCP clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from dwpose_annotator import from_openpose_json
from examples.demo.drawing import Drawing
from examples.demo.limits import toasts
from examples.demo.photo_tab import PhotoTab
from examples.demo.scene import people_text, scene_from_photo
from examples.demo.services import NETWORK_QUEUE, Services


def add_endpoints(services: Services, tab: PhotoTab) -> None:
    """Publish ``/annotate`` and ``/draw``; their options are those of the tab's controls."""
    endpoints = Endpoints(services)
    photo = gr.File(visible=False, label="Photo")
    keypoints = gr.JSON(visible=False, label="Keypoints")
    people = gr.JSON([], visible=False, label="People")
    pose_map = gr.Image(visible=False, format="png", label="Map")
    report = gr.Textbox(visible=False, label="Report")
    gr.on(
        [],
        endpoints.annotate,
        [photo, *tab.draw.inputs(), *tab.networks.inputs()],
        [pose_map, keypoints, report],
        api_name="annotate",
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=services.limits.running,
    )
    gr.on([], endpoints.draw, [keypoints, people, *tab.draw.inputs()], pose_map, api_name="draw")


class Endpoints:
    """Each call stands alone: nothing is kept for the next one."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def annotate(
        self,
        photo: str | None,
        style: str,
        resolution: int,
        threshold: float,
        parts: Sequence[str],
        pose: str,
        detector: str,
        person_threshold: float,
    ) -> tuple[str, list[dict[str, Any]], str]:
        """Find the people of a photo and draw their OpenPose skeleton map for ControlNet.

        Args:
            photo: image file.
            style: name of the model that will read the map, such as openpose or xinsir.
            resolution: short side of the map in pixels; 0 keeps the size of the photo.
            threshold: points with a lower score are left out.
            parts: what is drawn, of Body, Hands, Face and Feet.
            pose: pose weights.
            detector: person detector weights; none takes the whole photo as one person.
            person_threshold: people with a lower score are left out.

        Returns:
            The map as a PNG file, the keypoints in POSE_KEYPOINT form, and one line on people,
            device and timing.
        """
        if photo is None:
            raise gr.Error("photo is missing: pass an image file", print_exception=False)
        drawing = Drawing(style, resolution, threshold, parts)
        with toasts("This photo did not work", photo):
            scene = scene_from_photo(
                self._services,
                photo,
                pose=pose,
                detector=detector,
                person_threshold=person_threshold,
            )
            self._services.limits.check_size(drawing.size_hw(scene.poses), "This map")
            pose_map = self._services.outbox.save_map(
                f"{scene.name}_pose", drawing.draw(scene.poses)
            )
        return pose_map, [drawing.to_json(scene.poses)], scene.report

    def draw(
        self,
        keypoints: Any,
        people: list[int] | None,
        style: str,
        resolution: int,
        threshold: float,
        parts: Sequence[str],
    ) -> str:
        """Draw keypoints, from ``annotate`` or edited since, as an OpenPose skeleton map.

        Args:
            keypoints: OpenPose JSON of any dialect: a frame, or a list whose first frame is drawn.
            people: numbers of the people to draw, the first is 1; empty draws everybody.
            style: name of the model that will read the map, such as openpose or xinsir.
            resolution: short side of the map in pixels; 0 keeps the size of the canvas.
            threshold: points with a lower score are left out.
            parts: what is drawn, of Body, Hands, Face and Feet.

        Returns:
            The map as a PNG file.
        """
        drawing = Drawing(style, resolution, threshold, parts)
        with toasts("These keypoints did not work"):
            if not isinstance(keypoints, dict | list) or not keypoints:
                raise ValueError("keypoints must be a frame (an object) or a list of frames")
            frames = from_openpose_json(keypoints)
            poses = frames[0] if isinstance(frames, list) else frames
            self._services.limits.check_size(drawing.size_hw(poses), "This map")
            chosen = poses.select(_indices(people, len(poses)))
            return self._services.outbox.save_map("pose", drawing.draw(chosen))


def _indices(people: list[int] | None, count: int) -> list[int]:
    if not people:
        return list(range(count))
    unknown = [n for n in people if not isinstance(n, int) or not 1 <= n <= count]
    if unknown:
        raise ValueError(f"people {unknown} do not exist: there is {people_text(count)}")
    return [n - 1 for n in sorted(set(people))]
