"""Which people of a frame: what the user typed, drew or connected -> boxes of the package."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dwpose_annotator import Boxes
from dwpose_annotator.select_people import PersonOrder, select_in_mask, select_people

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

# Boxes do not know the middle of their picture, so "center" is for poses only.
ORDERS: list[PersonOrder] = ["score", "largest", "left-to-right"]


@dataclass(frozen=True)
class PeopleChoice:
    """The choice of one node, applied to every frame.

    Attributes:
        order: see ``select_people``.
        indices: places in that order; None keeps all.
        max_people: None keeps all.
        mask: MASK (B, h, w) or None; the last one counts for all further frames.
        size_hw: of the frames.
    """

    order: PersonOrder
    indices: list[int] | None
    max_people: int | None
    mask: torch.Tensor | None
    size_hw: tuple[int, int]

    def __call__(self, frame: int, people: Boxes) -> Boxes:
        if self.mask is not None:
            mask = self.mask[min(frame, len(self.mask) - 1)].float().cpu().numpy()
            people = select_in_mask(people, mask, size_hw=self.size_hw)
        return select_people(
            people, order=self.order, indices=self.indices, max_people=self.max_people
        )


def people_choice(
    order: PersonOrder,
    indices: str,
    max_people: int,
    mask: torch.Tensor | None,
    size_hw: tuple[int, int],
) -> PeopleChoice:
    """The choice from what stands in the widgets, where "" and 0 mean all."""
    return PeopleChoice(order, parse_indices(indices), max_people or None, flat_mask(mask), size_hw)


def parse_indices(text: str) -> list[int] | None:
    """``0, 2`` -> [0, 2]; nothing -> None.

    Raises:
        ValueError: anything that is not a number between commas.
    """
    if not text.strip():
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"person_indices takes numbers with commas between, such as 0 or 0,2 (-1 is the last "
            f"person), but got {text!r}"
        ) from None


def flat_mask(mask: torch.Tensor | None) -> torch.Tensor | None:
    """MASK as (B, h, w); warns about one that marks nothing, which chooses nobody."""
    if mask is None:
        return None
    mask = mask.reshape(-1, *mask.shape[-2:])
    if not bool((mask > 0.5).any()):
        logger.warning("DWPose: the mask is empty, so nobody is chosen")
    return mask


def boxes_from_comfy(value: Any, count: int) -> list[Boxes] | None:
    """BOUNDING_BOX -> one ``Boxes`` per frame; the last one counts for all further frames.

    Args:
        value: one {x, y, width, height}, a list of them (for every frame), a list per frame of
            lists of them, or None.
        count: number of frames.

    Raises:
        ValueError: anything else.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"boxes must be a list of {{x, y, width, height}}, got {value!r}")
    if value and isinstance(value[0], dict):
        value = [value]
    frames = [_boxes_of_frame(frame or []) for frame in value] or [_boxes_of_frame([])]
    return [frames[min(i, len(frames) - 1)] for i in range(count)]


def boxes_to_comfy(frames: Sequence[Boxes]) -> list[list[dict[str, float]]]:
    """One list per frame of {x, y, width, height} in pixels."""
    return [
        [
            {"x": left, "y": top, "width": right - left, "height": bottom - top}
            for left, top, right, bottom in boxes.xyxy.tolist()
        ]
        for boxes in frames
    ]


def _boxes_of_frame(rows: Sequence[dict[str, float]]) -> Boxes:
    try:
        return Boxes.from_xyxy(
            [[r["x"], r["y"], r["x"] + r["width"], r["y"] + r["height"]] for r in rows]
        )
    except (KeyError, TypeError):
        raise ValueError(f"each box needs x, y, width and height in pixels, got {rows!r}") from None
