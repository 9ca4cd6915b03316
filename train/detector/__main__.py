"""``python -m train.detector COMMAND``: the person detector that ships with the package."""

from __future__ import annotations

import argparse
import logging

from train.detector import evaluate, export, train

COMMANDS = {"train": train, "evaluate": evaluate, "export": export}


def main() -> None:
    """Hand the command line to the named command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m train.detector", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        module.add_arguments(commands.add_parser(name, help=summary, description=summary))
    arguments = parser.parse_args()
    try:
        COMMANDS[arguments.command].run(arguments)
    except (ValueError, OSError) as error:  # wrong input: the message says it, a traceback hides it
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
