"""Skin, cloth and hair textures, as (h, w, 3) uint8 sRGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from train.synth.body import FACE68, Array, BodyModel

Texture = NDArray[np.uint8]
SKIN_SIZE = 512
# Monk Skin Tone scale (Ellis Monk / Google, CC BY 4.0), light to dark.
SKIN_TONES = np.array(
    [(246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150),
     (160, 126, 86), (130, 92, 67), (96, 65, 52), (58, 49, 42), (41, 36, 32)], np.float32
)  # fmt: skip
HAIR_TONES = np.array(
    [(22, 18, 16), (40, 28, 22), (72, 46, 30), (105, 70, 42), (150, 108, 62), (200, 165, 110),
     (140, 62, 32), (120, 118, 115), (190, 188, 184)], np.float32
)  # fmt: skip
EYE_TONES = np.array([(70, 42, 22), (96, 66, 36), (90, 110, 60), (80, 120, 150)], np.float32)


def fractal_noise(rng: np.random.Generator, size: int, *, coarsest: int = 4) -> Array:
    """(size, size) noise in about -1..1, octaves from ``coarsest`` cells up."""
    total = np.zeros((size, size), np.float32)
    cells, weight = coarsest, 1.0
    while cells <= size // 2:
        grid = rng.normal(0, weight, (cells, cells)).astype(np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        cells, weight = cells * 2, weight * 0.6
    return np.asarray(total / 1.5, np.float32)


class SkinPainter:
    """Masks in anny's texture space, so that each person's skin is a few blends."""

    def __init__(self, model: BodyModel) -> None:
        self.pixels = (model.vertex_uv * SKIN_SIZE).astype(np.float32)
        self.pixels[:, 1] = SKIN_SIZE - self.pixels[:, 1]
        face = self.pixels[FACE68]
        self.lips = self._polygon(face[48:60]) - self._polygon(face[60:68])
        self.brows = np.maximum(self._stroke(face[17:22]), self._stroke(face[22:27]))
        self.mouth = self._faces(model, model.surface["mouth"])
        self.tongue = self._faces(model, model.surface["tongue"])
        self.eyes = self._faces(model, model.surface["eyes"])
        self.iris, self.pupil = (self._irises(model, radius) for radius in (0.0062, 0.0028))
        chin, mouth, nose = (model.template[FACE68[i]] for i in (8, 57, 33))
        below = model.template[:, 2] < nose[2] - 0.004
        frontal = (model.template[:, 1] < mouth[1] + 0.085) & (
            model.template[:, 2] > chin[2] - 0.02
        )
        beard = below & frontal & (model.part_of_vertex == 1)
        mask = self._faces(model, beard[model.faces].all(axis=1) & model.surface["head"])
        self.beard = cv2.GaussianBlur(mask, (0, 0), 4) * (1 - self._polygon(face[48:60]))

    def _polygon(self, points: Array) -> Array:
        mask = np.zeros((SKIN_SIZE, SKIN_SIZE), np.uint8)
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255

    def _stroke(self, points: Array) -> Array:
        mask = np.zeros((SKIN_SIZE, SKIN_SIZE), np.uint8)
        cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, 2, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255

    def _faces(self, model: BodyModel, chosen: NDArray[np.bool_]) -> Array:
        mask = np.zeros((SKIN_SIZE, SKIN_SIZE), np.uint8)
        corners = model.uv[model.face_uv[chosen]] * SKIN_SIZE
        corners[..., 1] = SKIN_SIZE - corners[..., 1]
        for triangle in np.round(corners).astype(np.int32):
            cv2.fillConvexPoly(mask, triangle, 255)
        return mask.astype(np.float32) / 255

    def _irises(self, model: BodyModel, radius: float) -> Array:
        mask = np.zeros((SKIN_SIZE, SKIN_SIZE), np.uint8)
        vertices = np.unique(model.faces[model.surface["eyes"]])
        for side in (-1, 1):
            eye = vertices[model.template[vertices, 0] * side > 0]
            front = eye[model.template[eye, 1].argmin()]
            distance = np.linalg.norm(model.template[eye] - model.template[front], axis=1)
            ring = eye[(distance > 0.003) & (distance < 0.009)]
            scale = np.median(
                np.linalg.norm(self.pixels[ring] - self.pixels[front], axis=1)
                / np.linalg.norm(model.template[ring] - model.template[front], axis=1)
            )
            center = np.round(self.pixels[front] * 16).astype(int)
            cv2.circle(
                mask, tuple(center.tolist()), round(scale * radius * 16), 255, -1, cv2.LINE_AA, 4
            )
        return mask.astype(np.float32) / 255

    def paint(self, rng: np.random.Generator, hair: Array, *, beard: float) -> Texture:
        """A person's skin; ``hair`` is the (3,) colour of brows and beard."""
        position = rng.uniform(0, 8.4)  # the darkest tone comes out black in the shade
        tone = SKIN_TONES[int(position)] * (1 - position % 1) + SKIN_TONES[
            min(int(position) + 1, 9)
        ] * (position % 1)
        tone = np.clip(tone * rng.uniform(0.8, 0.98) * rng.normal(1, (0.01, 0.015, 0.025)), 0, 250)
        noise = fractal_noise(rng, SKIN_SIZE, coarsest=8)
        skin = (1 + 0.035 * noise)[..., None] * tone.astype(np.float32)
        lips = tone * np.array(rng.uniform((0.72, 0.42, 0.45), (0.92, 0.65, 0.68)))
        layers = (
            (self.lips * rng.uniform(0.4, 1), lips),
            (self.brows * rng.uniform(0.4, 0.9), hair),
            (self.beard * beard * (0.75 + 0.25 * np.sign(noise)), hair),
            (self.mouth, np.array((70, 22, 22)) + rng.uniform(-15, 20)),
            (self.tongue, np.array((170, 85, 85)) * rng.uniform(0.7, 1)),
            (self.eyes, np.array((232, 228, 224)) * rng.uniform(0.85, 1)),
            (self.iris, EYE_TONES[rng.integers(len(EYE_TONES))]),
            (self.pupil, np.array((12, 10, 10))),
        )
        for mask, colour in layers:
            at = np.nonzero(mask)  # a few per cent of the texture
            skin[at] += mask[at][:, None] * (colour - skin[at])
        return np.clip(skin, 0, 255).astype(np.uint8)


