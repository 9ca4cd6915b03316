"""Which people, in which order: one rule for the command line, the nodes and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from dwpose_annotator.types import Boxes, Poses

PersonOrder = Literal["score", "largest", "left-to-right", "center"]
PERSON_ORDERS: tuple[PersonOrder, ...] = get_args(PersonOrder)

# Chosen here: a person's outline fills about half of its box, a neighbour's corner less than this.
MASK_SHARE = 0.25

People = TypeVar("People", Boxes, Poses)


def select_people(
    people: People,
    *,
    order: PersonOrder = "score",
    indices: Sequence[int] | None = None,
    max_people: int | None = None,
) -> People:
    """Sort people, then keep some of them.

    Args:
        people: boxes or poses of one image.
        order: ``score`` best box first, ``largest`` box area first, ``left-to-right`` by centre,
            ``center`` nearest to the middle of the image first (poses only). Ties stay in order.
        indices: places in that order to keep, e.g. ``[0, 2]``; negative ones count from the end and
            places that nobody holds are left out. None keeps all.
        max_people: keep only the first so many.

    Raises:
        ValueError: unknown order, ``center`` for boxes, or ``max_people`` < 1.
    """
    if max_people is not None and max_people < 1:
        raise ValueError(f"max_people must be at least 1 or None, got {max_people}")
    ranking = _ranking(people, order)
    if indices is not None:
        count = len(ranking)
        present = [i for i in indices if -count <= i < count]
        ranking = ranking[np.array(present, dtype=np.intp)]
    return people.select(ranking[:max_people])


def select_in_mask(people: Boxes, mask: NDArray[np.floating], *, size_hw: tuple[int, int]) -> Boxes:
    """Keep the people whose box is marked on at least ``MASK_SHARE`` of its area.

    Args:
        people: boxes of one image.
        mask: (h, w), marked where above 0.5; of any size, stretched over the image.
        size_hw: height and width of the image.
    """
    to_mask = np.array(mask.shape[::-1]) / np.array(size_hw[::-1])
    marked = np.asarray(mask) > 0.5
    keep = np.zeros(len(people), dtype=bool)
    for row, (left, top, right, bottom) in enumerate(people.xyxy * np.tile(to_mask, 2)):
        inside = marked[
            max(int(top), 0) : max(int(np.ceil(bottom)), 0),
            max(int(left), 0) : max(int(np.ceil(right)), 0),
        ]
        keep[row] = inside.size > 0 and inside.mean() >= MASK_SHARE
    return people.select(keep)


def _ranking(people: Boxes | Poses, order: PersonOrder) -> NDArray[np.intp]:
    xyxy, score = (
        (people.xyxy, people.score) if isinstance(people, Boxes) else (people.box, people.box_score)
    )
    size = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    middle = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    key: NDArray[np.floating]
    if order == "score":
        key = -score
    elif order == "largest":
        key = -size.prod(axis=1)
    elif order == "left-to-right":
        key = middle[:, 0]
    elif order == "center" and isinstance(people, Poses):
        key = np.linalg.norm(middle - np.array(people.size_hw[::-1]) / 2, axis=1)
    elif order == "center":
        raise ValueError("boxes do not know their image, so only poses can be ordered by center")
    else:
        raise ValueError(f"order must be one of {', '.join(PERSON_ORDERS)}; got {order!r}")
    return np.argsort(key, kind="stable")
