"""What a run reports: JSON lines, a progress bar, and TensorBoard if wanted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class Stopwatch:
    """Adds up how long a loop waits for its next item."""

    def __init__(self) -> None:
        self.waited = 0.0

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items."""
        iterator = iter(items)
        while True:
            start = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.waited += time.perf_counter() - start
            yield item


class Progress:
    """Averages what each step reports and writes a line every ``every`` steps.

    A line of ``log.jsonl`` holds step, epoch, the means since the last line, people per second, and
    ``wait``: the share of the time spent waiting for data.

    Args:
        out: folder of ``log.jsonl`` and of TensorBoard's files.
        total, done: people to train on in the whole run, and before its resumption.
        every: steps per line.
        enabled: whether this process reports.
    """

    def __init__(
        self, out: Path, *, total: int, done: int, every: int, tensorboard: bool, enabled: bool
    ) -> None:
        self.every, self.enabled = every, enabled
        self.stopwatch = Stopwatch()
        self._values: dict[str, list[float]] = {}
        self._people = 0
        self._since = time.perf_counter()
        self._board: Any = None
        if not enabled:
            return
        self._file = (out / "log.jsonl").open("a")
        self._bar = tqdm(
            total=total, initial=done, unit="img", unit_scale=True, smoothing=0.05, mininterval=5
        )
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(out / "tensorboard"))

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.enabled:
            return
        self._bar.close()
        self._file.close()
        if self._board is not None:
            self._board.close()

    def step(self, step: int, epoch: int, values: Mapping[str, float], people: int) -> None:
        """Take note of one step; ``step`` counts the finished ones."""
        if not self.enabled:
            return
        for name, value in values.items():
            self._values.setdefault(name, []).append(value)
        self._people += people
        self._bar.update(people)
        if step % self.every == 0:
            self._write_means(step, epoch)

    def _write_means(self, step: int, epoch: int) -> None:
        now = time.perf_counter()
        seconds = now - self._since
        means = {name: sum(values) / len(values) for name, values in self._values.items()}
        speed = {
            "img_per_s": self._people / seconds, "wait": self.stopwatch.waited / seconds
        }  # fmt: skip
        self.write(step, epoch, {**means, **speed})
        self._bar.set_postfix({name: f"{mean:.4g}" for name, mean in means.items()}, refresh=False)
        self._values, self._people = {}, 0
        self._since, self.stopwatch.waited = now, 0.0

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """One line of the log; NaN never comes here, since it stops the run."""
        if not self.enabled:
            return
        self._file.write(json.dumps({"step": step, "epoch": epoch, **values}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
