"""How sure a figure is: percentile bootstrap over images, seeded so that reports repeat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEED = 0
COVERAGE = 0.95


class Interval(NamedTuple):
    """Lower and upper end of a 95 % interval."""

    low: float
    high: float


def resampled_images(count: int, resamples: int, *, seed: int = SEED) -> NDArray[np.int64]:
    """(resamples, count) image indices drawn with replacement.

    Whole images are drawn, not people: the people of one photo succeed or fail together.
    """
    return np.random.default_rng(seed).integers(0, count, (resamples, count))


def interval(values: NDArray[np.float64]) -> Interval:
    """The middle 95 % of bootstrap values; draws without a value (NaN) are left out."""
    tail = 100 * (1 - COVERAGE) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def ratio_interval(
    numerator: NDArray[np.floating],
    denominator: NDArray[np.floating],
    image: NDArray[np.integer],
    resamples: int,
) -> Interval:
    """Interval of sum(numerator) / sum(denominator); one row per person, ``image`` owns it."""
    _, owner = np.unique(image, return_inverse=True)
    images = int(owner.max()) + 1
    sums = np.stack([np.bincount(owner, row, images) for row in (numerator, denominator)])
    draws = resampled_images(images, resamples)
    top, bottom = sums[:, draws].sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return interval(top / np.where(bottom > 0, bottom, np.nan))
