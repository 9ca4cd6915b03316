"""The second tab: many photos in, one zip file of maps and keypoints out."""

from __future__ import annotations

import html
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import gradio as gr

from dwpose_annotator import Annotator, Poses
from dwpose_annotator.batch import Outcome, PeopleChoice, Photo, annotate_photos
from dwpose_annotator.files import write_atomic
from dwpose_annotator.images import save_image
from dwpose_annotator.inputs import plan_jobs
from examples.demo.controls import draw_controls, network_controls
from examples.demo.drawing import Drawing
from examples.demo.limits import toasts
from examples.demo.scene import people_text
from examples.demo.services import NETWORK_QUEUE, Services


def build_batch_tab(services: Services) -> None:
    """Lay out the tab and connect its button, which is the endpoint ``/annotate_batch`` too."""
    with gr.Row(elem_classes="two-columns"):
        with gr.Column():
            files = gr.File(
                label=f"Up to {services.limits.batch_files} photos",
                file_count="multiple",
                file_types=["image"],
                height=220,
                elem_id="batch-files",
            )
            start = gr.Button("Make maps", variant="primary", elem_id="batch-start")
            archive = gr.File(
                label="Maps and keypoints (zip)", interactive=False, elem_classes="result-file"
            )
            report = gr.Markdown(label="Report", elem_id="batch-report")
        with gr.Column():
            with gr.Accordion("Drawing", open=True):
                draw = draw_controls()
            with gr.Accordion("Networks", open=False):
                networks = network_controls(services.networks)
    start.click(
        Batch(services).annotate_batch,
        [files, *draw.inputs(), *networks.inputs()],
        [archive, report],
        api_name="annotate_batch",
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=services.limits.running,
        show_progress_on=archive,
    )


class Batch:
    """Annotates uploaded photos."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def annotate_batch(
        self,
        photos: list[str] | None,
        style: str,
        resolution: int,
        threshold: float,
        parts: Sequence[str],
        pose: str,
        detector: str,
        person_threshold: float,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (Gradio finds it by this default)
    ) -> tuple[str, str]:
        """Find the people of many photos and draw one pose map for each.

        Args:
            photos: image files.
            style: name of the model that will read the maps, such as openpose or xinsir.
            resolution: short side of the maps in pixels; 0 keeps the size of each photo.
            threshold: points with a lower score are left out.
            parts: what is drawn, of Body, Hands, Face and Feet.
            pose: pose weights.
            detector: person detector weights; none takes each photo as one person.
            person_threshold: people with a lower score are left out.

        Returns:
            A zip file with one PNG map and one JSON file of keypoints per photo, and a summary.
        """
        drawing = Drawing(style, resolution, threshold, parts)
        with toasts("This batch did not work"):
            sources = self._check(photos)
            networks = self._services.networks
            annotator = networks.get(pose, detector, person_threshold=person_threshold)
            archive = self._services.outbox.new_path("pose_maps.zip")
            with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
                maps = Path(folder) / "maps"
                outcomes = []
                for outcome in self._outcomes(annotator, sources, maps, drawing):
                    outcomes.append(outcome)
                    progress((len(outcomes), len(sources)), unit="photos")
                if not any(outcome.poses is not None for outcome in outcomes):
                    raise ValueError("; ".join(_line(outcome) for outcome in outcomes[:5]))
                _zip(archive, maps)
        return str(archive), _report(outcomes)

    def _outcomes(
        self, annotator: Annotator, sources: Sequence[Path], folder: Path, drawing: Drawing
    ) -> Iterator[Outcome]:
        limits = self._services.limits

        def write(photo: Photo, poses: Poses) -> None:
            limits.check_size(drawing.size_hw(poses), "This map")
            target, text = photo.job.target, json.dumps([drawing.to_json(poses)])
            save_image(target, drawing.draw(poses), flat=True)
            write_atomic(target.with_suffix(".json"), lambda file: file.write(text.encode()))

        good: list[Path] = []
        for path in sources:
            try:
                limits.check_photo(path)
                good.append(path)
            except ValueError as error:
                yield Outcome(path, None, str(error))
        if good:
            jobs = plan_jobs(good, folder)
            yield from annotate_photos(annotator, jobs, write=write, people=PeopleChoice())

    def _check(self, photos: list[str] | None) -> list[Path]:
        limit = self._services.limits.batch_files
        if not photos:
            raise ValueError("there are no photos yet: drop some on the field above the button")
        if len(photos) > limit:
            raise ValueError(
                f"{len(photos)} photos are too many: this demo takes up to {limit} at once. The "
                "command `dwpose annotate` has no such limit."
            )
        return [Path(path) for path in photos]


def _zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for path in sorted(folder.iterdir()):
            target.write(path, path.name)


def _report(outcomes: Sequence[Outcome]) -> str:
    done = [outcome.poses for outcome in outcomes if outcome.poses is not None]
    failed = [outcome for outcome in outcomes if outcome.poses is None]
    empty = sum(len(poses) == 0 for poses in done)
    maps = "1 map" if len(done) == 1 else f"{len(done)} maps"
    text = f"**{maps}**, {people_text(sum(len(poses) for poses in done))}"
    if empty:
        text += f"; nobody in {empty} of them"
    if failed:
        gr.Warning(f"{len(failed)} of {len(outcomes)} photos failed; the list is below the zip")
    return "\n".join([text, "", *(f"- {html.escape(_line(outcome))}" for outcome in failed)])


def _line(outcome: Outcome) -> str:
    return f"{outcome.source.name}: {outcome.problem}"
