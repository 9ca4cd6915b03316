"""The video tab: a video in, a video of maps and a zip file of lossless maps out."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from examples.demo.controls import draw_controls, network_controls
from examples.demo.drawing import Drawing
from examples.demo.limits import toasts
from examples.demo.services import NETWORK_QUEUE, Services
from examples.demo.video_maps import VideoResult, annotate_video

ENDINGS = [".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".gif"]


def build_video_tab(services: Services) -> None:
    """Lay out the tab and connect its button, which is the endpoint ``/annotate_video`` too."""
    with gr.Row(elem_classes="two-columns"):
        with gr.Column():
            # A gr.Video would convert the upload with ffmpeg, which need not be installed.
            video = gr.File(
                label=f"Video, up to {services.limits.video_frames} frames",
                file_types=ENDINGS,
                height=140,
                elem_id="video-file",
            )
            start = gr.Button("Make maps", variant="primary", elem_id="video-start")
            movie = gr.Video(label="Maps", interactive=False, height=300, elem_id="video-maps")
            archive = gr.File(
                label="Lossless maps and keypoints (zip)",
                interactive=False,
                elem_classes="result-file",
            )
            report = gr.Markdown(label="Report")
        with gr.Column():
            with gr.Accordion("Drawing", open=True):
                draw = draw_controls()
            with gr.Accordion("Networks", open=False):
                networks = network_controls(services.networks)
                every = gr.Slider(1, 15, value=4, step=1, label="Detect people every ... frames")
    start.click(
        Videos(services).annotate_video,
        [video, *draw.inputs(), *networks.inputs(), every],
        [movie, archive, report],
        api_name="annotate_video",
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=services.limits.running,
        show_progress_on=movie,
    )


class Videos:
    """Annotates uploaded videos."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def annotate_video(
        self,
        video: str | None,
        style: str,
        resolution: int,
        threshold: float,
        parts: Sequence[str],
        pose: str,
        detector: str,
        person_threshold: float,
        detect_every: int,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (Gradio finds it by this default)
    ) -> tuple[str, str, str]:
        """Find the people of a video and draw a pose map for each frame.

        Args:
            video: video file.
            style: name of the model that will read the maps, such as openpose or xinsir.
            resolution: short side of the maps in pixels; 0 keeps the size of the video.
            threshold: points with a lower score are left out.
            parts: what is drawn, of Body, Hands, Face and Feet.
            pose: pose weights.
            detector: person detector weights; none takes each frame as one person.
            person_threshold: people with a lower score are left out.
            detect_every: look for people on every so many frames and interpolate between.

        Returns:
            The maps as an MP4 video, as a zip file of lossless PNG files with the keypoints of all
            frames as JSON, and a summary.
        """
        if video is None:
            raise gr.Error("there is no video yet: drop one on the field", print_exception=False)
        services = self._services
        movie, archive = (services.outbox.new_path(f"pose_maps.{end}") for end in ("mp4", "zip"))
        with toasts("This video did not work", video):
            networks = services.networks
            result = annotate_video(
                networks.get(pose, detector, person_threshold=person_threshold),
                video,
                movie=movie,
                archive=archive,
                drawing=Drawing(style, resolution, threshold, parts),
                detect_every=int(detect_every),
                limits=services.limits,
                progress=progress,
            )
        return str(movie), str(archive), _report(result)


def _report(result: VideoResult) -> str:
    if result.cut:
        gr.Info(f"Only the first {result.frames} frames were done: that is the limit here.")
    if result.with_people == 0:
        gr.Warning("Nobody was found in any frame, so all maps are black.")
    return f"**{result.frames} frames**, people in {result.with_people} of them"
