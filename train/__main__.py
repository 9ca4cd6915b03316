"""``python -m train CONFIG`` trains; ``python -m train COMMAND`` does what comes before and after.

CONFIG is a configuration of ``train/configs`` or a path to one; the commands are in ``COMMANDS``.
"""

from __future__ import annotations

import argparse
import logging
import sys

from train import (
    average,
    clean,
    config_files,
    evaluate,
    export,
    fit,
    grow,
    plot,
    restore,
    sheet,
    subset,
    table,
    transfer,
    ubody,
)

COMMANDS = {
    "average": average,
    "clean": clean,
    "configs": config_files,
    "evaluate": evaluate,
    "export": export,
    "grow": grow,
    "plot": plot,
    "restore": restore,
    "sheet": sheet,
    "subset": subset,
    "table": table,
    "transfer": transfer,
    "ubody": ubody,
}


def main() -> None:
    """Hand the command line to the named command, or train."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    words = sys.argv[1:] or ["--help"]
    name = words[0] if words[0] in COMMANDS else None
    command = fit if name is None else COMMANDS[name]
    summary = (command.__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(
        prog=f"python -m train {name}" if name else "python -m train",
        description=summary,
        epilog=None if name else f"commands: python -m train {{{','.join(COMMANDS)}}} --help",
    )
    command.add_arguments(parser)
    options = parser.parse_args(words if name is None else words[1:])
    try:
        command.run(options)
    except (ValueError, OSError) as error:  # wrong input: the message says it, a traceback hides it
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
