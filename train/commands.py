"""``python -m PACKAGE COMMAND``: a module for each command."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from types import ModuleType


def run_command(program: str, summary: str | None, commands: Mapping[str, ModuleType]) -> None:
    """Hand the command line to the named command.

    Args:
        program: how the package is called, for the help text.
        commands: modules with ``add_arguments(parser)`` and ``run(arguments)``; the first line of
            a module's docstring is its help.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog=program, description=summary)
    choices = parser.add_subparsers(dest="command", required=True)
    for name, module in commands.items():
        line = (module.__doc__ or "").partition("\n")[0]
        module.add_arguments(choices.add_parser(name, help=line, description=line))
    arguments = parser.parse_args()
    try:
        commands[arguments.command].run(arguments)
    except (ValueError, OSError) as error:  # wrong input: the message says it, a traceback hides it
        raise SystemExit(f"error: {error}") from error
