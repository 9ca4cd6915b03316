"""Which sample comes when: a function of (seed, position) alone, so that any run can be resumed.

Positions count the samples of a run from 0 over all processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

_SHUFFLE, _MIX = 1, 3  # random streams of a seed; 2 is augmentation (``data.py``)


class SampleKey(NamedTuple):
    """What to load: ``lap`` counts passes over the data, so that (lap, person) never repeats."""

    epoch: int
    person: int
    lap: int


class EpochSampler(Sampler[SampleKey]):
    """Shuffled keys from any position on.

    Without ``shares`` every sample comes once before any comes again. With shares each source has
    its exact share of every epoch (to one sample), in random order, and every sample of a source
    comes once before any of that source comes again.

    Args:
        lengths: samples of each source; indices count through all of them.
        shares: of each source, adding up to 1; None: plain concatenation.
        epoch_samples: samples that count as one epoch.
        start: first position (a resumed run).
        rank, world_size: this process takes every ``world_size``-th position.

    Raises:
        ValueError: a share so small that an epoch would hold fewer than two of its samples.
    """

    def __init__(
        self, lengths: Sequence[int], *, epoch_samples: int, epochs: int, seed: int,
        shares: Sequence[float] | None = None, start: int = 0, rank: int = 0, world_size: int = 1,
    ) -> None:  # fmt: skip
        if shares and min(shares) * epoch_samples < 2:
            raise ValueError(f"a share of {min(shares):g} of {epoch_samples} samples is too small")
        self.lengths = tuple(lengths) if shares else (sum(lengths),)
        self.bounds = np.concatenate([[0.0], np.cumsum(shares or [1.0])])
        self.bounds[-1] = 1.0  # exactly, so that counts add up
        self.offsets = np.concatenate([[0], np.cumsum(self.lengths)])
        self.epoch_samples, self.epochs, self.seed = epoch_samples, epochs, seed
        self.start, self.rank, self.world_size = start, rank, world_size

    def __len__(self) -> int:
        return (self.epoch_samples * self.epochs - self.start) // self.world_size

    def __iter__(self) -> Iterator[SampleKey]:
        position = self.start + self.rank
        for epoch in range(position // self.epoch_samples, self.epochs):
            index, lap = self.epoch_order(epoch)
            while position < (epoch + 1) * self.epoch_samples:
                row = position - epoch * self.epoch_samples
                yield SampleKey(epoch, int(index[row]), int(lap[row]))
                position += self.world_size

    def epoch_order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Index and lap of every position of an epoch."""
        first, last = (
            np.diff(np.rint(self.bounds * (e * self.epoch_samples)).astype(np.int64))
            for e in (epoch, epoch + 1)
        )
        counts = last - first
        owner = np.repeat(np.arange(len(counts)), counts)
        if len(counts) > 1:
            owner = np.random.default_rng((self.seed, _MIX, epoch)).permutation(owner)
        index, lap = np.zeros(len(owner), np.int64), np.zeros(len(owner), np.int64)
        for source in range(len(counts)):
            here = owner == source
            index[here], lap[here] = self._source_order(source, first[source], last[source])
        return index, lap

    def _source_order(
        self, source: int, first: int, last: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Index and lap of the ``first``-th to ``last``-th sample drawn from one source."""
        length, key = self.lengths[source], (source,) if len(self.lengths) > 1 else ()
        draws = np.arange(first, last, dtype=np.int64)
        lap, index = draws // length, np.zeros(len(draws), np.int64)
        for number in np.unique(lap):
            order = np.random.default_rng((self.seed, _SHUFFLE, int(number), *key))
            here = lap == number
            index[here] = order.permutation(length)[draws[here] % length]
        return index + self.offsets[source], lap
