"""UBody to COCO-WholeBody (``python -m train ubody``): extract frames, write train.json, val.json.

Layout as downloaded, below one root: ``videos/<Scene>/*``, ``splits/intra_scene_test_list.npy`` and
``annotations/<Scene>/keypoint_annotation.json``. What is written: ``images/<Scene>/<video>/*.png``,
``train.json`` and ``val.json``, so that the root is a data folder like any other.
Source of layout and rules: IDEA-Research/OSX (UBody), IDEA-Research/DWPose and the UBody converter
of open-mmlab/mmpose.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dwpose_annotator.files import write_atomic
from dwpose_annotator.skeleton import BODY, KEYPOINT_NAMES
from dwpose_annotator.types import ImageArray
from train.data import read_json, write_json

log = logging.getLogger(__name__)

FRAME_RATE = 30  # frames a second; UBody's annotations count frames at this rate
SAMPLE_INTERVAL = 10  # the published training uses image ids divisible by it
PERSON = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(KEYPOINT_NAMES[BODY]),
}


# ---- frames -----------------------------------------------------------------------------------
def frames_at(video: Path, rate: float = FRAME_RATE) -> Iterator[ImageArray]:
    """Frames (BGR) of a video at a constant rate, doubled or dropped where its own differs.

    Each frame is shown from the output instant nearest to its own time; of several for one instant
    the last is. Source: ffmpeg's ``fps`` filter.

    Raises:
        ValueError: the file cannot be read as a video.
    """
    capture = cv2.VideoCapture(str(video))
    written, previous, end = 0, None, 0.0
    duration = 1 / (capture.get(cv2.CAP_PROP_FPS) or rate)
    while True:
        read, frame = capture.read()
        start = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if read else end
        while previous is not None and written < round(start * rate):
            yield previous
            written += 1
        if not read:
            break
        previous, end = np.asarray(frame, np.uint8), start + duration
    capture.release()
    if previous is None:
        raise ValueError(f"{video} cannot be read as a video")


def extract_video(video: Path, folder: Path) -> int:
    """Write ``000001.png``, ``000002.png``... into a new folder; returns their number.

    A folder that exists is left as it is (0), so an interrupted run goes on where it stopped.
    """
    if folder.is_dir():
        return 0
    draft = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    count = 0
    for count, frame in enumerate(frames_at(video), start=1):
        if not cv2.imwrite(str(draft / f"{count:06d}.png"), frame):
            raise OSError(f"cannot write frames to {draft}")
    os.replace(draft, folder)
    return count


def extract_scene(root: Path, scene: str) -> list[str]:
    """Extract every video of a scene into a folder named by its file name up to the first dot.

    Returns:
        One line per video that could not be read.
    """
    broken = []
    for video in sorted((root / "videos" / scene).iterdir()):
        try:
            count = extract_video(video, root / "images" / scene / video.name.partition(".")[0])
        except ValueError as error:
            broken.append(str(error))
            continue
        log.info("%s/%s: %d frames", scene, video.name, count)
    return broken


# ---- annotations ------------------------------------------------------------------------------
@dataclass
class Split:
    """One half of the converted data, and what was left out."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Frames that are annotated but not on disk."""


def video_name(file_name: str) -> str:
    """The video that a frame belongs to, as the split list names it.

    >>> video_name("/abc_Trim3/000010.png")
    'abc'
    """
    return file_name.split("/")[-2].partition("_Trim")[0]


