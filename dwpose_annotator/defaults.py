"""The networks that work where nobody names others: names of the table in ``weights.py``.

On their own here, because the command line shows them before it loads anything else.
"""

from __future__ import annotations

POSE = "dwpose-s"
DETECTOR = "person-nano"
