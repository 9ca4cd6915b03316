"""ComfyUI nodes: each converts what it gets, calls ``dwpose_annotator`` and converts back.

ComfyUI calls ``comfy_entrypoint`` once, at start-up; nothing else of this folder is loaded before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comfy_api.latest import ComfyExtension


async def comfy_entrypoint() -> ComfyExtension:
    """What ComfyUI asks a pack of V3 nodes for."""
    from .bundled import make_package_importable

    make_package_importable()
    from .extension import DWPoseExtension

    return DWPoseExtension()
