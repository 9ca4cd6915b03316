"""Exact COCO-WholeBody annotations of a rendered scene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.skeleton import FACE, LEFT_HAND, RIGHT_HAND
from train.data import PARTS as COCO_FIELDS
from train.synth.body import PARTS, Array, Body, IntArray
from train.synth.camera import Camera
from train.synth.render import Geometry

VISIBLE, HIDDEN = 2, 1
MIN_AREA = 80  # pixels of a person that must be seen for a label to be written
MIN_VISIBLE = 4  # keypoints likewise

# A joint lies inside its limb: how far (metres) the first surface on the ray may be in front of it,
# and which body parts that surface may cover. Face points and finger tips lie on the skin.
DEPTH = np.concatenate([
    (0.02, 0.02, 0.02, 0.025, 0.025),
    np.repeat((0.13, 0.08, 0.06, 0.17, 0.11, 0.08), 2),
    np.full(6, 0.05),
    np.full(68, 0.012),
    np.tile([0.05, *[0.022] * 20], 2),
]).astype(np.float32)  # fmt: skip


def _covering_parts() -> NDArray[np.bool_]:
    """(133, parts) which parts a keypoint may be seen through."""
    table = np.zeros((133, len(PARTS)), bool)

    def allow(points: list[int], *names: str) -> None:
        for name in names:
            table[points, PARTS.index(name)] = True

    allow([*range(5), *range(23, 91)], "head")
    for side, first in (("l", 0), ("r", 1)):
        allow([5 + first], "torso", f"upper_arm_{side}")
        allow([7 + first], f"upper_arm_{side}", f"lower_arm_{side}")
        allow([9 + first], f"lower_arm_{side}", f"hand_{side}")
        allow(
            [11 + first], "torso", f"upper_leg_{side}", "upper_leg_l"
        )  # skirts count as a left thigh
        allow([13 + first], f"upper_leg_{side}", f"lower_leg_{side}", "upper_leg_l")
        allow([15 + first], f"lower_leg_{side}", f"foot_{side}", "upper_leg_l")
        allow([*range(17 + 3 * first, 20 + 3 * first)], f"foot_{side}", f"lower_leg_{side}")
        hand = 91 + 21 * first
        allow([hand], f"hand_{side}", f"lower_arm_{side}")
        allow([*range(hand + 1, hand + 21)], f"hand_{side}")
    return table


COVERING = _covering_parts()


def visibility(geometry: Geometry, camera: Camera, body: Body, person: int) -> IntArray:
    """(133,) VISIBLE where the camera sees the keypoint (or the limb around it), else HIDDEN.

    Hidden are points behind something or outside the frame; their position stays exact.
    """
    points = body.keypoints
    xy, depth = camera.project(points)
    width, height = camera.size_wh
    inside = (
        (xy >= -0.5).all(axis=1)
        & (xy[:, 0] < width - 0.5)
        & (xy[:, 1] < height - 0.5)
        & (depth > 0)
    )
    rays = points - camera.position
    distance = np.linalg.norm(rays, axis=1)
    rays = rays / distance[:, None]
    start = np.zeros(len(points), np.float32)
    for _ in range(4):  # a ray passes through at most a few lenses and frames
        hits = geometry.first_hits(camera.position + rays * start[:, None], rays)
        through = geometry.see_through[hits["geomID"]]
        if not through.any():
            break
        start = np.where(through, start + hits["tfar"] + 1e-4, start)
    found = hits["geomID"] >= 0
    first = np.where(found, start + hits["tfar"], np.inf)
    part = geometry.part_of_hits(hits)
    own = (geometry.person[hits["geomID"]] == person) & (part >= 0)
    own &= COVERING[np.arange(len(points)), np.maximum(part, 0)]
    free = (first > distance) | (own & (first > distance - DEPTH))
    return np.where(inside & free, VISIBLE, HIDDEN)


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """COCO's uncompressed RLE: runs of 0 and 1 in column order, starting with 0."""
    flat = np.concatenate([[False], mask.T.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    return {"size": list(mask.shape), "counts": counts if counts[-1] else counts[:-1]}


def part_box(xy: Array, seen: NDArray[np.bool_], size_wh: tuple[int, int]) -> list[float]:
    """xywh around the points, 10 % larger, cut to the frame; zeros if none of them is seen."""
    if not seen.any():
        return [0.0, 0.0, 0.0, 0.0]
    low, high = xy.min(axis=0), xy.max(axis=0)
    border = 0.05 * (high - low)
    limit = np.asarray(size_wh) - 1.0
    low, high = np.clip(low - border, 0, limit), np.clip(high + border, 0, limit)
    return np.round([*low, *(high - low)], 2).tolist()


def annotate(
    geometry: Geometry, camera: Camera, body: Body, person: int, seen: IntArray
) -> dict[str, Any] | None:
    """One person's annotation without its ids; None if too little of the person is seen.

    Args:
        seen: (h, w) index of the person seen in each pixel.
    """
    mask = seen == person
    state = visibility(geometry, camera, body, person)
    if mask.sum() < MIN_AREA or (state == VISIBLE).sum() < MIN_VISIBLE:
        return None
    xy, _ = camera.project(body.keypoints)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    ]
    annotation: dict[str, Any] = {
        "category_id": 1, "iscrowd": 0, "bbox": box, "area": int(mask.sum()),
        "num_keypoints": 17, "segmentation": run_lengths(mask),
    }  # fmt: skip
    first = 0
    for name, count in COCO_FIELDS:
        rows_of_part = slice(first, first + count)
        triples = np.concatenate([np.round(xy[rows_of_part], 2), state[rows_of_part, None]], axis=1)
        annotation[name] = [
            int(v) if i % 3 == 2 else round(float(v), 2) for i, v in enumerate(triples.ravel())
        ]
        first += count
    visible = state == VISIBLE
    annotation["foot_valid"] = bool(visible[17:23].any())
    for name, part in (("face", FACE), ("lefthand", LEFT_HAND), ("righthand", RIGHT_HAND)):
        annotation[f"{name}_valid"] = bool(visible[part].any())
        annotation[f"{name}_box"] = part_box(xy[part], visible[part], camera.size_wh)
    return annotation
