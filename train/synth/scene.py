"""One scene: who stands where, what they wear and hold, what is in front, the camera, the light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dwpose_annotator.skeleton import WHOLEBODY_LINKS
from train.synth.backgrounds import Backgrounds
from train.synth.body import PARTS, Array, Body, BodyModel
from train.synth.camera import Camera
from train.synth.clothing import Wardrobe
from train.synth.eyewear import glasses
from train.synth.headwear import Barber
from train.synth.outfit import Dresser
from train.synth.person import draw_parameters
from train.synth.pose import STANCES
from train.synth.render import Light
from train.synth.rotations import Z, about
from train.synth.shot import draw_camera, draw_light
from train.synth.surface import SCENERY, Fitting, Surface, box_mesh, planar_uv, sphere_mesh
from train.synth.textures import SkinPainter, cloth, hair_tone

PEOPLE_CHANCE = (0.6, 0.22, 0.11, 0.07)  # one to four people
ELBOW_ROOM = 0.17  # metres between two people's bones
BODY_LINKS = [link for link in WHOLEBODY_LINKS if max(link) < 23]


@dataclass(frozen=True)
class Scene:
    """Everything that is rendered; ``bodies`` are in the world, the first is the subject."""

    bodies: tuple[Body, ...]
    surfaces: tuple[Surface, ...]
    camera: Camera
    light: Light


class Studio:
    """The body model and all that is derived from it, built once per process."""

    def __init__(self, backgrounds: Backgrounds) -> None:
        self.model = BodyModel()
        self.backgrounds = backgrounds
        self.wardrobe = Wardrobe(self.model)
        self.barber = Barber(self.model)
        self.painter = SkinPainter(self.model)

    def draw_scene(self, rng: np.random.Generator) -> Scene:
        """A random scene."""
        count = int(rng.choice(4, p=PEOPLE_CHANCE)) + 1
        drawn = [draw_parameters(self.model, rng) for _ in range(count)]
        bodies: list[Body] = []
        surfaces: list[Surface] = []
        spots = draw_spots(rng, count)
        for index, body in enumerate(self.model([parameters for parameters, _ in drawn])):
            stance = drawn[index][1]
            yaw = rng.normal(0, 0.8) if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi)
            placed = place(
                body, spots[index], yaw, rng.uniform(0, 0.4) if stance == "jump" else 0.0
            )
            placed = move_clear(rng, placed, bodies)
            feminine = drawn[index][0].phenotypes["gender"] > 0.5
            bodies.append(placed)
            surfaces += self.dress(rng, placed, index, feminine=feminine)
            if STANCES[stance].seat and rng.random() < 0.6:
                surfaces.append(seat(rng, self.model, placed))
            if rng.random() < 0.18:
                surfaces.append(held(rng, placed))
        camera = draw_camera(rng, self.model, bodies)
        if rng.random() < 0.28:
            surfaces.append(obstacle(rng, bodies[0], camera))
        return Scene(tuple(bodies), tuple(surfaces), camera, draw_light(rng, camera))

    def dress(
        self, rng: np.random.Generator, body: Body, person: int, *, feminine: bool
    ) -> list[Surface]:
        """Skin, clothes, hair, hat and glasses of one person."""
        tone = hair_tone(rng)
        beard = 0.0 if feminine or rng.random() < 0.5 else rng.uniform(0.1, 0.9)
        skin = self.painter.paint(rng, tone, beard=beard)
        model = self.model
        worn = [
            Surface(
                body.vertices,
                model.faces,
                model.uv[model.face_uv],
                skin,
                person,
                model.part_of_face,
                gloss=float(rng.uniform(0.01, 0.1)),
                soft=0.15,
            )
        ]
        photo = self.backgrounds.photo(rng)
        fitting = Fitting(body, self.wardrobe.smoother, model.faces)
        worn += Dresser(self.wardrobe, rng, fitting, person, photo).outfit(feminine=feminine)
        hat = rng.random() < 0.16
        worn += self.barber.hair(rng, fitting, person, tone, feminine=feminine, hat=hat)
        if hat:
            worn += self.barber.hat(rng, fitting, person)
        if rng.random() < 0.16:
            worn += glasses(self.barber, rng, body, person)
        return worn


def draw_spots(rng: np.random.Generator, count: int) -> Array:
    """(count, 2) places on the floor: the first at the origin, the others near it and apart."""
    spots = [np.zeros(2)]
    while len(spots) < count:
        spot = rng.normal(0, (0.7, 0.6))
        if min(float(np.linalg.norm(spot - other)) for other in spots) > 0.38:
            spots.append(spot)
    return np.asarray(spots, np.float32)


def place(body: Body, spot: Array, yaw: float, lift: float) -> Body:
    """Turn a body about z and set its lowest point on the floor at ``spot``."""
    turn = about(Z, yaw)
    turned = body.vertices @ turn.T
    shift = np.array([spot[0], spot[1], lift - turned[:, 2].min()], np.float32)

    def move(matrices: Array) -> Array:
        moved = turn @ matrices
        moved[..., 3] += shift
        return moved

    return Body(
        body.rest,
        turned + shift,
        move(body.blend),
        move(body.bones),
        body.keypoints @ turn.T + shift,
    )


def move_clear(rng: np.random.Generator, body: Body, others: Sequence[Body]) -> Body:
    """Slide a body over the floor until its skeleton keeps ELBOW_ROOM from everybody else's."""
    heading = rng.uniform(0, 2 * np.pi)
    step = np.array([np.cos(heading), 0.7 * np.sin(heading), 0]) * 0.2
    for _ in range(12):
        bones = limb_points(body)
        gaps = [np.linalg.norm(bones[:, None] - limb_points(o)[None], axis=2).min() for o in others]
        if min(gaps, default=np.inf) > ELBOW_ROOM:
            break
        body = place(body, step, 0.0, float(body.vertices[:, 2].min()))
    return body


