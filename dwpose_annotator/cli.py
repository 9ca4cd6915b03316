"""The ``dwpose`` command. Commands import what they need when they run: ``--help`` is instant."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from dwpose_annotator import __version__
from dwpose_annotator.cli_annotate import annotate
from dwpose_annotator.cli_draw import draw
from dwpose_annotator.cli_options import Device, Offline, Threads
from dwpose_annotator.cli_weights import weights_app

app = typer.Typer(
    name="dwpose",
    help="Photos to OpenPose whole-body skeleton maps (body, hands, face, feet) for ControlNet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(annotate)
app.command()(draw)
app.add_typer(weights_app, name="weights")


@app.command()
def doctor(device: Device = "auto", offline: Offline = False) -> None:
    """Print what runs where and why: paste it into a bug report."""
    from dwpose_annotator.doctor import report

    healthy = True
    for line, good in report(device=device, offline=offline):
        typer.echo(line)
        healthy = healthy and good
    if not healthy:
        raise typer.Exit(1)


@app.command()
def bench(
    runs: Annotated[int, typer.Option(min=1, help="Runs per figure; the median is shown.")] = 5,
    device: Device = "auto",
    threads: Threads = None,
    large: Annotated[
        bool, typer.Option("--large/--no-large", help="Also time l-384 + yolox_l (needs torch).")
    ] = True,
) -> None:
    """Time each stage at 720p with 1, 5 and 10 people."""
    from dwpose_annotator.bench import tables

    for line in tables(runs=runs, device=device, threads=threads, large=large):
        typer.echo(line)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dwpose-annotator {__version__}")
        raise typer.Exit


@app.callback()
def setup(
    version: Annotated[  # noqa: ARG001  # acts in its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and errors.")] = False,
) -> None:
    """Log lines go to standard error, results to standard output."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("dwpose_annotator").setLevel(logging.WARNING if quiet else logging.INFO)


def main() -> None:
    """Run the command line; an error that the user can mend is one line, not a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:
        typer.secho(f"error: {error}", fg=typer.colors.RED, err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
