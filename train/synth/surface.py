"""A textured triangle mesh of the scene, and the mesh arithmetic that body and clothes share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.synth.body import Array, Body, IntArray

SCENERY = -1  # `person` of what belongs to nobody


@dataclass(frozen=True)
class Surface:
    """One mesh.

    Attributes:
        vertices: (V, 3) world metres. faces: (F, 3) indices.
        corner_uv: (F, 3, 2) texture coordinates of each face corner; the texture repeats.
        texture: (h, w, 3) uint8 sRGB.
        person: index of its wearer in the scene, or SCENERY.
        part: (F,) index into body.PARTS of what is covered.
        gloss: strength of the highlight. soft: light that wraps around, as in skin.
        see_through: glasses, which hide no keypoint.
    """

    vertices: Array
    faces: IntArray
    corner_uv: Array
    texture: NDArray[np.uint8]
    person: int
    part: IntArray
    gloss: float = 0.03
    soft: float = 0.0
    see_through: bool = False


def planar_uv(points: Array, faces: IntArray, tile: float) -> Array:
    """(F, 3, 2) texture coordinates by projection along y; ``tile`` metres per repeat."""
    return (points[:, ::2] / tile)[faces].astype(np.float32)


def vertex_normals(vertices: Array, faces: IntArray) -> Array:
    """(V, 3) unit normals, weighted by face area; outward for counter-clockwise faces."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    face_normals = np.cross(b - a, c - a)
    flat = faces.ravel()
    normals = np.stack(
        [np.bincount(flat, np.repeat(face_normals[:, i], 3), len(vertices)) for i in range(3)], 1
    )
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(
        np.float32
    )


class Smoother:
    """Umbrella-operator smoothing on a fixed mesh."""

    def __init__(self, faces: IntArray, count: int) -> None:
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
        self.to = edges[:, 1]
        self.start = np.searchsorted(edges[:, 0], np.arange(count))
        self.degree = np.bincount(edges[:, 0], minlength=count)[:, None]
        assert self.degree.min() > 0  # reduceat needs every vertex to have a neighbour

    def __call__(self, values: Array, rounds: int) -> Array:
        """(V, d) values after ``rounds`` averages with the neighbours."""
        for _ in range(rounds):
            mean = np.add.reduceat(values[self.to], self.start, axis=0) / self.degree
            values = (0.5 * values + 0.5 * mean).astype(np.float32)
        return values


class Fitting:
    """A body being dressed: its rest shape, ever more relaxed, shared by all that is worn on it.

    ``levels[n]`` is (relaxed (V, 3), normals (V, 3), how far the body pokes out (V,)), metres.
    """

    LEVELS = (3, 10, 28)  # rounds of smoothing

    def __init__(self, body: Body, smoother: Smoother, faces: IntArray) -> None:
        self.body = body
        self.levels: dict[int, tuple[Array, Array, Array]] = {}
        relaxed, done = body.rest, 0
        for rounds in self.LEVELS:
            relaxed, done = smoother(relaxed, rounds - done), rounds
            normals = vertex_normals(relaxed, faces)
            out = np.maximum(((body.rest - relaxed) * normals).sum(axis=1), 0)
            self.levels[rounds] = relaxed, normals, out

    def shell(self, level: int, distance: Array) -> Array:
        """(V, 3) rest positions ``distance`` (V,) metres off the relaxed body, never inside."""
        relaxed, normals, out = self.levels[level]
        return np.asarray(relaxed + normals * (out + distance)[:, None], np.float32)


def smooth_noise(rng: np.random.Generator, points: Array, wavelength: float) -> Array:
    """(V,) noise of about unit strength: a few random plane waves through (V, 3) points."""
    waves = rng.normal(0, 2 * np.pi / wavelength, (3, 5))
    phases = rng.uniform(0, 2 * np.pi, 5)
    return np.asarray(np.sin(points @ waves + phases).sum(axis=1) / np.sqrt(2.5), np.float32)


def box_mesh(center: Array, size: Array, yaw: float) -> tuple[Array, IntArray]:
    """Vertices (8, 3) and faces (12, 3) of a box turned about z."""
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) * 0.5
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    quads = np.array(
        [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    )
    faces = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    return (corners * size @ turn.T + center).astype(np.float32), faces


def sphere_mesh(
    center: Array, radii: Array, *, rows: int = 12, columns: int = 18
) -> tuple[Array, IntArray]:
    """An ellipsoid as a grid from pole to pole."""
    theta = np.linspace(0, np.pi, rows)[:, None]
    phi = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    unit = np.stack(
        np.broadcast_arrays(
            np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)
        ),
        -1,
    )
    return (unit.reshape(-1, 3) * radii + center).astype(np.float32), grid_faces(
        rows, columns, closed=True
    )


def grid_faces(rows: int, columns: int, *, closed: bool) -> IntArray:
    """Faces of a (rows, columns) grid of vertices; ``closed`` joins last and first column."""
    r, c = np.mgrid[0 : rows - 1, 0 : columns if closed else columns - 1]
    after = (c + 1) % columns
    a, b, d, e = (
        r * columns + c,
        r * columns + after,
        (r + 1) * columns + c,
        (r + 1) * columns + after,
    )
    return np.concatenate(
        [np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, e], -1).reshape(-1, 3)]
    )
