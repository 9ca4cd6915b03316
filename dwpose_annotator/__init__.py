"""Whole-body OpenPose skeleton maps with DWPose: ``Annotator.from_pretrained()(image)``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dwpose_annotator.annotator import Annotator
    from dwpose_annotator.draw import draw_poses
    from dwpose_annotator.errors import DeviceError, WeightsError
    from dwpose_annotator.images import load_image
    from dwpose_annotator.openpose_json import from_openpose_json, to_openpose_json
    from dwpose_annotator.types import Boxes, Poses

__version__ = "0.1.0"

__all__ = [
    "Annotator",
    "Boxes",
    "DeviceError",
    "Poses",
    "WeightsError",
    "__version__",
    "draw_poses",
    "from_openpose_json",
    "load_image",
    "to_openpose_json",
]

# Public name -> module, loaded at first use: `dwpose --help` must not wait for OpenCV.
_HOMES = {
    "Annotator": "annotator",
    "Boxes": "types",
    "DeviceError": "errors",
    "Poses": "types",
    "WeightsError": "errors",
    "draw_poses": "draw",
    "from_openpose_json": "openpose_json",
    "load_image": "images",
    "to_openpose_json": "openpose_json",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
