"""The progress bar."""

from __future__ import annotations

PROGRESS_BAR_HOOK = None


class ProgressBar:
    def __init__(self, total, node_id=None):
        self.total, self.current, self.node_id = total, 0, node_id

    def update_absolute(self, value, total=None, preview=None) -> None:
        self.total = self.total if total is None else total
        self.current = min(value, self.total)
        if PROGRESS_BAR_HOOK is not None:
            PROGRESS_BAR_HOOK(self.current, self.total, preview)

    def update(self, value) -> None:
        self.update_absolute(self.current + value)
