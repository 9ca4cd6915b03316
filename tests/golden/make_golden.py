"""Draw the golden maps again: ``python -m tests.golden.make_golden``. Look at what changed.

They pin what no other project can: the style with feet, thickness and other sizes.
``poses.json`` holds two frames, one person at 512 x 512 and five at 1920 x 1080.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dwpose_annotator import draw_poses, from_openpose_json, load_image
from dwpose_annotator.images import save_image
from dwpose_annotator.types import ImageArray

FOLDER = Path(__file__).parent
POSES = FOLDER / "poses.json"

# Name of the picture -> frame of poses.json and arguments of draw_poses.
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "feet": (0, {"style": "openpose_feet"}),
    "feet_five": (1, {"style": "openpose_feet", "size_hw": (540, 960)}),
    "feet_controlnet_aux": (1, {"style": "controlnet_aux", "feet": True, "size_hw": (540, 960)}),
    "feet_only": (0, {"style": "openpose_feet", "hands": False, "face": False}),
    "thin": (0, {"thickness": 0.5}),
    "thick": (0, {"thickness": 2.5, "feet": True}),
    "auto_large": (0, {"thickness": "auto", "size_hw": (1024, 1024), "feet": True}),
    "auto_small": (0, {"thickness": "auto", "size_hw": (192, 192)}),
    "musepose_thick": (0, {"style": "musepose", "thickness": 1.5, "face": True}),
    "stretched": (0, {"size_hw": (300, 700)}),
    "threshold": (1, {"threshold": 0.7, "size_hw": (540, 960)}),
}


def draw_case(name: str) -> ImageArray:
    frame, arguments = CASES[name]
    return draw_poses(from_openpose_json(POSES)[frame], **arguments)


def main() -> None:
    for name in CASES:
        path = FOLDER / f"{name}.png"
        drawn = draw_case(name)
        old = load_image(path) if path.exists() else np.zeros((0, 0, 3), np.uint8)
        changed = old.shape != drawn.shape or (old != drawn).any()
        save_image(path, drawn)
        print(f"{name}: {'CHANGED' if changed else 'same'}")  # noqa: T201  # a command


if __name__ == "__main__":
    main()
