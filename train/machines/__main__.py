"""``python -m train.machines COMMAND``: public networks label photos that nobody has labelled."""

from __future__ import annotations

from train.commands import run_command
from train.machines import agree, boxes, points

COMMANDS = {"agree": agree, "boxes": boxes, "points": points}


def main() -> None:
    """Hand the command line to the named command."""
    run_command("python -m train.machines", __doc__, COMMANDS)


if __name__ == "__main__":
    main()
