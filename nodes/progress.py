"""What the user sees while a node runs: bar, picture, a line of text; and the stop button."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import comfy.model_management
import comfy.utils

if TYPE_CHECKING:
    from comfy_api.latest import io

    from dwpose_annotator.types import ImageArray

logger = logging.getLogger(__name__)

PREVIEW_SIDE = 512
PREVIEW_EVERY = 16  # frames


class Progress:
    """A bar of so many frames; every step gives the stop button its chance."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.bar = comfy.utils.ProgressBar(total)

    def step(self, picture: Callable[[], ImageArray] | None = None) -> None:
        """One frame is done; now and then the picture that this makes is shown."""
        stop_if_asked()
        self.done += 1
        preview = None
        if picture is not None and (self.done % PREVIEW_EVERY == 1 or self.done == self.total):
            from PIL import Image

            preview = ("JPEG", Image.fromarray(picture()), PREVIEW_SIDE)
        self.bar.update_absolute(self.done, self.total, preview)


def stop_if_asked() -> None:
    """Raise ComfyUI's interruption if the user pressed stop."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def show_text(node: type[io.ComfyNode], text: str) -> None:
    """A line below the node, and in the log; only in the log if no server runs the node."""
    logger.info("DWPose: %s", text)
    if node.hidden is None or node.hidden.unique_id is None:
        return
    from server import PromptServer

    PromptServer.instance.send_progress_text(text, node.hidden.unique_id)
