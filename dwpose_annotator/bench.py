"""Milliseconds per stage: the tables of ``dwpose bench``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TypeVar

import cv2
import numpy as np

from dwpose_annotator import defaults
from dwpose_annotator.annotator import Annotator
from dwpose_annotator.crop import crop_people, crop_to_image
from dwpose_annotator.detect import STRIDES, Detector
from dwpose_annotator.draw import draw_poses
from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.images import load_image, save_image
from dwpose_annotator.session import OnnxSession, Session, SessionOptions
from dwpose_annotator.simcc import decode
from dwpose_annotator.skeleton import NUM_KEYPOINTS
from dwpose_annotator.types import Boxes, FloatArray, ImageArray, Poses

SIZE_HW = (720, 1280)
PEOPLE = (1, 5, 10)
_DETECT, _POSE = "detect: network", "pose: network"
_NETWORKS = (_DETECT, _POSE)
_STAGES = (
    "load",
    "detect: letterbox, NMS",
    _DETECT,
    "crop",
    "pose: normalise",
    _POSE,
    "decode",
    "draw",
    "encode",
)
T = TypeVar("T")


class TimedSession:
    """A session that adds up its own seconds, and may answer with prepared rows.

    Random weights find nobody, and a shipped network finds nobody on noise; prepared rows give the
    code behind the network the same work as real people would.
    """

    def __init__(self, session: Session) -> None:
        self.name, self.provider = session.name, session.provider
        self.input_shape, self.output_shapes = session.input_shape, session.output_shapes
        self.seconds = 0.0
        self.answer: FloatArray | None = None
        self._session = session

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]:
        start = time.perf_counter()
        outputs = self._session.run(batch)
        self.seconds += time.perf_counter() - start
        return outputs if self.answer is None else (self.answer,)


def tables(*, runs: int, device: str, threads: int | None, large: bool) -> Iterator[str]:
    """Lines of the report: the shipped networks, then random weights of the large official ones."""
    annotator = Annotator.from_pretrained(device=device, threads=threads)
    assert annotator.detector is not None
    name = f"{defaults.POSE} + {defaults.DETECTOR} (shipped)"
    yield from _table(name, annotator.pose, annotator.detector, runs=runs, threads=threads)
    if not large:
        return
    yield ""
    with tempfile.TemporaryDirectory(prefix="dwpose-bench-") as folder:
        try:
            paths = _export_large(Path(folder))
        except ImportError as error:
            yield f"l-384 + yolox_l: left out, because building them needs torch ({error})"
            return
        options = SessionOptions(threads)
        pose, detector = (OnnxSession(path, device, options=options) for path in paths)
        name = "l-384 + yolox_l (official shapes, random weights)"
        yield from _table(name, PoseEstimator(pose), Detector(detector), runs=runs, threads=threads)


def _table(
    name: str, pose: PoseEstimator, detector: Detector, *, runs: int, threads: int | None
) -> Iterator[str]:
    yield (
        f"{name}: {pose.session.provider}, threads: {threads or 'all'}, "
        f"{SIZE_HW[1]}x{SIZE_HW[0]}, median of {runs}, milliseconds"
    )
    with tempfile.TemporaryDirectory(prefix="dwpose-bench-") as folder:
        columns = [_column(pose, detector, count, runs, Path(folder)) for count in PEOPLE]
    heads = [f"{count} people" if count > 1 else "1 person" for count in PEOPLE]
    yield _line("stage (* network)", heads)
    for stage in _STAGES:
        mark = "* " if stage in _NETWORKS else "  "
        yield _line(mark + stage, [f"{column[stage]:.2f}" for column in columns])
    totals = [sum(column.values()) for column in columns]
    others = [
        total - sum(column[stage] for stage in _NETWORKS)
        for total, column in zip(totals, columns, strict=True)
    ]
    yield _line("  total", [f"{total:.2f}" for total in totals])
    yield _line("  outside the networks", [f"{other:.2f}" for other in others])
    files = [column["load"] + column["encode"] for column in columns]
    computing = [other - file for other, file in zip(others, files, strict=True)]
    yield _line("  without load, encode", [f"{value:.2f}" for value in computing])
    shares = [100 * other / total for other, total in zip(others, totals, strict=True)]
    yield _line("  their share", [f"{share:.1f} %" for share in shares])


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<26}" + "".join(f"{cell:>12}" for cell in cells)


def _column(
    pose: PoseEstimator, detector: Detector, count: int, runs: int, folder: Path
) -> dict[str, float]:
    """Median milliseconds of each stage with ``count`` people; one run more warms up."""
    photo = folder / "photo.jpg"
    save_image(photo, _photo())
    boxes = _row_of_people(count)
    found = TimedSession(detector.session)
    found.answer = _detector_rows(boxes, detector)
    timed_detector = Detector(found, network_input=detector.network_input, options=detector.options)
    posed = TimedSession(pose.session)
    timed_pose = PoseEstimator(posed, network_input=pose.network_input)
    laps = [_lap(photo, timed_detector, found, timed_pose, posed, boxes) for _ in range(runs + 1)][
        1:
    ]
    return {stage: 1000 * median(lap[stage] for lap in laps) for stage in _STAGES}


def _lap(
    photo: Path,
    detector: Detector,
    found: TimedSession,
    pose: PoseEstimator,
    posed: TimedSession,
    boxes: Boxes,
) -> dict[str, float]:
    """Seconds of each stage of one photo."""
    found.seconds = posed.seconds = 0.0
    seconds: dict[str, float] = {}
    image = _timed(seconds, "load", lambda: load_image(photo))
    people = _timed(seconds, "detect: letterbox, NMS", lambda: detector([image])[0])
    seconds["detect: letterbox, NMS"] -= found.seconds
    seconds[_DETECT] = found.seconds
    assert len(people) == len(boxes), "the prepared rows must be found again"
    crops = _timed(seconds, "crop", lambda: crop_people(image, people, pose.crop_wh))
    logits = _timed(seconds, "pose: normalise", lambda: pose.infer(crops))
    seconds["pose: normalise"] -= posed.seconds
    seconds[_POSE] = posed.seconds
    _timed(seconds, "decode", lambda: crop_to_image(decode(logits)[0], crops.image_to_crop))
    poses = _standing(people)
    pose_map = _timed(seconds, "draw", lambda: draw_poses(poses))
    _timed(seconds, "encode", lambda: save_image(photo.with_name("map.png"), pose_map, flat=True))
    return seconds


def _timed(seconds: dict[str, float], stage: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    seconds[stage] = time.perf_counter() - start
    return result


def _photo() -> ImageArray:
    """Soft colours with some grain: about as large a JPEG file as a photo of this size."""
    random = np.random.default_rng(0)
    soft = cv2.resize(random.integers(0, 256, (9, 16, 3), np.uint8), SIZE_HW[::-1])
    grain = random.normal(0, 4, (*SIZE_HW, 3))
    return np.asarray((soft + grain).clip(0, 255), dtype=np.uint8)


def _row_of_people(count: int) -> Boxes:
    """People side by side, 2.5 times as tall as wide at most."""
    height, width = SIZE_HW
    step = width / count
    box_width = min(0.9 * step, 0.36 * height)
    left = step * (np.arange(count) + 0.5) - box_width / 2
    tall = np.full(count, 2.5 * box_width)
    return Boxes.from_xyxy(np.stack([left, 0 * tall + 40, left + box_width, tall + 40], axis=1))


def _detector_rows(boxes: Boxes, detector: Detector) -> FloatArray:
    """Raw output in which each person fires in 3 x 3 cells of every level, as a real net does."""
    height, width = detector.size_hw
    ratio = min(height / SIZE_HW[0], width / SIZE_HW[1])
    classes = (detector.session.output_shapes[0][2] or 6) - 5
    levels = []
    for stride in STRIDES:
        grid = np.zeros((height // stride, width // stride, 5 + classes), np.float32)
        for left, top, right, bottom in boxes.xyxy * ratio / stride:
            x, y = (left + right) / 2, (top + bottom) / 2
            for row in range(max(int(y) - 1, 0), min(int(y) + 2, grid.shape[0])):
                for column in range(max(int(x) - 1, 0), min(int(x) + 2, grid.shape[1])):
                    size = np.log([right - left, bottom - top])
                    grid[row, column, :6] = (x - column, y - row, *size, 0.9, 1)
        levels.append(grid.reshape(-1, 5 + classes))
    return np.concatenate(levels)[None]


# COCO body points of a standing person facing the camera, as shares of the box.
# fmt: off
_BODY = (
    (.50, .08), (.53, .06), (.47, .06), (.56, .07), (.44, .07), (.65, .20), (.35, .20), (.75, .35),
    (.25, .35), (.80, .48), (.20, .48), (.60, .52), (.40, .52), (.62, .74), (.38, .74), (.63, .94),
    (.37, .94),
)
_FEET = ((.66, .98), (.70, .97), (.62, .98), (.34, .98), (.30, .97), (.38, .98))
# fmt: on


def _standing(people: Boxes) -> Poses:
    """Every keypoint of every person visible: the most that drawing can cost."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    face = np.stack([0.5 + 0.09 * np.cos(angle), 0.08 + 0.05 * np.sin(angle)], axis=1)
    finger = np.array([(x, y) for x in range(-2, 3) for y in range(1, 5)]) * (0.02, 0.012)
    hands = [np.concatenate([[(0, 0)], finger]) + wrist for wrist in (_BODY[9], _BODY[10])]
    shape = np.concatenate([_BODY, _FEET, face, *hands])
    corner, size = people.xyxy[:, None, :2], people.xyxy[:, None, 2:] - people.xyxy[:, None, :2]
    xy = (corner + shape * size).astype(np.float32)
    score = np.ones((len(people), NUM_KEYPOINTS), np.float32)
    return Poses(xy, score, people.xyxy, people.score, SIZE_HW)


def _export_large(folder: Path) -> tuple[Path, Path]:
    """ONNX files of l-384 and YOLOX-L with random weights.

    Raises:
        ImportError: torch is not installed.
    """
    from dwpose_annotator.models.onnx_export import export_onnx, export_pose_onnx
    from dwpose_annotator.models.pose import build_pose_model
    from dwpose_annotator.models.yolox import build_yolox

    pose, detector = folder / "l-384.onnx", folder / "yolox_l.onnx"
    export_pose_onnx(build_pose_model("l-384"), pose)
    export_onnx(
        build_yolox("l"),
        detector,
        input_chw=(3, 640, 640),
        input_name="images",
        output_names=("output",),
    )
    return pose, detector