def convert_scene(
    root: Path, scene: str, test_videos: set[str], splits: dict[str, Split], *, every: int
) -> None:
    """Add a scene to ``splits["train"]`` and ``splits["val"]``.

    Ids become unique over the scenes; the source's stay in ``source_id``. Every person of a frame
    is kept (the reference's converter loses all but the first).
    """
    path = root / "annotations" / scene / "keypoint_annotation.json"
    if not path.is_file():
        raise FileNotFoundError(f"no annotations at {path}")
    content = read_json(path)
    placed: dict[int, tuple[Split, int]] = {}
    for image in content["images"]:
        if image["id"] % every:
            continue
        file_name = f"{scene}/{image['file_name'].lstrip('/')}"
        split = splits["val" if video_name(file_name) in test_videos else "train"]
        if not (root / "images" / file_name).is_file():
            split.missing.append(file_name)
            continue
        new_id = _next_id(splits, "images")
        split.images.append(
            {**image, "id": new_id, "source_id": image["id"], "file_name": file_name}
        )
        placed[image["id"]] = (split, new_id)
    for annotation in content["annotations"]:
        if annotation["image_id"] not in placed:
            continue
        split, image_id = placed[annotation["image_id"]]
        identity = {
            "id": _next_id(splits, "annotations"),
            "image_id": image_id,
            "category_id": PERSON["id"],
            "source_id": annotation["id"],
        }
        split.annotations.append({**annotation, **identity})


def _next_id(splits: dict[str, Split], kind: str) -> int:
    return 1 + sum(len(getattr(split, kind)) for split in splits.values())


def convert(root: Path, scenes: Sequence[str], *, every: int = SAMPLE_INTERVAL) -> dict[str, Split]:
    """Write ``train.json`` and ``val.json`` of the scenes, split by video (the intra-scene list).

    Annotated frames that are not on disk are left out and listed in ``train_missing.txt`` and
    ``val_missing.txt``.

    Raises:
        FileNotFoundError: no split list or annotations.
        ValueError: not one frame is on disk.
    """
    list_file = root / "splits" / "intra_scene_test_list.npy"
    if not list_file.is_file():
        raise FileNotFoundError(f"no split list at {list_file}")
    test_videos = set(np.load(list_file, allow_pickle=False).tolist())
    splits = {"train": Split(), "val": Split()}
    for scene in scenes:
        convert_scene(root, scene, test_videos, splits, every=every)
    if not any(split.images for split in splits.values()):
        raise ValueError(f"no annotated frame is below {root / 'images'}; extract the videos first")
    for name, split in splits.items():
        content = {
            "images": split.images,
            "annotations": split.annotations,
            "categories": [PERSON],
        }
        write_json(root / f"{name}.json", content)
        if split.missing:
            _write_text(root / f"{name}_missing.txt", "\n".join(split.missing) + "\n")
    return splits


def _write_text(path: Path, text: str) -> None:
    write_atomic(path, lambda file: file.write(text.encode()))


# ---- command line -----------------------------------------------------------------------------
def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train ubody``."""
    parser.add_argument("step", choices=("extract", "convert"))
    parser.add_argument("root", type=Path, help="UBody folder with videos/, annotations/, splits/")
    parser.add_argument("--scenes", nargs="+", help="only these (default: all)")
    parser.add_argument(
        "--every", type=int, default=SAMPLE_INTERVAL, help="use image ids divisible by this"
    )


def run(arguments: argparse.Namespace) -> None:
    """Extract frames or convert annotations, and say what was left out."""
    root: Path = arguments.root
    source = root / ("videos" if arguments.step == "extract" else "annotations")
    if not source.is_dir():
        raise FileNotFoundError(f"no folder {source}")
    scenes = arguments.scenes or sorted(path.name for path in source.iterdir() if path.is_dir())
    if arguments.step == "extract":
        broken = [line for scene in scenes for line in extract_scene(root, scene)]
        print(f"{len(scenes)} scenes extracted, {len(broken)} videos unreadable", *broken, sep="\n")
        return
    for name, split in convert(root, scenes, every=arguments.every).items():
        print(
            f"{name}.json: {len(split.images)} images, {len(split.annotations)} people, "
            f"{len(split.missing)} frames missing"
        )
        if split.missing:
            print(f"  listed in {root / f'{name}_missing.txt'}")
