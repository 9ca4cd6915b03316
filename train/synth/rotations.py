"""Rotation matrices."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from train.synth.body import Array

MIRROR = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)
X, Y, Z = np.eye(3, dtype=np.float32)


def about(axis: ArrayLike, angle: float) -> Array:
    """(3, 3) right-handed rotation by ``angle`` radians about an axis of any length."""
    unit = np.asarray(axis, np.float64)
    unit = unit / np.linalg.norm(unit)
    return np.asarray(cv2.Rodrigues(unit * float(angle))[0], np.float32)


def mirrored(rotation: Array) -> Array:
    """The same movement on the other side of the body (x changes sign)."""
    return MIRROR @ rotation @ MIRROR


def frame(direction: Array, normal: Array) -> Array:
    """(3, 3) orthonormal frame columns: direction, orthogonalised normal, their cross."""
    d = direction / np.linalg.norm(direction)
    n = normal - d * (d @ normal)
    n = n / np.linalg.norm(n)
    return np.stack([d, n, np.cross(d, n)], axis=1).astype(np.float32)
