"""Learning rate per iteration: linear warm-up, flat, cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Learning rate over a run, in iterations counted from 0.

    The defaults are the published recipe; a run that ends before ``cosine_begin`` never decays,
    which is what the published second stage does (60 epochs of the first stage's schedule).
    Source: LinearLR + CosineAnnealingLR, ``by_epoch`` converted, of the DWPose configs.
    """

    peak: float
    cosine_begin: int
    """First iteration of the decay; the rate there is still ``peak``."""
    cosine_end: int
    """Iteration at which ``floor_ratio * peak`` is reached (one past the last of a whole run)."""
    warmup: int = 1000
    warmup_start: float = 1e-5
    """Rate of iteration 0 as a share of ``peak``."""
    floor_ratio: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.cosine_begin <= self.cosine_end:
            raise ValueError(
                "the cosine must begin before it ends, but got iterations "
                f"{self.cosine_begin} to {self.cosine_end}"
            )

    def lr(self, iteration: int) -> float:
        """Learning rate of one optimiser step."""
        if iteration < self.warmup:
            progress = iteration / max(self.warmup - 1, 1)
            return self.peak * (self.warmup_start + (1 - self.warmup_start) * progress)
        if iteration <= self.cosine_begin:
            return self.peak
        span = self.cosine_end - self.cosine_begin
        progress = min((iteration - self.cosine_begin) / span, 1.0) if span else 1.0
        floor = self.peak * self.floor_ratio
        return floor + (self.peak - floor) * (1 + math.cos(math.pi * progress)) / 2


def published_schedule(
    iterations_per_epoch: int, *, peak: float = 4e-3, epochs: int = 270, cosine_epoch: int = 135
) -> Schedule:
    """The schedule of the results table: flat to epoch 135 of 270, then cosine to 5 %."""
    return Schedule(
        peak=peak,
        cosine_begin=cosine_epoch * iterations_per_epoch,
        cosine_end=epochs * iterations_per_epoch,
    )
