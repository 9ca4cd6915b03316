"""Plausible poses: a stance of legs, trunk and root, a goal per hand, a check for collisions.

Angles keep natural limits (degrees): hip flexion -30..125, abduction -16..70, knee 0..145, elbow
up to 150, trunk bending 60. Directions are those of the upright rest pose (see body.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from train.synth.body import Array, BodyModel
from train.synth.hands import pose_hand
from train.synth.rotations import X, Y, Z, about, frame, mirrored

Range = tuple[float, float]


@dataclass(frozen=True)
class Leg:
    """Ranges of one leg in degrees."""

    flex: Range
    knee: Range
    abduct: Range = (-9, 6)
    twist: Range = (-10, 20)  # positive turns the knee outwards
    ankle: Range = (-12, 12)


@dataclass(frozen=True)
class Stance:
    """Ranges of legs, trunk and root in degrees; ``seat``: something to sit on belongs to it."""

    chance: float
    legs: tuple[Leg, Leg]
    trunk: Range = (-8, 12)  # bend, positive forward
    pitch: Range = (-4, 4)  # of the whole body, positive forward
    roll: Range = (-3, 3)
    seat: bool = False


STAND = Leg((-6, 8), (0, 10))
BEND = Leg((0, 25), (10, 45))
STANCES = {
    "stand": Stance(0.24, (STAND, STAND)),
    "contrapposto": Stance(0.10, (STAND, BEND), roll=(-5, 5)),
    "walk": Stance(0.09, (Leg((15, 35), (0, 20)), Leg((-22, -5), (5, 45))), trunk=(-4, 10)),
    "run": Stance(0.07, (Leg((35, 85), (40, 110)), Leg((-25, 0), (10, 100))), (0, 20), (3, 18)),
    "sit": Stance(0.12, (Leg((70, 100), (55, 110), (-4, 25)),) * 2, (-10, 25), (-12, 8), seat=True),
    "sit_crossed": Stance(
        0.04, (Leg((95, 115), (60, 110), (-16, -8)), Leg((75, 95), (70, 105))), seat=True
    ),
    "sit_floor": Stance(
        0.04,
        (
            Leg((85, 115), (20, 130), (15, 45), (15, 55)),
            Leg((85, 115), (20, 130), (15, 45), (15, 55)),
        ),
    ),
    "squat": Stance(0.06, (Leg((85, 122), (90, 142), (8, 35), (5, 30)),) * 2, (10, 35), (10, 30)),
    "kneel": Stance(0.03, (Leg((-5, 25), (80, 120)), Leg((60, 100), (80, 115))), (-5, 20)),
    "kneel_both": Stance(0.02, (Leg((-5, 30), (85, 140), ankle=(20, 45)),) * 2, (-5, 25)),
    "lunge": Stance(0.04, (Leg((55, 95), (45, 100)), Leg((-28, -8), (0, 60))), (-8, 25), (-2, 15)),
    "kick": Stance(
        0.03, (Leg((50, 122), (0, 60), (0, 40)), Leg((-5, 15), (0, 25))), (-15, 20), (-20, 10)
    ),
    "side_leg": Stance(0.02, (Leg((0, 50), (0, 50), (35, 70), (0, 40)), STAND), roll=(-35, 5)),
    "jump": Stance(
        0.03,
        (Leg((0, 95), (10, 120), (0, 40)), Leg((-20, 90), (10, 120), (0, 40))),
        (-15, 25),
        (-15, 20),
    ),
    "bend": Stance(0.03, (Leg((-5, 15), (0, 30)), Leg((-5, 15), (0, 30))), (25, 60), (10, 50)),
    "plank": Stance(0.02, (Leg((-10, 20), (0, 25)), Leg((-10, 60), (0, 80))), (-8, 15), (60, 95)),
    "upside_down": Stance(0.01, (Leg((-20, 40), (0, 50), (0, 45)),) * 2, (-15, 15), (150, 210)),
    "limits": Stance(
        0.01,
        (Leg((-28, 120), (0, 140), (-12, 60), (-30, 45)),) * 2,
        (-20, 55),
        (-40, 60),
        (-40, 40),
    ),
}
LYING = 0.06  # chance of tipping the chosen stance over (on the back, the front or a side)

# Where the LEFT wrist goes: (mean, spread) in metres, from the shoulder ("arm": in arm lengths) or
# from the root of the average body ("body").
ARM_GOALS: dict[str, tuple[float, str, tuple[float, float, float], tuple[float, float, float]]] = {
    "hang": (0.25, "arm", (0.22, -0.08, -0.93), (0.1, 0.14, 0.03)),
    "hip": (0.08, "body", (0.20, -0.04, 0.12), (0.02, 0.03, 0.03)),
    "front": (0.16, "body", (0.10, -0.33, 0.28), (0.10, 0.08, 0.12)),
    "crossed": (0.06, "body", (-0.10, -0.22, 0.26), (0.04, 0.03, 0.06)),
    "face": (0.10, "body", (0.11, -0.19, 0.60), (0.05, 0.05, 0.07)),
    "head": (0.04, "body", (0.13, 0.06, 0.72), (0.05, 0.05, 0.06)),
    "up": (0.08, "arm", (0.25, -0.15, 0.88), (0.25, 0.25, 0.1)),
    "side": (0.08, "arm", (0.88, -0.10, 0.0), (0.08, 0.25, 0.3)),
    "forward": (0.07, "arm", (0.05, -0.85, -0.05), (0.25, 0.1, 0.35)),
    "lap": (0.04, "body", (0.10, -0.32, 0.02), (0.06, 0.08, 0.04)),
    "behind": (0.04, "body", (0.04, 0.20, 0.08), (0.08, 0.03, 0.08)),
}
ALIKE = 0.35  # chance that both hands have the same goal


def uniform(rng: np.random.Generator, low_high: Range) -> float:
    """A draw in degrees, given back in radians, denser in the middle of the range."""
    return float(np.deg2rad(rng.triangular(low_high[0], np.mean(low_high), low_high[1])))


def _write(model: BodyModel, pose: Array, name: str, side: str, rotation: Array) -> None:
    """Set a bone's rotation, given for the left side, on either side."""
    rotation = rotation if side == "L" else mirrored(rotation)
    pose[model.bone(f"{name}.{side}"), :3, :3] = rotation


