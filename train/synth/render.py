"""Ray casting with Embree (embreex): first hits, shadows, ambient occlusion, and NumPy shading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import ImageArray
from train.synth.body import Array, IntArray
from train.synth.camera import Camera
from train.synth.surface import SCENERY, Surface, vertex_normals

GRID = 2  # rays per pixel and axis
LIFT = 1.5e-3  # metres off the surface where secondary rays start


@dataclass(frozen=True)
class Light:
    """A sun and a sky in linear RGB; ``direction`` points to the sun."""

    direction: Array
    sun: Array
    sky: Array
    ground: Array
    softness: float  # radius of the sun on the unit sphere
    ground_shadow: float  # 0..1, how strongly the floor of the background takes shadows


@dataclass(frozen=True)
class Rendering:
    """``image`` (h, w, 3) uint8 RGB; ``person`` (h, w) index of the person seen, or SCENERY."""

    image: ImageArray
    person: IntArray


class Geometry:
    """All surfaces in one Embree scene."""

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ImportError as error:
            raise ImportError(
                "synthetic people need a ray caster: pip install 'dwpose-annotator[synth]'"
            ) from error
        self.surfaces = tuple(surfaces)
        self.scene: Any = EmbreeScene()
        for surface in surfaces:
            TriangleMesh(
                self.scene,
                np.ascontiguousarray(surface.vertices, np.float32),
                np.ascontiguousarray(surface.faces, np.int32),
            )
        self.person = np.array([*(s.person for s in surfaces), SCENERY])  # [-1] is "no hit"
        self.see_through = np.array([*(s.see_through for s in surfaces), False])

    def first_hits(self, origins: Array, directions: Array) -> dict[str, NDArray[Any]]:
        """Embree's hits: geomID (-1: none), primID, barycentric u and v, distance tfar."""
        hits: dict[str, NDArray[Any]] = self.scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            output=True,
        )
        return hits

    def blocked(self, origins: Array, directions: Array) -> NDArray[np.bool_]:
        """Whether anything lies along each ray."""
        hits = self.scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="OCCLUDED",
        )
        return np.asarray(hits) >= 0

    def part_of_hits(self, hits: dict[str, NDArray[Any]]) -> IntArray:
        """(n,) body part of each hit, -1 where nothing was hit."""
        part = np.full(len(hits["geomID"]), -1)
        for index, surface in enumerate(self.surfaces):
            mine = hits["geomID"] == index
            part[mine] = surface.part[hits["primID"][mine]]
        return part


def to_linear(srgb: NDArray[Any]) -> Array:
    """Display values 0..255 to linear 0..1 (gamma 2.2)."""
    return np.power(np.asarray(srgb, np.float32) / 255, 2.2)


def to_display(linear: Array) -> Array:
    """Linear light to display values 0..255."""
    return 255 * np.power(np.clip(linear, 0, 1), 1 / 2.2)


