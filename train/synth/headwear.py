"""Hair and hats."""

from __future__ import annotations

import numpy as np

from train.synth.body import FACE68, PARTS, Array, Body, BodyModel, IntArray, apply_blend
from train.synth.surface import (
    Fitting,
    Surface,
    grid_faces,
    planar_uv,
    smooth_noise,
    sphere_mesh,
)
from train.synth.textures import cloth, strands

HEAD = PARTS.index("head")


class Barber:
    """The scalp of the body mesh: where hair and hats sit."""

    def __init__(self, model: BodyModel) -> None:
        self.model = model
        at = model.template
        self.ears = (model.regressor @ at)[3:5]
        brow = at[FACE68[19], 2]
        center = self.ears.mean(axis=0)
        phi = np.degrees(np.abs(np.arctan2(at[:, 0], -(at[:, 1] - center[1] - 0.01))))  # 0: front
        line = np.interp(
            phi,
            [0, 40, 62, 78, 95, 180],
            [brow + 0.045, brow + 0.04, brow + 0.01, center[2], center[2] - 0.02, center[2] - 0.06],
        )
        near_ear = np.min([np.linalg.norm(at - ear, axis=1) for ear in self.ears], axis=0) < 0.034
        self.above = np.where(model.part_of_vertex == HEAD, at[:, 2] - line, -1.0)
        self.scalp = (self.above > 0) & ~near_ear
        self.crown = (model.part_of_vertex == HEAD) & (at[:, 2] > brow + 0.025)
        inner = model.surface["eyes"] | model.surface["mouth"] | model.surface["tongue"]
        self.outside = ~inner

    def _shell(
        self,
        fitting: Fitting,
        mask: Array,
        thickness: Array,
        person: int,
        texture: np.ndarray,
        tile: float,
        *,
        level: int,
        gloss: float,
    ) -> Surface:
        """The masked part of the head, pushed out by (V,) metres."""
        faces = self.model.faces
        chosen = mask[faces].all(axis=1) & self.outside
        body, rest = fitting.body, fitting.shell(level, thickness)
        used, compact = np.unique(faces[chosen], return_inverse=True)
        compact = compact.reshape(-1, 3)
        return Surface(
            apply_blend(body.blend[used], rest[used]),
            compact,
            planar_uv(rest[used], compact, tile),
            texture,
            person,
            np.full(len(compact), HEAD),
            gloss,
        )

    def with_head(
        self,
        body: Body,
        points: Array,
        faces: IntArray,
        texture: np.ndarray,
        person: int,
        *,
        tile: float = 0.1,
        gloss: float = 0.1,
        see_through: bool = False,
    ) -> Surface:
        """A rest-pose mesh that moves with the skull."""
        posed = apply_blend(body.bones[self.model.bone("head")], points)
        return Surface(
            posed.astype(np.float32),
            faces,
            planar_uv(points, faces, tile),
            texture,
            person,
            np.full(len(faces), HEAD),
            gloss,
            see_through=see_through,
        )

    def _curtain(
        self, rng: np.random.Generator, body: Body, person: int, texture: np.ndarray, length: float
    ) -> Surface:
        """Long hair: a sheet hung around back and sides of the head, following head and chest."""
        rest, bone = body.rest, self.model.bone
        ears = self.model.regressor[3:5] @ rest
        center = ears.mean(axis=0) + np.array([0, 0.012, 0])
        half = abs(ears[0, 0] - ears[1, 0]) / 2
        rows, columns = 14, 26
        phi = np.radians(
            np.linspace(-rng.uniform(75, 105), rng.uniform(75, 105), columns)
        )  # 0: back
        t = np.linspace(0, 1, rows)[:, None]
        z = center[2] + 0.09 - t * (length + 0.09)
        widen = rng.uniform(0.0, 0.05)
        spread = half + 0.018 + widen * t - 0.035 * np.exp(-(((t * length - 0.13) / 0.05) ** 2))
        dome = np.sqrt(np.clip(1 - np.clip((0.09 - t * (length + 0.09)) / 0.15, 0, 1) ** 2, 0, 1))
        depth = 0.1 + 0.03 * np.clip(t * length / 0.2, 0, 1)
        x = center[0] + np.sin(phi)[None] * spread * dome
        y = center[1] + np.cos(phi)[None] * depth * dome
        points = np.stack(np.broadcast_arrays(x, y, z), -1).reshape(-1, 3).astype(np.float32)
        points += 0.005 * smooth_noise(rng, points * (1, 1, 0.15), 0.05)[:, None]
        down = np.clip((center[2] - 0.1 - points[:, 2]) / 0.15, 0, 1)[:, None, None]
        head, chest = body.bones[bone("head")], body.bones[bone("spine01")]
        faces = grid_faces(rows, columns, closed=False)
        posed = apply_blend((head + down * (chest - head)).astype(np.float32), points)
        return Surface(
            posed,
            faces,
            planar_uv(points, faces, 0.12),
            texture,
            person,
            np.full(len(faces), HEAD),
            0.08,
        )

    def _tail(
        self, rng: np.random.Generator, body: Body, person: int, texture: np.ndarray
    ) -> Surface:
        """A bun or a pony tail at the back of the head."""
        back = (self.model.regressor[3:5] @ body.rest).mean(axis=0)
        height = rng.uniform(-0.02, 0.13)
        size = rng.uniform(0.028, 0.05)
        knot = back + np.array([0, 0.115 - max(height - 0.05, 0) * 0.7, height])
        long = rng.choice([size, rng.uniform(0.08, 0.16)])
        center = knot + np.array([0, 0.02, size - long])
        points, faces = sphere_mesh(center, np.array([size, size, long]))
        return self.with_head(body, points, faces, texture, person)

    def hair(
        self,
        rng: np.random.Generator,
        fitting: Fitting,
        person: int,
        tone: Array,
        *,
        feminine: bool,
        hat: bool,
    ) -> list[Surface]:
        """Bald, cropped, short, voluminous, long, bun or ponytail."""
        styles = ["bald", "cropped", "short", "afro", "long", "tail"]
        chance = (
            [0.01, 0.04, 0.25, 0.1, 0.4, 0.2] if feminine else [0.12, 0.3, 0.44, 0.06, 0.06, 0.02]
        )
        style = rng.choice(styles, p=chance)
        if style == "bald":
            return []
        texture = strands(rng, tone)
        body, rest = fitting.body, fitting.body.rest
        thick = {
            "cropped": 0.004,
            "short": rng.uniform(0.01, 0.03),
            "afro": rng.uniform(0.04, 0.09),
            "long": rng.uniform(0.008, 0.018),
            "tail": rng.uniform(0.006, 0.012),
        }[str(style)]
        if hat:
            thick = min(thick, 0.007)
        edge = np.clip(self.above / 0.03, 0.15, 1)
        wave = 1 + 0.3 * smooth_noise(rng, rest, 0.07)
        fringe = rng.random() < 0.3
        mask = self.scalp | (
            (self.above > -rng.uniform(0.01, 0.035)) & (self.model.template[:, 1] < -0.06)
            if fringe
            else self.scalp
        )
        level = 3 if style == "cropped" else 10
        worn = [
            self._shell(
                fitting,
                mask,
                thick * edge * np.clip(wave, 0.4, 1.7),
                person,
                texture,
                0.1,
                level=level,
                gloss=0.1,
            )
        ]
        if style == "long":
            worn.append(self._curtain(rng, body, person, texture, rng.uniform(0.08, 0.42)))
        if style == "tail":
            worn.append(self._tail(rng, body, person, texture))
        return worn

    def hat(self, rng: np.random.Generator, fitting: Fitting, person: int) -> list[Surface]:
        """Beanie, cap, brimmed hat or helmet."""
        kind = rng.choice(["beanie", "cap", "brim", "helmet"], p=[0.25, 0.35, 0.25, 0.15])
        texture, tile = cloth(rng, None)
        thickness = {"beanie": 0.014, "cap": 0.014, "brim": 0.016, "helmet": 0.032}[str(kind)]
        gloss = 0.35 if kind == "helmet" else 0.03
        body = fitting.body
        push = np.full(len(body.rest), thickness, np.float32)
        worn = [
            self._shell(fitting, self.crown, push, person, texture, tile, level=10, gloss=gloss)
        ]
        if kind in ("cap", "brim"):
            crown = body.rest[self.crown]
            low = crown[:, 2].min() + 0.012
            band = crown[crown[:, 2] < low + 0.02]
            middle = (band.max(axis=0) + band.min(axis=0)) / 2
            radii = (band.max(axis=0) - band.min(axis=0))[:2] / 2 + 0.012
            half = np.pi if kind == "brim" else rng.uniform(0.9, 1.3)
            width = rng.uniform(0.05, 0.11) if kind == "brim" else rng.uniform(0.06, 0.085)
            turned = np.pi if kind == "cap" and rng.random() < 0.15 else 0.0
            phi = np.linspace(-half, half, 30) + turned
            taper = (
                1
                if kind == "brim"
                else np.clip(np.cos((phi - turned) / half * np.pi / 2), 0, 1) ** 0.5
            )
            rings = []
            for r in np.linspace(0, 1, 5):
                grown = radii + width * r * np.reshape(taper, (-1, 1))
                ring = np.stack([np.sin(phi), -np.cos(phi)], 1) * grown
                drop = -r * rng.uniform(0.0, 0.02) * np.ones(30)
                rings.append(np.column_stack([middle[:2] + ring, low + drop]))
            faces = grid_faces(5, 30, closed=False)
            worn.append(
                self.with_head(
                    body,
                    np.concatenate(rings).astype(np.float32),
                    faces,
                    texture,
                    person,
                    tile=tile,
                )
            )
        return worn