def _pose_leg(model: BodyModel, rng: np.random.Generator, pose: Array, side: str, leg: Leg) -> None:
    down = model.head_of("lowerleg01.L") - model.head_of("upperleg01.L")
    twist = about(down, uniform(rng, leg.twist))
    hip = about(X, -uniform(rng, leg.flex)) @ about(Y, -uniform(rng, leg.abduct)) @ twist
    _write(model, pose, "upperleg01", side, hip)
    _write(model, pose, "lowerleg01", side, about(X, uniform(rng, leg.knee)))
    _write(
        model, pose, "foot", side, about(X, uniform(rng, leg.ankle)) @ about(Y, rng.normal(0, 0.06))
    )


def _arm_goal(model: BodyModel, rng: np.random.Generator, name: str) -> Array:
    """(3,) goal of the left wrist relative to the left shoulder."""
    shoulder = model.head_of("upperarm01.L")
    _, origin, mean, spread = ARM_GOALS[name]
    goal = rng.normal(mean, spread)
    if origin == "body":
        return np.asarray(goal + model.head_of("root") - shoulder, np.float32)
    reach = np.linalg.norm(model.head_of("wrist.L") - shoulder)
    return np.asarray(goal * reach, np.float32)


def _pose_arm(
    model: BodyModel, rng: np.random.Generator, pose: Array, side: str, goal_name: str
) -> None:
    """Two-bone inverse kinematics: upper arm and elbow bring the wrist to its goal."""
    shoulder, elbow, wrist = (
        model.head_of(f"{b}.L") for b in ("upperarm01", "lowerarm01", "wrist")
    )
    upper, fore = elbow - shoulder, wrist - elbow
    upper_length, fore_length = np.linalg.norm(upper), np.linalg.norm(fore)
    goal = _arm_goal(model, rng, goal_name)
    closest = np.sqrt(
        upper_length**2 + fore_length**2 + 2 * upper_length * fore_length * np.cos(2.6)
    )
    distance = np.clip(np.linalg.norm(goal), closest, 0.998 * (upper_length + fore_length))
    direction = goal / np.linalg.norm(goal)
    along = (upper_length**2 - fore_length**2 + distance**2) / (2 * distance)
    pole = np.array([0.7, 0.5, -0.8]) + rng.normal(0, 0.35, 3)  # elbows point out, back and down
    pole = pole - direction * (pole @ direction)
    height = np.sqrt(max(upper_length**2 - along**2, 0))
    new_upper = direction * along + pole / np.linalg.norm(pole) * height
    new_fore = direction * distance - new_upper
    rest_normal, new_normal = np.cross(upper, fore), np.cross(new_upper, new_fore)
    shoulder_turn = frame(new_upper, new_normal) @ frame(upper, rest_normal).T
    bend = _angle(new_upper, new_fore) - _angle(upper, fore)
    lift = np.clip(np.arcsin(np.clip(new_upper[2] / upper_length, -1, 1)) + 0.5, 0, 1.6) * 0.25
    girdle = about(Y, -lift)
    _write(model, pose, "clavicle", side, girdle)
    _write(model, pose, "upperarm01", side, girdle.T @ shoulder_turn)
    _write(model, pose, "lowerarm01", side, about(rest_normal, bend))
    _write(model, pose, "lowerarm02", side, about(fore, np.clip(rng.normal(0, 0.55), -1.2, 1.2)))
    hand = model.head_of("finger3-1.L") - wrist
    palm = np.cross(hand, model.head_of("finger5-1.L") - model.head_of("finger2-1.L"))
    wrist_turn = about(np.cross(palm, hand), rng.normal(0, 0.3)) @ about(palm, rng.normal(0, 0.12))
    _write(model, pose, "wrist", side, wrist_turn)


