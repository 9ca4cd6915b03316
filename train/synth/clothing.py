"""Clothes: parts of the body mesh, smoothed and pushed off the skin; skirts are tubes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.synth.body import PARTS, Array, Body, BodyModel, apply_blend
from train.synth.surface import Fitting, Smoother, Surface, grid_faces, planar_uv, smooth_noise
from train.synth.textures import Texture

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """How a garment is cut.

    Attributes:
        level: how much the body below is smoothed, one of Fitting.LEVELS.
        offset, ripple: metres off the skin, and of folds.
        flare: further metres off the skin at the far end of a sleeve or leg.
    """

    level: int
    offset: float
    ripple: float
    flare: float = 0.0


class Wardrobe:
    """Coordinates along limbs and trunk on the body mesh, from which garments are cut.

    ``along``: (V,) 0 at shoulder or hip, 1 at elbow or knee, 2 at wrist or ankle; nan elsewhere.
    """

    def __init__(self, model: BodyModel) -> None:
        self.model = model
        self.smoother = Smoother(model.faces, len(model.template))
        self.along = np.full(len(model.template), np.nan, np.float32)
        self.part = np.array(PARTS)[model.part_of_vertex]
        for side in "LR":
            self._measure(
                ("upperarm01", "lowerarm01", "wrist"), ("upper_arm", "lower_arm", "hand"), side
            )
            self._measure(
                ("upperleg01", "lowerleg01", "foot"), ("upper_leg", "lower_leg", "foot"), side
            )
        self.arm = np.char.find(self.part, "arm") >= 0
        self.leg = np.char.find(self.part, "leg") >= 0
        self.foot = np.char.startswith(self.part, "foot")
        self.trunk = self.part == "torso"
        height = model.template[:, 2]
        hip, neck = model.head_of("root")[2], model.head_of("neck01")[2]
        self.height = (height - hip) / (neck - hip)  # 0 at the hips, 1 at the base of the neck
        self.outside = np.zeros(len(model.template), bool)
        inner = model.surface["eyes"] | model.surface["mouth"] | model.surface["tongue"]
        self.outside[np.unique(model.faces[~inner])] = True

    def _measure(self, bones: tuple[str, str, str], parts: tuple[str, str, str], side: str) -> None:
        joints = [self.model.head_of(f"{bone}.{side}") for bone in bones]
        for segment in (0, 1):
            start, axis = joints[segment], joints[segment + 1] - joints[segment]
            members = self.part == f"{parts[segment]}_{side.lower()}"
            t = (self.model.template[members] - start) @ axis / (axis @ axis)
            self.along[members] = segment + t
        self.along[self.part == f"{parts[2]}_{side.lower()}"] = 2.05

    def top(self, rng: np.random.Generator, *, sleeve: float, hem: float) -> Mask:
        """Shirt or jacket: trunk from ``hem`` to a random neckline, sleeves to ``sleeve``."""
        x, y = self.model.template[:, 0], self.model.template[:, 1]
        depth = rng.choice([0.0, rng.uniform(0.02, 0.22)])
        front = y < self.model.head_of("neck01")[1]
        neckline = 1.0 - np.where(front, depth * np.clip(1 - np.abs(x) / 0.1, 0, 1), 0)
        trunk = self.trunk & (self.height > hem) & (self.height < neckline + 0.02)
        legs = self.leg & (self.height > hem)
        return trunk | legs | (self.arm & (self.along < sleeve))

    def trousers(self, *, length: float, waist: float) -> Mask:
        """Trousers, shorts, underwear: trunk below ``waist``, legs down to ``length``."""
        return (self.trunk & (self.height < waist)) | (self.leg & (self.along < length))

    def shoes(self, *, shaft: float) -> Mask:
        """Shoes and boots; ``shaft`` is where they end on the leg."""
        return self.foot | (self.leg & (self.along > shaft))

    def fit(
        self,
        rng: np.random.Generator,
        fitting: Fitting,
        mask: Mask,
        cut: Cut,
        person: int,
        dress: tuple[Texture, float],
        *,
        gloss: float = 0.03,
    ) -> Surface | None:
        """Cut, smooth, displace and pose one garment; None if it has no triangle."""
        faces = self.model.faces
        chosen = (mask & self.outside)[faces].all(axis=1)
        if not chosen.any():
            return None
        body = fitting.body
        far = np.nan_to_num(np.clip(self.along / 2, 0, 1))
        ripple = cut.ripple * smooth_noise(rng, body.rest, rng.uniform(0.06, 0.25))
        distance = cut.offset + far * cut.flare + np.maximum(ripple, -0.4 * cut.offset)
        rest = fitting.shell(cut.level, distance)
        used, compact = np.unique(faces[chosen], return_inverse=True)
        compact = compact.reshape(-1, 3)
        texture, tile = dress
        return Surface(
            apply_blend(body.blend[used], rest[used]),
            compact,
            planar_uv(rest[used], compact, tile),
            texture,
            person,
            self.model.part_of_face[chosen],
            gloss,
        )

    def skirt(
        self,
        rng: np.random.Generator,
        body: Body,
        person: int,
        *,
        waist: float,
        length: float,
        dress: tuple[Texture, float],
    ) -> Surface:
        """A tube around both legs; ``length`` 1 ends at the knees, 2 at the ankles."""
        rest = body.rest
        hips = rest[self.trunk | self.leg]
        top = rest[self.trunk & (self.height < waist), 2].max()
        knee = rest[self.leg & (np.abs(self.along - 1) < 0.08), 2].mean()
        hip = rest[self.trunk & (np.abs(self.height) < 0.08), 2].mean()
        rows, columns = 14, 40
        flare = rng.uniform(0.0, 0.35)
        phi = np.linspace(0, 2 * np.pi, columns, endpoint=False)
        folds = 1 + rng.uniform(0, 0.08) * np.sin(phi * rng.integers(5, 12) + rng.uniform(0, 6))
        rings, radius = [], np.zeros(2)
        for t in np.linspace(0, 1, rows):
            z = top + t * (hip - (hip - knee) * length - top)
            near = hips[np.abs(hips[:, 2] - z) < 0.03]
            middle = (near[:, :2].max(axis=0) + near[:, :2].min(axis=0)) / 2
            own = (near[:, :2].max(axis=0) - near[:, :2].min(axis=0)) / 2 + 0.015
            radius = np.maximum(own, radius + flare * t * 0.03)
            ring = np.stack([np.cos(phi), np.sin(phi)], 1) * radius * (1 + (folds - 1) * t)[:, None]
            rings.append(np.concatenate([middle + ring, np.full((columns, 1), z)], axis=1))
        points = np.concatenate(rings).astype(np.float32)
        faces = grid_faces(rows, columns, closed=True)
        blend = self._skirt_blend(body, points, hip, knee)
        texture, tile = dress
        return Surface(
            apply_blend(blend, points),
            faces,
            planar_uv(points, faces, tile),
            texture,
            person,
            np.full(len(faces), PARTS.index("upper_leg_l")),
        )

    def _skirt_blend(self, body: Body, points: Array, hip: float, knee: float) -> Array:
        """(n, 3, 4) matrices: hips above, then a mix of both legs by side, then shins."""
        bone = self.model.bone
        left = np.clip(points[:, 0] / 0.24 + 0.5, 0, 1)
        left = (left * left * (3 - 2 * left))[:, None, None]
        down = np.clip((hip + 0.04 - points[:, 2]) / 0.12, 0, 1)[:, None, None]
        shin = np.clip((knee + 0.05 - points[:, 2]) / 0.12, 0, 1)[:, None, None]
        thighs = (
            left * body.bones[bone("upperleg01.L")] + (1 - left) * body.bones[bone("upperleg01.R")]
        )
        shins = (
            left * body.bones[bone("lowerleg01.L")] + (1 - left) * body.bones[bone("lowerleg01.R")]
        )
        legs = thighs + shin * (shins - thighs)
        hips = body.bones[bone("root")]
        return np.asarray(hips + down * (legs - hips), np.float32)
