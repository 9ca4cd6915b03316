"""One photo in one browser tab: people found once, drawn as often as somebody clicks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dwpose_annotator import Poses, from_openpose_json
from dwpose_annotator.types import ImageArray
from examples.demo.drawing import Drawing, numbered_photo, small_copy
from examples.demo.services import Services


@dataclass(frozen=True)
class Scene:
    """What a session keeps between clicks.

    Attributes:
        name: stem of the file that came in; downloads are called after it.
        photo_path: the photo for the editor, or None.
        preview: the photo made small, or None.
        poses: all people; person ``i`` has the number ``i + 1``.
        report: device and timing, in words.
    """

    name: str
    photo_path: str | None
    preview: ImageArray | None
    poses: Poses
    report: str


@dataclass(frozen=True)
class Picture:
    """A scene as it is drawn now.

    Attributes:
        before: file of the numbered photo.
        pose_map: file of the map.
        keypoints_file: the same people and parts as POSE_KEYPOINT JSON.
        frame: what that file holds.
    """

    before: str
    pose_map: str
    keypoints_file: str
    frame: dict[str, Any]


def scene_from_photo(
    services: Services, path: str, *, pose: str, detector: str, person_threshold: float
) -> Scene:
    """Run the networks on a photo."""
    image = services.limits.load_photo(path)
    found = services.networks.find(
        image, pose, detector=detector, person_threshold=person_threshold
    )
    times = f"pose {found.pose_s * 1000:.0f} ms"
    if found.detect_s:
        times = f"detection {found.detect_s * 1000:.0f} ms, {times}"
    height, width = image.shape[:2]
    report = f"{people_text(len(found.poses))} · {width} x {height} · {found.device} · {times}"
    return Scene(Path(path).stem, path, small_copy(image), found.poses, report)


def scene_from_keypoints(services: Services, path: str, behind: Scene | None) -> Scene:
    """Read keypoints that were edited elsewhere; a photo of the same shape stays behind them."""
    frames = from_openpose_json(Path(path).read_bytes().decode("utf-8-sig", errors="replace"))
    frames = frames if isinstance(frames, list) else [frames]
    if not frames:
        raise ValueError("the file holds an empty list: no frames to draw")
    poses = frames[0]
    services.limits.check_frames([poses])
    fits = behind is not None and behind.preview is not None and same_shape(behind.poses, poses)
    more = f" · the first of {len(frames)} frames" if len(frames) > 1 else ""
    height, width = poses.size_hw
    report = f"{people_text(len(poses))} · {width} x {height} · from {Path(path).name}{more}"
    return Scene(
        Path(path).stem,
        behind.photo_path if behind is not None and fits else None,
        behind.preview if behind is not None and fits else None,
        poses,
        report,
    )


def draw_scene(services: Services, scene: Scene, shown: Sequence[int], drawing: Drawing) -> Picture:
    """Draw the people with indices ``shown``; no network runs."""
    size_hw = drawing.size_hw(scene.poses)
    services.limits.check_size(size_hw, "This map")
    people = scene.poses.select(sorted(shown))
    name = f"{scene.name}_pose"
    frame = drawing.to_json(people)
    before = numbered_photo(scene.preview, scene.poses, shown, size_hw=size_hw)
    return Picture(
        services.outbox.save_photo(f"{scene.name}_numbered", before),
        services.outbox.save_map(name, drawing.draw(people)),
        services.outbox.save_json(name, [frame]),
        frame,
    )


def same_shape(first: Poses, second: Poses) -> bool:
    """Whether two images have the same aspect to about one percent."""
    return math.isclose(
        first.size_hw[0] / first.size_hw[1], second.size_hw[0] / second.size_hw[1], rel_tol=0.01
    )


def people_text(count: int) -> str:
    return "nobody found" if count == 0 else "1 person" if count == 1 else f"{count} people"
