"""Glasses."""

from __future__ import annotations

import numpy as np

from train.synth.body import FACE68, Array, Body, IntArray
from train.synth.headwear import Barber
from train.synth.surface import Surface, grid_faces, sphere_mesh
from train.synth.textures import random_colour


def frame_mesh(
    eyes: Array, ears: Array, plane: float, half: Array, wire: float
) -> tuple[Array, IntArray]:
    """Rims of ``half`` (width, height) around the eyes at y = ``plane``, temples to the ears."""
    points, faces, count = [], [], 0
    phi, psi = np.meshgrid(
        np.linspace(0, 2 * np.pi, 20, endpoint=False), np.linspace(0, 2 * np.pi, 6)
    )
    for eye in eyes:
        reach = 1 + wire * np.cos(psi) / half.mean()
        ring = np.stack(
            [
                eye[0] + half[0] * np.cos(phi) * reach,
                plane + wire * np.sin(psi),
                eye[2] - 0.004 + half[1] * np.sin(phi) * reach,
            ],
            -1,
        )
        points.append(ring.reshape(-1, 3))
        faces.append(grid_faces(6, 20, closed=True) + count)
        count += ring.size // 3
    for eye, ear in zip(eyes, ears, strict=True):
        side = np.sign(eye[0])
        start = np.array([eye[0] + side * half[0], plane, eye[2] + 0.004])
        bar = np.stack(
            [
                start + np.array([0, 0, wire]),
                start - np.array([0, 0, wire]),
                (ear[0] + side * 0.004, ear[1], start[2] + wire),
                (ear[0] + side * 0.004, ear[1], start[2] - wire),
            ]
        )
        points.append(bar)
        faces.append(np.array([[0, 1, 2], [1, 3, 2]]) + count)
        count += 4
    return np.concatenate(points).astype(np.float32), np.concatenate(faces)


def glasses(barber: Barber, rng: np.random.Generator, body: Body, person: int) -> list[Surface]:
    """Frames around both eyes with temples to the ears; dark lenses in a third of the cases."""
    rest = body.rest
    eyes = barber.model.regressor[1:3] @ rest
    ears = barber.model.regressor[3:5] @ rest
    plane = rest[FACE68[27], 1] - rng.uniform(0.004, 0.01)
    half = np.array([rng.uniform(0.021, 0.028), rng.uniform(0.016, 0.025)])
    wire = rng.uniform(0.0012, 0.0035)
    points, faces = frame_mesh(eyes, ears, plane, half, wire)
    frame = np.tile(random_colour(rng) * 0.5, (2, 2, 1)).astype(np.uint8)
    worn = [
        barber.with_head(
            body,
            points,
            faces,
            frame,
            person,
            gloss=0.3,
            see_through=True,
        )
    ]
    if rng.random() < 0.35:
        dark = np.full((2, 2, 3), rng.integers(5, 45), np.uint8)
        for eye in eyes:
            lens, lens_faces = sphere_mesh(
                np.array([eye[0], plane, eye[2] - 0.004]), np.array([half[0], 0.002, half[1]])
            )
            worn.append(
                barber.with_head(body, lens, lens_faces, dark, person, gloss=0.6, see_through=True)
            )
    return worn
