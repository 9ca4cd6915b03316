"""``python -m train.detector COMMAND``: the person detector that ships with the package."""

from __future__ import annotations

from train.commands import run_command
from train.detector import collect, evaluate, export, train

COMMANDS = {"collect": collect, "train": train, "evaluate": evaluate, "export": export}


def main() -> None:
    """Hand the command line to the named command."""
    run_command("python -m train.detector", __doc__, COMMANDS)


if __name__ == "__main__":
    main()