def random_colour(rng: np.random.Generator) -> Array:
    """(3,) sRGB: greys, darks and pale tones are more frequent than bright colours."""
    hue, saturation = rng.uniform(0, 180), 255 * rng.beta(1.2, 2.2)
    value = 255 * rng.beta(1.6, 1.4)
    hsv = np.array([[[hue, saturation, value]]], np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def cloth(rng: np.random.Generator, photo: Texture | None) -> tuple[Texture, float]:
    """A repeating cloth texture and its size in metres: plain, patterned or printed."""
    size = 128
    first, second = random_colour(rng), random_colour(rng)
    kind = rng.choice(
        ["plain", "stripes", "checks", "dots", "blotches", "print"],
        p=[0.46, 0.15, 0.1, 0.06, 0.09, 0.14],
    )
    tile = float(rng.uniform(0.04, 0.3))
    y, x = np.mgrid[0:size, 0:size] / size
    mask = np.zeros((size, size))
    if kind == "stripes":
        wave = (y if rng.random() < 0.7 else x) * rng.integers(1, 4) % 1
        mask = wave < rng.uniform(0.15, 0.6)
    elif kind == "checks":
        width = rng.uniform(0.2, 0.5)
        mask = (x % 1 < width) * 0.5 + (y % 1 < width) * 0.5
    elif kind == "dots":
        mask = np.hypot(x - 0.5, y - 0.5) < rng.uniform(0.12, 0.35)
    elif kind == "blotches":
        tile = float(rng.uniform(0.3, 0.8))
        mask = fractal_noise(rng, size, coarsest=8) > rng.uniform(-0.3, 0.4)
    elif kind == "print" and photo is not None:
        tile = float(rng.uniform(0.3, 0.9))
        return np.ascontiguousarray(
            cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
        ), tile
    colour = first + np.asarray(mask, np.float32)[..., None] * (second - first)
    colour = colour * (1 + rng.uniform(0.01, 0.07) * rng.normal(0, 1, (size, size, 1)))
    return np.clip(colour, 0, 255).astype(np.uint8), tile


def strands(rng: np.random.Generator, tone: Array) -> Texture:
    """Hair: streaks that run along v."""
    size = 128
    streaks = rng.normal(0, 1, (1, size, 1)) + 0.4 * rng.normal(0, 1, (size, size, 1))
    return np.clip(tone * (1 + 0.22 * streaks) + 3, 0, 255).astype(np.uint8)


def hair_tone(rng: np.random.Generator) -> Array:
    """(3,) natural hair colour, dyed in one case of twenty."""
    if rng.random() < 0.05:
        return random_colour(rng)
    chance = np.array([0.24, 0.2, 0.16, 0.1, 0.08, 0.06, 0.04, 0.06, 0.06])
    return HAIR_TONES[rng.choice(len(HAIR_TONES), p=chance)] * rng.uniform(0.8, 1.2)
