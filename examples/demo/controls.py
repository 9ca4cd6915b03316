"""Groups of controls that several tabs have."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from dwpose_annotator.detect import SCORE_THRESHOLD
from dwpose_annotator.draw_styles import STYLES
from examples.demo.drawing import DEFAULT_PARTS, PARTS, RESOLUTIONS
from examples.demo.networks import Networks


@dataclass(frozen=True)
class DrawControls:
    """The fields of ``drawing.Drawing``."""

    style: gr.Dropdown
    resolution: gr.Dropdown
    threshold: gr.Slider
    parts: gr.CheckboxGroup

    def inputs(self) -> list[gr.components.Component]:
        return [self.style, self.resolution, self.threshold, self.parts]


@dataclass(frozen=True)
class NetworkControls:
    """Which networks find the people."""

    pose: gr.Dropdown
    detector: gr.Dropdown
    person_threshold: gr.Slider

    def inputs(self) -> list[gr.components.Component]:
        return [self.pose, self.detector, self.person_threshold]


def draw_controls() -> DrawControls:
    """Style, size, threshold and parts, two in a row."""
    with gr.Row():
        style = gr.Dropdown(list(STYLES), value="openpose", label="Style", min_width=130)
        resolution = gr.Dropdown(RESOLUTIONS, value=0, label="Short side", min_width=130)
    parts = gr.CheckboxGroup(list(PARTS), value=DEFAULT_PARTS, label="Parts")
    threshold = gr.Slider(0, 1, value=0.3, step=0.05, label="Point threshold")
    return DrawControls(style, resolution, threshold, parts)


def network_controls(networks: Networks) -> NetworkControls:
    """Pose weights, detector and its threshold."""
    pose = gr.Dropdown(networks.choices("pose"), value=networks.pose, label="Pose weights")
    detector = gr.Dropdown(
        networks.choices("detector"), value=networks.detector, label="Person detector"
    )
    threshold = gr.Slider(0.05, 0.95, value=SCORE_THRESHOLD, step=0.05, label="Person threshold")
    return NetworkControls(pose, detector, threshold)
