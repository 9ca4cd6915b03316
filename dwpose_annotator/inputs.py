"""What the user named, as a list of photos, each with the picture file to write for it."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

IMAGE_ENDINGS = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"))


@dataclass(frozen=True)
class Job:
    """One photo and the picture file to write for it."""

    source: Path
    target: Path


def expand_inputs(inputs: Sequence[str]) -> list[Path]:
    """Files, folders (their image files) and glob patterns as one list without repetitions.

    A file that is missing stays in the list: it fails later, alone.

    Raises:
        FileNotFoundError: a folder without images, or a pattern that nothing matches.
    """
    files: list[Path] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_ENDINGS)
            if not found:
                endings = " ".join(sorted(IMAGE_ENDINGS))
                raise FileNotFoundError(f"no image files ({endings}) in the folder {path}")
        elif not path.exists() and glob.has_magic(text):
            found = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
            found = [match for match in found if match.is_file()]
            if not found:
                raise FileNotFoundError(f"nothing matches the pattern {text}")
        else:
            found = [path]
        files += found
    return list(dict.fromkeys(files))


def plan_jobs(sources: Sequence[Path], output: Path, *, keep: Sequence[Path] = ()) -> list[Job]:
    """Give every photo its picture file, and make the folder for them.

    Args:
        sources: the photos.
        output: a picture file if it has an image ending, which only one photo can have; else a
            folder.
        keep: more files that must survive, such as a boxes file.

    Raises:
        ValueError: one picture file for several photos; or a picture, or the JSON file beside it,
            would replace an input.
        OSError: the folder cannot be made.
    """
    if output.is_dir() or output.suffix.lower() not in IMAGE_ENDINGS:
        targets = [output / f"{stem}.png" for stem in _unique_stems(sources)]
    elif len(sources) > 1:
        raise ValueError(f"{output} is one picture, but the input is {len(sources)}; name a folder")
    else:
        targets = [output]
    inputs = {os.path.realpath(path) for path in (*sources, *keep)}
    for target in (path for t in targets for path in (t, t.with_suffix(".json"))):
        if os.path.realpath(target) in inputs:
            raise ValueError(f"{target} is an input and would be overwritten; write elsewhere")
    _make_folder(targets[0].parent)
    return [Job(source, target) for source, target in zip(sources, targets, strict=True)]


def _unique_stems(sources: Sequence[Path]) -> list[str]:
    """File stems; of equal ones (a.jpg and a.png, or of two folders) the later get a number."""
    stems: list[str] = []
    taken: set[str] = set()
    for source in sources:
        stem, number = source.stem, 2
        while stem.lower() in taken:  # lower: some file systems ignore case
            stem, number = f"{source.stem}_{number}", number + 1
        taken.add(stem.lower())
        stems.append(stem)
    return stems


def numbered_targets(stem: str, count: int, output: Path) -> list[Path]:
    """Picture files for ``count`` frames, and the folder for them.

    Args:
        stem: what they are called inside a folder.
        count: number of frames; one frame gets no number.
        output: a picture file if it has an image ending, else a folder.

    Raises:
        ValueError: no frames.
        OSError: the folder cannot be made.
    """
    if count < 1:
        raise ValueError("the JSON file holds an empty list: no frames to draw")
    if output.is_dir() or output.suffix.lower() not in IMAGE_ENDINGS:
        output = output / f"{stem}.png"
    _make_folder(output.parent)
    if count == 1:
        return [output]
    return [output.with_name(f"{output.stem}_{i:05}{output.suffix}") for i in range(count)]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"cannot make the folder {folder}: {error.strerror}") from error