def _angle(a: Array, b: Array) -> float:
    return float(np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)))


def _spread_over(
    model: BodyModel, pose: Array, names: tuple[str, ...], turns: tuple[float, float, float]
) -> None:
    """Share a bend (forward), lean (to the left) and twist (to the left) among a chain of bones."""
    bend, lean, twist = (angle / len(names) for angle in turns)
    for name in names:
        pose[model.bone(name), :3, :3] = about(X, bend) @ about(Y, lean) @ about(Z, twist)


def _pose_trunk(model: BodyModel, rng: np.random.Generator, pose: Array, bend: float) -> None:
    spine = ("spine05", "spine04", "spine03", "spine02", "spine01")
    _spread_over(model, pose, spine, (bend, rng.normal(0, 0.1), rng.normal(0, 0.22)))
    nod = np.clip(rng.normal(0.03 - 0.4 * bend, 0.25), -0.9, 0.8)
    turn = np.clip(rng.normal(0, 0.4), -1.2, 1.2)
    _spread_over(
        model, pose, ("neck01", "neck02", "neck03", "head"), (nod, rng.normal(0, 0.14), turn)
    )
    gaze = about(Z, np.clip(rng.normal(0, 0.22), -0.5, 0.5)) @ about(
        X, np.clip(rng.normal(0, 0.12), -0.3, 0.3)
    )
    for side in "LR":
        pose[model.bone(f"eye.{side}"), :3, :3] = gaze


