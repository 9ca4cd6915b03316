"""The two errors of the public borders that are more than a ValueError."""

from __future__ import annotations


class WeightsError(ValueError):
    """A weight file is missing, damaged or of the wrong kind; the message says what to do."""


class DeviceError(ValueError):
    """The device that was asked for cannot run here; the message names the package to install."""
