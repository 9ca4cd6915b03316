"""Where the camera stands, what it frames, and the light."""

from __future__ import annotations

import numpy as np

from train.synth.body import PARTS, Array, Body, BodyModel
from train.synth.camera import Camera, look_at
from train.synth.render import Light

FRAMES = ("full", "knees", "upper", "portrait", "part")
FRAME_CHANCE = (0.5, 0.1, 0.2, 0.12, 0.08)
PERSON_PX = 256 / 1.25  # a 3:4 box of this height fills the 256x192 network input at padding 1.25


def _framed(rng: np.random.Generator, model: BodyModel, body: Body, frame: str) -> Array:
    """The subject's vertices that the picture is built around.

    They are chosen on the average body: a short person's own head may be below its shoulders.
    """
    part, height = model.part_of_vertex, model.template[:, 2]
    if frame == "knees":
        return body.vertices[height > model.head_of("lowerleg01.L")[2]]
    if frame == "upper":
        return body.vertices[(height > model.head_of("root")[2] + rng.uniform(-0.15, 0.2))]
    if frame == "portrait":
        return body.vertices[height > model.head_of("upperarm01.L")[2] - rng.uniform(-0.03, 0.08)]
    if frame == "part":
        return body.vertices[
            np.isin(part, rng.choice(len(PARTS), int(rng.integers(3, 7)), replace=False))
        ]
    return body.vertices


def draw_camera(rng: np.random.Generator, model: BodyModel, bodies: list[Body]) -> Camera:
    """Wide to tele, low to high; the framed part, as a 3:4 box, is about PERSON_PX high."""
    frame = str(rng.choice(FRAMES, p=FRAME_CHANCE))
    subject = _framed(rng, model, bodies[0], frame)
    middle = (subject.max(axis=0) + subject.min(axis=0)) / 2
    extent = max(float(np.linalg.norm(subject.max(axis=0) - subject.min(axis=0))), 0.3)
    elevation = (
        np.clip(rng.normal(0.08, 0.22), -0.45, 0.9)
        if rng.random() < 0.88
        else rng.uniform(0.4, 1.25)
    )
    distance = extent * np.exp(rng.uniform(np.log(1.1), np.log(5.0))) + 0.25
    azimuth = rng.normal(0, 0.3)
    away = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.cos(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    position = (middle + away * distance).astype(np.float32)
    position[2] = max(float(position[2]), 0.08)
    axes = look_at(position, middle, float(np.clip(rng.normal(0, 0.07), -0.3, 0.3)))
    unit = Camera(position, axes, 1.0, (0.0, 0.0), (1, 1))
    xy, depth = unit.project(subject)
    xy = xy[depth > 0.05]
    low, high = xy.min(axis=0), xy.max(axis=0)
    box_high = max(float(high[1] - low[1]), float(high[0] - low[0]) * 4 / 3)
    focal = PERSON_PX * rng.uniform(0.75, 1.25) / box_high
    center, size = (low + high) / 2, np.maximum(high - low, box_high * np.array([0.75, 1.0]) * 0.8)
    margin = rng.uniform(1.12, 1.6, 2)
    low, high = center - size / 2 * margin, center + size / 2 * margin
    if frame in ("knees", "upper", "portrait"):
        high[1] = center[1] + (xy[:, 1].max() - center[1]) * rng.uniform(0.9, 1.02)
    if len(bodies) > 1 and rng.random() < 0.6:
        others = np.concatenate([b.vertices for b in bodies[1:]])
        spread, deep = unit.project(others)
        spread = np.clip(spread[deep > 0.3], -3 * box_high + center, 3 * box_high + center)
        if len(spread):
            low[0], high[0] = min(low[0], spread[:, 0].min()), max(high[0], spread[:, 0].max())
    shift = rng.normal(0, 0.05, 2) * size
    return window_camera(unit, focal, low + shift, high + shift)


def window_camera(unit: Camera, focal: float, low: Array, high: Array) -> Camera:
    """A camera that shows the window ``low`` .. ``high`` of a camera of focal length 1."""
    wide, tall = np.clip(np.round((high - low) * focal), 96, (640, 448)).astype(int)
    center = (low + high) / 2 * focal
    center_xy = float((wide - 1) / 2 - center[0]), float((tall - 1) / 2 - center[1])
    return Camera(unit.position, unit.axes, float(focal), center_xy, (int(wide), int(tall)))


def draw_light(rng: np.random.Generator, camera: Camera) -> Light:
    """Sun (hard or overcast) and sky of slightly different colours."""
    direction = rng.normal(0, 1, 3) - 0.7 * camera.axes[2]
    direction[2] = abs(direction[2]) + 0.25
    direction /= np.linalg.norm(direction)
    warm = rng.normal(0, 0.12)
    tint = np.array([1 + warm, 1.0, 1 - warm])
    strength = rng.uniform(0.1, 1.0)
    sky = rng.uniform(0.3, 0.7) * np.clip(
        np.array([1 - warm, 1.0, 1 + warm]) + rng.normal(0, 0.04, 3), 0.5, 1.5
    )
    return Light(
        direction.astype(np.float32),
        (strength * tint).astype(np.float32),
        sky.astype(np.float32),
        (sky * rng.uniform(0.25, 0.7) * tint).astype(np.float32),
        float(rng.uniform(0.01, 0.25)),
        float(rng.choice([0.0, rng.uniform(0.3, 0.8)], p=[0.25, 0.75])),
    )
