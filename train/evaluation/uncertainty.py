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


class Estimate(NamedTuple):
    """A measured figure.

    ``interval`` is None where none was asked for; ``count`` is the number of people behind it.
    """

    value: float
    interval: Interval | None
    count: int


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


def ratio_estimate(
    numerator: NDArray[np.floating],
    denominator: NDArray[np.floating],
    image: NDArray[np.integer],
    *,
    resamples: int = 0,
) -> Estimate | None:
    """sum(numerator) / sum(denominator) over people; None where nobody counts.

    Args:
        numerator, denominator: (N,), one entry per person.
        image: (N,) which image each person is in.
        resamples: bootstrap draws; 0 for no interval.
    """
    count = int((denominator > 0).sum())
    if not count:
        return None
    value = float(numerator.sum() / denominator.sum())
    if not resamples:
        return Estimate(value, None, count)
    _, owner = np.unique(image, return_inverse=True)
    images = int(owner.max()) + 1
    sums = np.stack([np.bincount(owner, row, images) for row in (numerator, denominator)])
    top, bottom = sums[:, resampled_images(images, resamples)].sum(axis=-1)
    with np.errstate(invalid="ignore"):
        values = top / np.where(bottom > 0, bottom, np.nan)
    return Estimate(value, interval(values), count)