def limb_points(body: Body) -> Array:
    """(n, 3) points along the limbs and the trunk."""
    ends = body.keypoints[np.array(BODY_LINKS)]
    t = np.linspace(0, 1, 4)[:, None, None]
    return (ends[:, 0] * (1 - t) + ends[:, 1] * t).reshape(-1, 3)


def _scenery(rng: np.random.Generator, vertices: Array, faces: Array) -> Surface:
    texture, tile = cloth(rng, None)
    return Surface(
        vertices,
        faces,
        planar_uv(vertices, faces, tile),
        texture,
        SCENERY,
        np.full(len(faces), -1),
        gloss=float(rng.uniform(0, 0.3)),
    )


def seat(rng: np.random.Generator, model: BodyModel, body: Body) -> Surface:
    """A block under the hips."""
    hips = body.vertices[model.part_of_vertex == PARTS.index("torso")]
    low = hips[hips[:, 2].argmin()]
    top = max(float(low[2]) + 0.015, 0.05)
    size = np.array([rng.uniform(0.35, 0.7), rng.uniform(0.3, 0.45), top])
    return _scenery(
        rng, *box_mesh(np.array([low[0], low[1], top / 2]), size, rng.uniform(0, np.pi))
    )


def held(rng: np.random.Generator, body: Body) -> Surface:
    """A ball, a slab or a stick in one hand."""
    start = 91 if rng.random() < 0.5 else 112
    palm = body.keypoints[start + np.array([5, 9, 13, 8, 12])].mean(axis=0)
    kind = rng.choice(["ball", "slab", "stick"])
    if kind == "ball":
        return _scenery(rng, *sphere_mesh(palm, np.full(3, rng.uniform(0.03, 0.12))))
    size = np.array(
        [0.08, 0.012, rng.uniform(0.12, 0.2)]
        if kind == "slab"
        else [0.025, 0.025, rng.uniform(0.3, 1.1)]
    )
    vertices, faces = box_mesh(np.zeros(3), size, rng.uniform(0, np.pi))
    tilt = about(rng.normal(0, 1, 3), rng.normal(0, 0.7))
    return _scenery(rng, (vertices @ tilt.T + palm).astype(np.float32), faces)


def obstacle(rng: np.random.Generator, body: Body, camera: Camera) -> Surface:
    """Something between the camera and the subject."""
    aim = body.keypoints[rng.integers(0, 17)]
    center = aim + (camera.position - aim) * rng.uniform(0.12, 0.5)
    scale = float(np.linalg.norm(camera.position - center)) * min(camera.size_wh) / camera.focal
    center = center + rng.normal(0, 0.15, 3) * scale
    kind = rng.choice(["box", "ball", "pole", "table"])
    if kind == "ball":
        return _scenery(rng, *sphere_mesh(center, rng.uniform(0.06, 0.22, 3) * scale))
    size = {
        "box": rng.uniform(0.1, 0.4, 3),
        "pole": np.array([0.06, 0.06, 3.0]),
        "table": np.array([1.6, 0.5, 0.06]),
    }
    return _scenery(rng, *box_mesh(center, size[str(kind)] * scale, rng.uniform(0, np.pi)))
