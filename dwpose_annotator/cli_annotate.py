"""``dwpose annotate``: photos to maps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwpose_annotator import defaults
from dwpose_annotator.cli_options import (
    Body,
    Detector,
    Device,
    DrawingOptions,
    Face,
    Feet,
    Hands,
    Offline,
    Output,
    Pose,
    Resolution,
    Style,
    Thickness,
    Threads,
    Threshold,
)

if TYPE_CHECKING:
    from dwpose_annotator.batch import Outcome, Photo
    from dwpose_annotator.inputs import Job
    from dwpose_annotator.select_people import PersonOrder
    from dwpose_annotator.types import ImageArray, Poses


def annotate(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="IN...", help="Photos, folders, or patterns like '*.jpg'."),
    ],
    output: Output,
    json: Annotated[
        bool, typer.Option("--json", help="Also write the keypoints, as OpenPose JSON.")
    ] = False,
    dialect: Annotated[
        str,
        typer.Option(
            help="Who reads the JSON: pose_keypoint (ComfyUI; keeps everything), controlnet_aux, "
            "webui, sdpose or body_25."
        ),
    ] = "pose_keypoint",
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Photo and map in one picture.")
    ] = False,
    pose: Pose = defaults.POSE,
    detector: Detector = defaults.DETECTOR,
    device: Device = "auto",
    threads: Threads = None,
    offline: Offline = False,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="JSON file with the people's boxes instead of a detector: a list of left, top, "
            "right, bottom in pixels, or such lists by file name.",
            rich_help_panel="People",
        ),
    ] = None,
    box_threshold: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="A person box must score above it.", rich_help_panel="People"
        ),
    ] = 0.3,
    max_people: Annotated[
        int | None, typer.Option(min=1, help="Keep the first so many.", rich_help_panel="People")
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            help="First is: score (best box), largest, left-to-right or center.",
            rich_help_panel="People",
        ),
    ] = "score",
    whole_image_if_nobody: Annotated[
        bool,
        typer.Option(
            "--whole-image-if-nobody",
            help="Pose the whole photo where the detector finds nobody.",
            rich_help_panel="People",
        ),
    ] = False,
    style: Style = "openpose",
    resolution: Resolution = None,
    threshold: Threshold = 0.3,
    thickness: Thickness = "1",
    body: Body = True,
    hands: Hands = True,
    face: Face = None,
    feet: Feet = False,
) -> None:
    """Write the skeleton map of each photo, and with --json its keypoints.

    A photo that cannot be read is reported at the end, the others are done, the exit code is 1.

    Files appear complete or not at all, and no input is ever overwritten.
    """
    from dwpose_annotator.annotator import Annotator
    from dwpose_annotator.batch import PeopleChoice, annotate_photos
    from dwpose_annotator.box_file import read_boxes
    from dwpose_annotator.images import save_image
    from dwpose_annotator.inputs import expand_inputs, plan_jobs

    _check_dialect(dialect)
    drawing = DrawingOptions(style, resolution, threshold, thickness, body, hands, face, feet)
    drawing.check()
    people = PeopleChoice(_check_order(order), max_people)
    given_boxes = None if boxes is None else read_boxes(boxes)
    jobs = plan_jobs(expand_inputs(inputs), output, keep=[] if boxes is None else [boxes])
    annotator = Annotator.from_pretrained(
        pose,
        detector=None if given_boxes is not None else detector,
        device=device,
        score_threshold=box_threshold,
        whole_image_if_nobody=whole_image_if_nobody,
        threads=threads,
        offline=offline,
    )

    def write(photo: Photo, poses: Poses) -> None:
        target = photo.job.target
        if json:
            _write_json(target.with_suffix(".json"), poses, drawing, dialect)
        picture = drawing.draw(poses)
        if side_by_side:
            picture = _beside(photo.image, picture)
        save_image(target, picture, flat=not side_by_side)

    outcomes = annotate_photos(annotator, jobs, write=write, people=people, given_boxes=given_boxes)
    _report(list(_with_progress(outcomes, len(jobs))), jobs)


def _check_order(text: str) -> PersonOrder:
    from dwpose_annotator.select_people import PERSON_ORDERS

    for order in PERSON_ORDERS:
        if text == order:
            return order
    raise ValueError(f"--order must be one of {', '.join(PERSON_ORDERS)}; got {text!r}")


def _check_dialect(dialect: str) -> None:
    from dwpose_annotator.openpose_schema import SCHEMAS

    if dialect not in SCHEMAS:
        raise ValueError(f"--dialect must be one of {', '.join(SCHEMAS)}; got {dialect!r}")


def _write_json(path: Path, poses: Poses, drawing: DrawingOptions, dialect: str) -> None:
    """Keypoints of one photo; parts that are switched off are left out, feet are always in."""
    from dwpose_annotator.files import write_atomic
    from dwpose_annotator.openpose_json import to_openpose_json

    frame = to_openpose_json(
        poses,
        schema=dialect,
        threshold=drawing.threshold,
        body=drawing.body,
        hands=drawing.hands,
        face=drawing.face is not False,
    )
    # The WebUI and OpenPose keep one frame per file; ComfyUI's readers want a list of frames.
    text = dumps(frame if dialect in ("webui", "body_25") else [frame])
    write_atomic(path, lambda file: file.write(text.encode()))


def _beside(image: ImageArray, pose_map: ImageArray) -> ImageArray:
    """Photo left, map right; the photo takes the size of the map."""
    import cv2
    import numpy as np

    height, width = pose_map.shape[:2]
    if image.shape[:2] != (height, width):
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    return np.concatenate([image, pose_map], axis=1)


def _with_progress(outcomes: Iterator[Outcome], count: int) -> Iterator[Outcome]:
    if count == 1 or not sys.stderr.isatty():
        yield from outcomes
        return
    with typer.progressbar(outcomes, length=count, file=sys.stderr, label="Photos") as bar:
        yield from bar


def _report(outcomes: Sequence[Outcome], jobs: Sequence[Job]) -> None:
    """One line of success, then the failures; exit code 1 if there is one."""
    done = [outcome.poses for outcome in outcomes if outcome.poses is not None]
    failed = [outcome for outcome in outcomes if outcome.poses is None]
    people = sum(len(poses) for poses in done)
    where = jobs[0].target if len(jobs) == 1 else jobs[0].target.parent
    if done:
        maps = "1 map" if len(done) == 1 else f"{len(done)} maps"
        empty = sum(len(poses) == 0 for poses in done)
        nobody = f"; nobody in {empty} of them" if empty else ""
        found = f"{people} {'person' if people == 1 else 'people'}{nobody}"
        typer.echo(f"{where}: {maps}, {found if people else 'nobody found'}")
    for outcome in failed:
        typer.secho(f"error: {outcome.source}: {outcome.problem}", fg=typer.colors.RED, err=True)
    if failed:
        if len(jobs) > 1:
            typer.echo(f"{len(failed)} of {len(jobs)} photos failed", err=True)
        raise typer.Exit(1)