def draw_candidate(model: BodyModel, rng: np.random.Generator, stance: Stance) -> Array:
    """(J, 4, 4) pose that keeps every joint's limits, but may pass through itself."""
    pose = np.tile(np.eye(4, dtype=np.float32), (len(model.bone_names), 1, 1))
    sides = "LR" if rng.random() < 0.5 else "RL"
    goals = list(ARM_GOALS)
    chances = np.array([ARM_GOALS[g][0] for g in goals])
    first, second = rng.choice(goals, 2, p=chances / chances.sum())
    for side, leg, goal in zip(
        sides, stance.legs, (first, first if rng.random() < ALIKE else second), strict=True
    ):
        _pose_leg(model, rng, pose, side, leg)
        _pose_arm(model, rng, pose, side, str(goal))
    _pose_trunk(model, rng, pose, uniform(rng, stance.trunk))
    pose_hand(model, rng, pose)
    right = pose.copy()
    pose_hand(model, rng, right)
    for index, name in enumerate(model.bone_names):
        if name.startswith("finger") and name.endswith(".R"):
            pose[index, :3, :3] = mirrored(right[model.bone(f"{name[:-2]}.L"), :3, :3])
    root = about(X, uniform(rng, stance.pitch)) @ about(Y, uniform(rng, stance.roll))
    if rng.random() < LYING and not stance.seat:
        tip = float(rng.choice([-90, 90, 90]))
        root = about(rng.choice([X, X, Y]), np.deg2rad(tip + rng.normal(0, 8))) @ root
    pose[0, :3, :3] = root
    return pose


def bone_heads(model: BodyModel, pose: Array) -> Array:
    """(J, 3) bone heads of the average body in a pose."""
    turned = np.empty((len(pose), 3, 3), np.float32)
    heads = model.template_heads.copy()
    for bone, parent in enumerate(model.bone_parents):
        if parent < 0:
            turned[bone] = pose[bone, :3, :3]
            continue
        offset = model.template_heads[bone] - model.template_heads[parent]
        heads[bone] = heads[parent] + turned[parent] @ offset
        turned[bone] = turned[parent] @ pose[bone, :3, :3]
    return heads


def deepest_overlap(model: BodyModel, heads: Array) -> float:
    """Metres that a hand, wrist or elbow lies inside trunk, head or legs, seen as capsules."""
    at = {name: heads[i] for i, name in enumerate(model.bone_names)}
    crown = at["head"] + (at["head"] - at["neck02"])
    worst = 0.0
    for side, other in ("LR", "RL"):
        capsules = [
            ("spine05", "spine03", 0.13),
            ("spine03", "spine01", 0.13),
            ("spine01", "neck02", 0.08),
        ]
        capsules += [(f"upperleg01.{s}", f"lowerleg01.{s}", 0.08) for s in "LR"]
        capsules += [(f"lowerleg01.{s}", f"foot.{s}", 0.05) for s in "LR"]
        capsules += [(f"lowerarm01.{other}", f"wrist.{other}", 0.05)]
        segments = [(at[a], at[b], r) for a, b, r in capsules] + [(at["head"], crown, 0.11)]
        for name in (
            f"wrist.{side}",
            f"finger3-1.{side}",
            f"finger3-3.{side}",
            f"lowerarm01.{side}",
        ):
            for start, end, radius in segments:
                axis = end - start
                t = np.clip((at[name] - start) @ axis / (axis @ axis), 0, 1)
                worst = max(worst, radius - float(np.linalg.norm(at[name] - start - t * axis)))
    return worst


def draw_pose(model: BodyModel, rng: np.random.Generator, *, tries: int = 6) -> tuple[Array, str]:
    """A (J, 4, 4) pose and the name of its stance: the first try that does not cut itself."""
    names = list(STANCES)
    chances = np.array([s.chance for s in STANCES.values()])
    name = str(rng.choice(names, p=chances / chances.sum()))
    best, least = None, np.inf
    for _ in range(tries):
        pose = draw_candidate(model, rng, STANCES[name])
        overlap = deepest_overlap(model, bone_heads(model, pose))
        if overlap < least:
            best, least = pose, overlap
        if overlap < 0.01:
            break
    assert best is not None
    return best, name
