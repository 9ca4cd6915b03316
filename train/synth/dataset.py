"""Write a data set folder: chunks of pictures by any number of processes, resumable, one index.

Layout: ``train.json.gz`` (COCO-WholeBody), ``images/NNNNNN.jpg``, ``README.md`` (data card),
``synth.json`` (the settings) and ``parts/`` (finished chunks, which a resumed run keeps).
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dwpose_annotator.skeleton import WHOLEBODY_LINKS
from train.synth.backgrounds import Backgrounds, list_photos
from train.synth.card import write_card

if TYPE_CHECKING:
    from train.synth.scene import Studio

VERSION = 2  # of the generator: raise it whenever the same seed gives other pictures
CHUNK = 20  # pictures between two points of resumption
IDS_PER_IMAGE = 8  # annotation id = image id * 8 + number of the person


@dataclass(frozen=True)
class Settings:
    """What a data set depends on; ``count`` may grow when a run is repeated, the rest may not."""

    seed: int
    backgrounds: str = ""
    background_prefixes: tuple[str, ...] = ()
    version: int = VERSION


def write_atomically(path: Path, data: bytes) -> None:
    """Write under a temporary name in the same folder, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def chunk_file(out: Path, start: int) -> Path:
    """Where the annotations of the chunk that begins with picture ``start`` are kept."""
    return out / "parts" / f"{start:07d}.json"


def is_done(out: Path, chunk: range) -> bool:
    """Whether a chunk has been rendered (a shorter one, of a smaller data set, does not count)."""
    path = chunk_file(out, chunk.start)
    return path.is_file() and len(json.loads(path.read_text())["images"]) >= len(chunk)


def make_chunks(out: Path, settings: Settings, chunks: Sequence[range]) -> None:
    """Render some chunks in this process, on one thread."""
    import cv2
    import torch

    from train.synth.scene import Studio

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    photos = []
    if settings.backgrounds:
        photos = list_photos(Path(settings.backgrounds), settings.background_prefixes)
    studio = Studio(Backgrounds(photos))
    for chunk in chunks:
        make_chunk(studio, out, settings.seed, chunk)


def make_chunk(studio: Studio, out: Path, seed: int, chunk: range) -> None:
    """Render pictures, then write their annotations, which marks the chunk as done.

    A picture depends on (seed, its number) alone, not on who renders it, nor when; its last bits
    also on torch's number of threads, which ``make_chunks`` therefore sets.
    """
    from train.synth.picture import draw_sample

    images, annotations = [], []
    for number in chunk:
        sample = draw_sample(studio, np.random.default_rng((seed, number)))
        name = f"{number:06d}.jpg"
        write_atomically(out / "images" / name, sample.jpeg)
        width, height = sample.size_wh
        images.append({"id": number + 1, "file_name": name, "width": width, "height": height})
        for person, annotation in enumerate(sample.annotations):
            ids = {"id": (number + 1) * IDS_PER_IMAGE + person, "image_id": number + 1}
            annotations.append(ids | annotation)
    part = json.dumps({"images": images, "annotations": annotations}, separators=(",", ":"))
    write_atomically(chunk_file(out, chunk.start), part.encode())


def check_settings(out: Path, settings: Settings) -> None:
    """Keep the settings beside the data.

    Raises:
        ValueError: the folder was begun with other settings.
    """
    path = out / "synth.json"
    wanted = json.dumps(dataclasses.asdict(settings), indent=1)
    if path.is_file() and path.read_text() != wanted:
        raise ValueError(
            f"{out} was begun with other settings ({path.read_text()}), now wanted: {wanted}; "
            "choose another folder or delete this one"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in ("images", "parts"):
        (out / name).mkdir(exist_ok=True)
    write_atomically(path, wanted.encode())


def run_workers(out: Path, settings: Settings, chunks: Sequence[range], workers: int) -> None:
    """Render chunks in ``workers`` processes.

    Raises:
        RuntimeError: a process failed (its own message is on stderr); finished chunks are kept.
    """
    if workers <= 1 or len(chunks) <= 1:
        make_chunks(out, settings, chunks)
        return
    from train.synth.body import BodyModel

    BodyModel()  # so that anny's cache exists before several processes want it
    context = multiprocessing.get_context("spawn")
    shares = [chunks[i::workers] for i in range(min(workers, len(chunks)))]
    processes = [
        context.Process(target=make_chunks, args=(out, settings, share)) for share in shares
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    failed = [process.exitcode for process in processes if process.exitcode]
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {len(processes)} processes failed (exit codes {failed}); "
            "run the same command again to go on from the finished chunks"
        )


def merge(out: Path, settings: Settings, chunks: Sequence[range]) -> dict[str, Any]:
    """Join the chunks into train.json.gz and give its content back."""
    from train.synth.body import BODY_LABELS

    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for chunk in chunks:
        part = json.loads(chunk_file(out, chunk.start).read_text())
        images += [image for image in part["images"] if image["id"] <= chunk.stop]
        annotations += [a for a in part["annotations"] if a["image_id"] <= chunk.stop]
    body_links = [[a + 1, b + 1] for a, b in WHOLEBODY_LINKS if max(a, b) < 17]
    category = {"id": 1, "name": "person", "keypoints": BODY_LABELS[:17], "skeleton": body_links}
    info = {"description": "synthetic people", "seed": settings.seed, "version": str(VERSION)}
    content = {"info": info, "categories": [category], "images": images, "annotations": annotations}
    packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)
    write_atomically(out / "train.json.gz", packed)
    return content


def generate(
    out: Path, settings: Settings, *, count: int, workers: int = 1, chunk_size: int = CHUNK
) -> None:
    """Render ``count`` pictures, each with a labelled subject and up to three more people.

    Running it again resumes, or adds pictures if ``count`` has grown.

    Raises:
        ValueError: count or workers below 1, or the folder holds data of other settings.
        FileNotFoundError: no background images where they should be.
    """
    if count < 1 or workers < 1:
        raise ValueError(f"count and workers must be at least 1, got {count} and {workers}")
    if settings.backgrounds:
        list_photos(Path(settings.backgrounds), settings.background_prefixes)
    check_settings(out, settings)
    starts = range(0, count, chunk_size)
    chunks = [range(start, min(start + chunk_size, count)) for start in starts]
    missing = [chunk for chunk in chunks if not is_done(out, chunk)]
    began = time.perf_counter()
    if missing:
        run_workers(out, settings, missing, workers)
    content = merge(out, settings, chunks)
    write_card(out, content)
    people, seconds = len(content["annotations"]), time.perf_counter() - began
    print(f"{count} pictures, {people} labelled people in {out} ({seconds:.0f} s)")
