"""Clothes: parts of the body mesh, smoothed and pushed off the skin; skirts are tubes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.synth.body import PARTS, Array, Body, BodyModel, apply_blend
from train.synth.surface import Fitting, Smoother, Surface, grid_faces, planar_uv, smooth_noise
from train.synth.textures import Texture, cloth

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
        hips, top = (
            rest[(self.trunk | self.leg)],
            np.nanmax(rest[self.trunk & (self.height < waist), 2]),
        )
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
        leg = PARTS.index("upper_leg_l")
        return Surface(
            apply_blend(blend, points),
            faces,
            planar_uv(points, faces, tile),
            texture,
            person,
            np.full(len(faces), leg),
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

    def dress(
        self,
        rng: np.random.Generator,
        fitting: Fitting,
        person: int,
        photo: Texture | None,
        *,
        feminine: bool,
    ) -> list[Surface]:
        """A random outfit."""
        worn: list[Surface | None] = []
        bottom, top = cloth(rng, photo), cloth(rng, photo)
        style = rng.choice(
            ["trousers", "shorts", "skirt", "dress", "swimwear", "tight"],
            p=[0.48, 0.17, 0.1, 0.1, 0.05, 0.1] if feminine else [0.66, 0.23, 0.0, 0.0, 0.05, 0.06],
        )
        loose = rng.uniform(0, 1)
        wide = Cut(
            10 if loose < 0.6 else 28, 0.009 + 0.012 * loose, 0.007 * loose, rng.uniform(0, 0.03)
        )
        tight = Cut(3, 0.006, 0.001)
        waist = rng.uniform(0.12, 0.32)
        if style in ("trousers", "shorts", "tight", "swimwear"):
            length = {
                "trousers": rng.uniform(1.75, 2.04),
                "shorts": rng.uniform(0.3, 1.1),
                "tight": rng.uniform(1.2, 2.0),
                "swimwear": rng.uniform(0.0, 0.35),
            }[str(style)]
            cut = wide if style in ("trousers", "shorts") else tight
            worn.append(
                self.fit(
                    rng, fitting, self.trousers(length=length, waist=waist), cut, person, bottom
                )
            )
        else:
            worn.append(
                self.skirt(
                    rng,
                    fitting.body,
                    person,
                    waist=waist,
                    length=rng.uniform(0.5, 1.9),
                    dress=bottom,
                )
            )
        if style == "dress":
            top = bottom
        hem = rng.uniform(-0.12, 0.2) if style != "dress" else 0.1
        hem = min(hem, waist - 0.06) if rng.random() < 0.9 else rng.uniform(0.3, 0.5)
        bare = 0.05 if not (feminine and style == "swimwear") else 0.0
        if style != "swimwear" and rng.random() > bare:
            sleeve = float(
                rng.choice(
                    [rng.uniform(-0.2, 0.1), rng.uniform(0.35, 0.9), rng.uniform(1.5, 2.04)],
                    p=[0.15, 0.4, 0.45],
                )
            )
            room = rng.uniform(0, 1)
            base = (
                0.02 + 0.012 * loose if style in ("trousers", "shorts") else 0.014
            )  # over the trousers
            cut = Cut(28, base + 0.014 * room, 0.009 * room, rng.uniform(0, 0.012))
            cut = Cut(3, 0.009, 0.001) if style == "tight" else cut
            worn.append(
                self.fit(rng, fitting, self.top(rng, sleeve=sleeve, hem=hem), cut, person, top)
            )
            if rng.random() < 0.22:
                jacket = Cut(28, cut.offset + 0.016, 0.008, 0.01)
                mask = self.top(rng, sleeve=rng.uniform(1.7, 2.04), hem=hem - 0.1)
                opening = rng.uniform(-0.01, 0.09)
                mask &= (np.abs(self.model.template[:, 0]) > opening) | (
                    self.model.template[:, 1] > 0
                )
                worn.append(self.fit(rng, fitting, mask, jacket, person, cloth(rng, photo)))
        elif feminine:
            chest = self.top(rng, sleeve=-0.1, hem=rng.choice([0.0, 0.55]))
            worn.append(self.fit(rng, fitting, chest, tight, person, bottom))
        if rng.random() < 0.82:
            shaft = float(
                rng.choice([2.1, rng.uniform(1.9, 2.0), rng.uniform(1.2, 1.8)], p=[0.5, 0.4, 0.1])
            )
            sole = Cut(10, rng.uniform(0.008, 0.014), 0.0)
            worn.append(
                self.fit(
                    rng,
                    fitting,
                    self.shoes(shaft=shaft),
                    sole,
                    person,
                    cloth(rng, None),
                    gloss=float(rng.uniform(0.02, 0.2)),
                )
            )
        return [garment for garment in worn if garment is not None]
