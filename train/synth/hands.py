"""Finger poses: gestures as curls per finger, with noise per finger and joint."""

from __future__ import annotations

import numpy as np

from train.synth.body import Array, BodyModel
from train.synth.rotations import about

# Curl of thumb, index, middle, ring, little: 0 straight, 1 closed.
GESTURES = {
    "relaxed": (0.2, 0.3, 0.35, 0.4, 0.4),
    "open": (0.0, 0.0, 0.0, 0.0, 0.0),
    "fist": (0.7, 0.95, 1.0, 1.0, 0.95),
    "point": (0.6, 0.0, 0.9, 0.95, 0.95),
    "victory": (0.7, 0.0, 0.0, 0.9, 0.95),
    "thumb": (-0.1, 0.9, 0.95, 0.95, 0.9),
    "grip": (0.5, 0.6, 0.62, 0.65, 0.65),
    "pinch": (0.5, 0.55, 0.25, 0.2, 0.15),
    "call": (0.0, 0.9, 0.95, 0.95, 0.0),
    "three": (0.7, 0.0, 0.0, 0.0, 0.95),
}
GESTURE_CHANCE = (0.27, 0.18, 0.12, 0.08, 0.04, 0.04, 0.15, 0.06, 0.02, 0.04)
# Flexion of a closed finger at MCP, PIP and DIP, and of the thumb at CMC, MCP and IP, in degrees.
FINGER_FLEXION = (75.0, 95.0, 60.0)
THUMB_FLEXION = (20.0, 40.0, 65.0)
STRAIGHTEN = 0.22  # the rest pose is this curled; "open" has to undo it


def draw_curls(rng: np.random.Generator) -> Array:
    """(5, 3) curl of each finger joint; one gesture in five is made of independent fingers."""
    name = rng.choice(list(GESTURES), p=GESTURE_CHANCE)
    curls = np.array(GESTURES[str(name)], np.float32)
    if rng.random() < 0.2:
        curls = rng.uniform(-0.05, 1, 5).astype(np.float32)
    curls = curls + rng.normal(0, 0.07, 5)
    return (curls[:, None] + rng.normal(0, 0.05, (5, 3)) - STRAIGHTEN).astype(np.float32)


def pose_hand(model: BodyModel, rng: np.random.Generator, pose: Array) -> None:
    """Write a gesture of the LEFT hand into a (J, 4, 4) pose."""
    curls = draw_curls(rng)
    spread = rng.uniform(-0.6, 1.0)
    index, little = (model.head_of(f"finger{k}-1.L") for k in (2, 5))
    across = little - index
    for finger in range(1, 6):
        joints = [model.head_of(f"finger{finger}-{j}.L") for j in (1, 2, 3)]
        tip = model.template[model.fingertips["L"][finger - 1]]
        hinge = np.cross(joints[2] - joints[0], tip - joints[1])
        flexion = THUMB_FLEXION if finger == 1 else FINGER_FLEXION
        for joint in range(3):
            angle = np.deg2rad(flexion[joint]) * np.clip(curls[finger - 1, joint], -0.3, 1)
            pose[model.bone(f"finger{finger}-{joint + 1}.L"), :3, :3] = about(hinge, angle)
        if finger > 1:
            direction = joints[1] - joints[0]
            sideways = np.deg2rad((finger - 3.3) * 6) * spread
            fan = about(np.cross(direction, across), sideways)
            bone = model.bone(f"finger{finger}-1.L")
            pose[bone, :3, :3] = fan @ pose[bone, :3, :3]