def look_up(texture: NDArray[np.uint8], uv: Array) -> Array:
    """(n, 3) linear colour of a repeating texture at (n, 2) coordinates; v runs up."""
    height, width = texture.shape[:2]
    x = (uv[:, 0] % 1) * width - 0.5
    y = (1 - uv[:, 1] % 1) * height - 0.5
    rows = 4096  # OpenCV's remap takes at most 32767 columns
    pad = -len(uv) % rows
    maps = [np.pad(m, (0, pad)).astype(np.float32).reshape(-1, rows) for m in (x, y)]
    colour = cv2.remap(texture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    table = to_linear(np.arange(256))
    return table[colour.reshape(-1, 3)[: len(uv)]]


def _jittered(rng: np.random.Generator, direction: Array, count: int, radius: float) -> Array:
    return (direction + radius * rng.standard_normal((count, 3))).astype(np.float32)


def _even(values: NDArray[np.bool_], found: NDArray[np.bool_], shape: tuple[int, int]) -> Array:
    """(n, 1) means over the neighbouring rays that hit something: one random ray each is grainy."""
    sums = np.zeros((2, len(found)), np.float32)
    sums[0, found], sums[1, found] = values, 1
    total, count = (
        cv2.boxFilter(s.reshape(shape), -1, (5, 5), normalize=False).ravel()[found] for s in sums
    )
    return np.asarray(total / count, np.float32)[:, None]


def materials(
    geometry: Geometry, hits: dict[str, NDArray[Any]]
) -> tuple[Array, Array, Array, Array]:
    """Of each hit: unit normal (n, 3), linear colour (n, 3), gloss (n, 1), softness (n, 1)."""
    count = len(hits["geomID"])
    normals, albedo = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    gloss, soft = np.empty((count, 1), np.float32), np.empty((count, 1), np.float32)
    for index, surface in enumerate(geometry.surfaces):
        mine = np.flatnonzero(hits["geomID"] == index)
        if not len(mine):
            continue
        face, u, v = hits["primID"][mine], hits["u"][mine], hits["v"][mine]
        corner = np.stack([1 - u - v, u, v], axis=1)[..., None]
        smooth = vertex_normals(surface.vertices, surface.faces)
        if surface.person == SCENERY:
            normals[mine] = hits["Ng"][mine]
        else:
            normals[mine] = (smooth[surface.faces[face]] * corner).sum(axis=1)
        albedo[mine] = look_up(surface.texture, (surface.corner_uv[face] * corner).sum(axis=1))
        gloss[mine], soft[mine] = surface.gloss, surface.soft
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return normals, albedo, gloss, soft


def shade(
    rng: np.random.Generator,
    geometry: Geometry,
    hits: dict[str, NDArray[Any]],
    points: Array,
    towards_camera: Array,
    light: Light,
    found: NDArray[np.bool_],
    shape: tuple[int, int],
) -> Array:
    """(n, 3) linear colour of the rays that hit something: ``found`` (h * w,) among (h, w) rays."""
    count = len(points)
    normals, albedo, gloss, soft = materials(geometry, hits)
    facing = (normals * towards_camera).sum(axis=1, keepdims=True)
    normals = np.where(facing < 0, -normals, normals)  # cloth is seen from both sides
    start = points + normals * LIFT + towards_camera * LIFT
    shadow = _even(
        geometry.blocked(start, _jittered(rng, light.direction, count, light.softness)),
        found,
        shape,
    )
    closed = _even(
        geometry.blocked(start, normals * 1.05 + _jittered(rng, np.zeros(3), count, 0.6)),
        found,
        shape,
    )
    sun = (normals @ light.direction)[:, None]
    sun = np.clip((sun + soft) / (1 + soft), 0, 1) * (1 - shadow)
    up = 0.5 + 0.5 * normals[:, 2:3]
    ambient = (light.ground + up * (light.sky - light.ground)) * (1 - 0.75 * closed)
    half = towards_camera + light.direction
    half = half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
    shine = gloss * np.clip((normals * half).sum(axis=1, keepdims=True), 0, 1) ** 24 * (sun > 0)
    return np.asarray(albedo * (sun * light.sun + ambient) + shine * light.sun, np.float32)


def _window(geometry: Geometry, camera: Camera) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the pixels where anything can be hit."""
    width, height = camera.size_wh
    everything = np.concatenate([s.vertices for s in geometry.surfaces])
    xy, depth = camera.project(everything)
    if (depth < 0.05).any():
        return 0, 0, width, height
    low = np.clip(np.floor(xy.min(axis=0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(xy.max(axis=0)) + 1, 0, (width, height)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def ground_shadows(
    rng: np.random.Generator, geometry: Geometry, camera: Camera, light: Light
) -> Array:
    """(h, w, 1) linear factor of the background: shadows and contact shading on the plane z = 0."""
    width, height = camera.size_wh
    y, x = np.mgrid[0:height, 0:width].reshape(2, -1)
    rays = camera.rays(np.stack([x, y], axis=1))
    distance = -camera.position[2] / np.minimum(rays[:, 2], -1e-6)
    points = camera.position + rays * distance[:, None]
    points[:, 2] = LIFT
    near = np.concatenate([s.vertices for s in geometry.surfaces])
    low, high = near[:, :2].min(axis=0) - 1.5, near[:, :2].max(axis=0) + 1.5
    floor = (
        (rays[:, 2] < -1e-3)
        & (points[:, :2] > low).all(axis=1)
        & (points[:, :2] < high).all(axis=1)
    )
    count = int(floor.sum())
    factor = np.ones(height * width, np.float32)
    if count:
        up = np.array([0, 0, 1], np.float32)
        sun = geometry.blocked(
            points[floor], _jittered(rng, light.direction, count, light.softness + 0.02)
        )
        sky = geometry.blocked(
            points[floor], up + _jittered(rng, np.zeros(3), count, 0.7) * (1, 1, 0)
        )
        direct = light.sun.mean() * max(float(light.direction[2]), 0.0)
        total = direct + light.sky.mean()
        lost = (sun * direct + sky * light.sky.mean()) / total
        factor[floor] = 1 - light.ground_shadow * lost
    return np.asarray(cv2.GaussianBlur(factor.reshape(height, width), (0, 0), 1.2), np.float32)[
        ..., None
    ]


def render(
    rng: np.random.Generator,
    geometry: Geometry,
    camera: Camera,
    light: Light,
    background: ImageArray,
) -> Rendering:
    """Surfaces over a background, GRID x GRID rays per pixel."""
    width, height = camera.size_wh
    canvas = to_linear(background)
    if light.ground_shadow > 0:
        canvas *= ground_shadows(rng, geometry, camera, light)
    person = np.full((height, width), SCENERY)
    x0, y0, x1, y1 = _window(geometry, camera)
    if x1 <= x0 or y1 <= y0:
        return Rendering(to_display(canvas).astype(np.uint8), person)
    high, wide = y1 - y0, x1 - x0
    fine = [
        (np.arange(GRID * n) + 0.5) / GRID - 0.5 + start for n, start in ((high, y0), (wide, x0))
    ]
    rays = camera.rays(np.stack(np.meshgrid(*fine, indexing="ij")[::-1], axis=-1).reshape(-1, 2))
    hits = geometry.first_hits(np.broadcast_to(camera.position, rays.shape), rays)
    found = hits["geomID"] >= 0
    chosen = {name: hits[name][found] for name in ("geomID", "primID", "u", "v", "Ng", "tfar")}
    points = camera.position + rays[found] * chosen["tfar"][:, None]
    colour = np.zeros((len(rays), 3), np.float32)
    shape = (high * GRID, wide * GRID)
    lit = shade(rng, geometry, chosen, points, -rays[found], light, found, shape)
    colour[found] = np.minimum(lit, 1.5)
    blocks = (high, GRID, wide, GRID)
    cover = found.reshape(blocks).mean(axis=(1, 3))[..., None]
    mean = colour.reshape(*blocks, 3).mean(axis=(1, 3))
    canvas[y0:y1, x0:x1] = mean + (1 - cover) * canvas[y0:y1, x0:x1]
    owner = (
        geometry.person[hits["geomID"]]
        .reshape(blocks)
        .transpose(0, 2, 1, 3)
        .reshape(high, wide, -1)
    )
    person[y0:y1, x0:x1] = np.sort(owner, axis=2)[..., GRID * GRID // 2]
    return Rendering(to_display(canvas).astype(np.uint8), person)
