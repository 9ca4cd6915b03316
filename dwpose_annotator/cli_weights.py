"""``dwpose weights``: what there is, where it lies, fetch it, check it, convert it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwpose_annotator.cli_options import Offline

if TYPE_CHECKING:
    from dwpose_annotator.weights import Weights

weights_app = typer.Typer(help="List, download, verify and convert weights.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="See `dwpose weights list`.")]


@weights_app.command("list")
def list_weights() -> None:
    """Every weight name: kind, input size, licence, source, and whether it is on this machine."""
    from dwpose_annotator.weights import WEIGHTS

    head = ("name", "kind", "input", "size", "licence", "source", "on this machine")
    rows = [head, *(_row(weights) for weights in WEIGHTS.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


@weights_app.command()
def download(
    names: Names,
    to: Annotated[
        Path | None, typer.Option(help="Also copy the files into this folder, for another machine.")
    ] = None,
    offline: Offline = False,
) -> None:
    """Fetch weights, check them, and make the ONNX file of those that are published as .pth."""
    from dwpose_annotator.weights import get_weights, resolve_weights

    wanted = [get_weights(name) for name in names]
    for weights in wanted:
        path, _ = resolve_weights(weights.name, weights.kind, offline=offline)
        typer.echo(f"{weights.name}: {path if to is None else _copy(path, to)}")


@weights_app.command()
def path(names: Names) -> None:
    """Print where weights lie on this machine; exit code 1 if one is missing."""
    from dwpose_annotator.weights import get_weights, locate_weights

    missing = False
    for name in names:
        found = locate_weights(get_weights(name))
        missing = missing or found is None
        typer.echo(found or f"{name}: not on this machine", err=found is None)
    if missing:
        raise typer.Exit(1)


@weights_app.command()
def verify(
    targets: Annotated[
        list[str], typer.Argument(metavar="NAME|FILE...", help="Weight names or files.")
    ],
) -> None:
    """Check files from end to end: size, sha256 where it is known, and that the network loads."""
    failed = False
    for target in targets:
        try:
            typer.echo(f"{target}: {_verify(target)}")
        except (ValueError, OSError) as error:
            failed = True
            typer.secho(f"{target}: {error}", fg=typer.colors.RED, err=True)
    if failed:
        raise typer.Exit(1)


@weights_app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(metavar="OFFICIAL.pth")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.")],
    size: Annotated[
        str | None, typer.Option(help="t, s, m, l or l-384; default: recognised by its shapes.")
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Store the weights as float16: half the file.")
    ] = False,
) -> None:
    """Turn an official DWPose or RTMPose checkpoint into an ONNX file (needs torch)."""
    try:
        from dwpose_annotator.models.convert import convert_checkpoint
    except ImportError as error:
        raise ValueError(
            'converting needs torch. Run: pip install "dwpose-annotator[torch]"'
        ) from error
    if output.suffix != ".onnx":
        raise ValueError(f"{output}: the file to write must end in .onnx")
    found = convert_checkpoint(checkpoint, output, size=size, half_storage=half)
    typer.echo(f"{output}: size {found}, {output.stat().st_size / 1e6:.1f} MB")


def _row(weights: Weights) -> tuple[str, str, str, str, str, str, str]:
    from dwpose_annotator.weights import locate_weights

    file = locate_weights(weights)
    size = weights.size_bytes if file is None else file.stat().st_size
    height, width = weights.input_hw
    return (
        weights.name,
        weights.kind,
        f"{width}x{height}",
        "?" if size is None else f"{size / 1e6:.1f} MB",
        weights.licence,
        weights.repo or "this package",
        str(file or "no"),
    )


def _copy(path: Path, folder: Path) -> Path:
    from dwpose_annotator.files import write_atomic

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    if not (target.exists() and os.path.samefile(path, target)):
        write_atomic(target, lambda file: file.write(path.read_bytes()))
    return target


def _verify(target: str) -> str:
    """One line about a file that is in order.

    Raises:
        ValueError, OSError: what is wrong with it.
    """
    from dwpose_annotator.errors import WeightsError
    from dwpose_annotator.weight_files import check_weight_file, file_sha256
    from dwpose_annotator.weights import WEIGHTS, locate_weights

    weights = WEIGHTS.get(target)
    file = Path(target) if weights is None else locate_weights(weights)
    if file is None:
        raise WeightsError(f"not on this machine. Run: dwpose weights download {target}")
    if not file.is_file():
        raise FileNotFoundError("no such file, and no such name in `dwpose weights list`")
    if file.suffix not in (".onnx", ".pth"):
        raise WeightsError("weights are .onnx or .pth files")
    row = next((row for row in WEIGHTS.values() if row.file == file.name), None)
    check_weight_file(
        file,
        size_bytes=None if row is None else row.size_bytes,
        sha256=None if row is None else row.sha256,
    )
    known = row is not None and row.sha256 is not None
    origin = "as published" if known else "no published value to compare with"
    return f"{file}: sha256 {file_sha256(file)} ({origin}), {_load(file)}"


def _load(file: Path) -> str:
    """What kind of network a file holds, found out by loading it."""
    if file.suffix != ".onnx":
        from dwpose_annotator.models.convert import load_state_dict, recognise_size

        return f"checkpoint of size {recognise_size(load_state_dict(file))}"
    from dwpose_annotator.detect import Detector
    from dwpose_annotator.estimate import PoseEstimator
    from dwpose_annotator.session import OnnxSession

    session = OnnxSession(file, "cpu")
    if len(session.output_shapes) == 1:
        height, width = Detector(session).size_hw
        return f"detector {width}x{height}"
    width, height = PoseEstimator(session).crop_wh
    return f"pose network {width}x{height}"
