"""Pinhole camera. Pixel (0, 0) is the centre of the top-left pixel, as everywhere here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synth.body import Array


@dataclass(frozen=True)
class Camera:
    """Position and (3, 3) rows right, down, forward, in the world; focal and size in pixels."""

    position: Array
    axes: Array
    focal: float
    center_xy: tuple[float, float]
    size_wh: tuple[int, int]

    def project(self, points: Array) -> tuple[Array, Array]:
        """(..., 3) world points to (..., 2) pixels and (...,) depth (<= 0: behind)."""
        local = (points - self.position) @ self.axes.T
        depth = local[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        xy = local[..., :2] / safe[..., None] * self.focal + np.asarray(self.center_xy)
        return xy.astype(np.float32), depth.astype(np.float32)

    def rays(self, xy: Array) -> Array:
        """(n, 3) unit directions through (n, 2) pixels."""
        local = np.ones((len(xy), 3), np.float32)
        local[:, :2] = (xy - np.asarray(self.center_xy)) / self.focal
        directions = local @ self.axes
        return (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


def look_at(position: Array, target: Array, roll: float) -> Array:
    """(3, 3) rows right, down, forward of a camera at ``position``; z is up; radians."""
    forward = target - position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    down = np.cross(forward, right)
    turned = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    return np.stack([*turned, forward]).astype(np.float32)
