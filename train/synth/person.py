"""Who a synthetic person is: body shape, adult age, face and expression."""

from __future__ import annotations

import numpy as np

from train.synth.body import BodyModel, BodyParameters
from train.synth.pose import draw_pose

# anny's age runs from 0 (newborn, -1/3) over child (1/3) and young adult (2/3) to old (1).
ADULT_AGE = (0.6, 1.0)
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "smile": ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"),
    "open": ("jawOpen",),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "wink_left": ("eyeBlinkLeft",),
    "wink_right": ("eyeBlinkRight",),
    "brows_up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "eyes_wide": ("eyeWideLeft", "eyeWideRight"),
    "brows_down": ("browDownLeft", "browDownRight", "eyeSquintLeft", "eyeSquintRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"),
    "pucker": ("mouthPucker",),
    "funnel": ("mouthFunnel", "jawOpen"),
    "puff": ("cheekPuff",),
    "sneer": ("noseSneerLeft", "noseSneerRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "press": ("mouthPressLeft", "mouthPressRight"),
    "mouth_left": ("mouthLeft",),
    "mouth_right": ("mouthRight",),
    "jaw_left": ("jawLeft",),
    "jaw_right": ("jawRight",),
    "lip_up": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "lip_down": ("mouthLowerDownLeft", "mouthLowerDownRight"),
}  # fmt: skip


def draw_expression(rng: np.random.Generator) -> dict[str, float]:
    """Facial actions in 0..1: a third at rest, the others mix one to three expressions."""
    actions: dict[str, float] = {}
    for name in rng.choice(
        list(EXPRESSIONS), int(rng.choice([0, 1, 2, 3], p=[0.3, 0.35, 0.25, 0.1]))
    ):
        strength = rng.uniform(0.2, 1.0)
        for action in EXPRESSIONS[str(name)]:
            actions[action] = float(np.clip(strength * rng.uniform(0.85, 1.15), 0, 1))
    return actions


def draw_phenotypes(rng: np.random.Generator) -> dict[str, float]:
    """Shape of an adult; values in 0..1 as anny defines them."""
    ancestry = rng.dirichlet((0.6, 0.6, 0.6))
    return {
        "gender": float(rng.choice([rng.beta(1, 8), rng.beta(8, 1)])),
        "age": float(rng.uniform(*ADULT_AGE)),
        "muscle": float(rng.beta(2.5, 2.5)),
        "weight": float(rng.beta(2.2, 2.5)),
        "height": float(rng.beta(3, 3)),
        "proportions": float(rng.uniform(0.2, 1)),
        "cupsize": float(rng.beta(2.5, 2.5)),
        "firmness": float(rng.uniform(0.3, 0.8)),
        "african": float(ancestry[0]),
        "asian": float(ancestry[1]),
        "caucasian": float(ancestry[2]),
    }


def draw_parameters(model: BodyModel, rng: np.random.Generator) -> tuple[BodyParameters, str]:
    """Parameters of one person and the name of the stance."""
    pose, stance = draw_pose(model, rng)
    return BodyParameters(draw_phenotypes(rng), draw_expression(rng), pose), stance
