"""What every tab works with; built once at the start."""

from __future__ import annotations

from dataclasses import dataclass

from examples.demo.limits import Limits
from examples.demo.networks import Networks
from examples.demo.outbox import Outbox

# Events that run networks share one queue with ``Limits.running`` places.
NETWORK_QUEUE = "networks"


@dataclass(frozen=True)
class Services:
    """The networks, the bounds and the folder of files that were made."""

    networks: Networks
    limits: Limits
    outbox: Outbox
