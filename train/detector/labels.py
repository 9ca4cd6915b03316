"""Labels of detector training: rows of x1, y1, x2, y2, kind, padded with rows of zeros."""

from __future__ import annotations

from collections.abc import Sequence

import torch

MAX_BOXES = 48
PERSON, UNKNOWN = 1.0, -1.0
"""Kinds: a person, or an area about which nothing is known (a cut-out labels one person and not the
bystanders)."""


def boxes_of(labels: torch.Tensor, kind: float = PERSON) -> Sequence[torch.Tensor]:
    """The rows of one kind in (N, MAX_BOXES, 5) labels: one (n, 4) tensor per picture."""
    return [row[row[:, 4] == kind, :4] for row in labels]
