"""Data sets to measure on: any COCO or COCO-WholeBody file, and which parts it labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dwpose_annotator.skeleton import NUM_KEYPOINTS
from train.data import People, keypoints_of, load_people, read_json
from train.evaluation.coco_ap import PART_SLICES


@dataclass(frozen=True)
class EvalSet:
    """One annotation file and its images.

    Attributes:
        name: for reports.
        content: the COCO dictionary, crowd regions and unusable people included.
        people: the people that are posed when ground-truth boxes are given.
        image_files: image id -> file.
        parts: parts with labels, of ``PART_SLICES``; ``wholebody`` only where there are several.
        has_area: whether people have an annotated area.
    """

    name: str
    content: dict[str, Any]
    people: People
    image_files: dict[int, Path]
    parts: tuple[str, ...]
    has_area: bool


def load_eval_set(annotation_file: Path, image_dir: Path, *, name: str | None = None) -> EvalSet:
    """Read an annotation file with 17 body points, with all 133, or with faces alone.

    Raises:
        FileNotFoundError: no annotation file or no image folder.
        ValueError: not COCO-shaped, or nothing is labelled.
    """
    if not image_dir.is_dir():
        raise FileNotFoundError(f"no image folder at {image_dir}; name it with --images")
    content = read_json(annotation_file)
    labels = [keypoints_of(annotation) for annotation in content["annotations"]]
    parts = tuple(
        part
        for part, points in PART_SLICES.items()
        if any((keypoints[points, 2] > 0).any() for keypoints in labels)
    )
    if parts in (("body", "wholebody"), ("face", "wholebody")):
        parts = parts[:1]
    if not parts:
        raise ValueError(f"{annotation_file} labels none of the {NUM_KEYPOINTS} points")
    people = load_people(annotation_file, image_dir, keep_bodiless="body" not in parts)
    return EvalSet(
        name or annotation_file.parent.name,
        content,
        people,
        {image["id"]: image_dir / image["file_name"] for image in content["images"]},
        parts,
        all("area" in annotation for annotation in content["annotations"]),
    )


def find_eval_sets(data: Path, *, image_dir: Path | None = None) -> list[EvalSet]:
    """The data sets at ``data``: an annotation file, a folder with one, or folders of them.

    A folder holds ``images/`` and either ``val.json[.gz]`` or exactly one other annotation file.

    Raises:
        FileNotFoundError: nothing of the kind there.
        ValueError: several annotation files to choose from.
    """
    if data.is_file():
        return [load_eval_set(data, image_dir or data.parent / "images")]
    if not data.is_dir():
        raise FileNotFoundError(f"no data set at {data}")
    own = _annotation_file(data)
    if own is not None:
        return [load_eval_set(own, image_dir or data / "images")]
    found = [(folder, _annotation_file(folder)) for folder in sorted(data.iterdir())]
    sets = [
        load_eval_set(file, folder / "images") for folder, file in found if file is not None
    ]  # fmt: skip
    if not sets:
        raise FileNotFoundError(
            f"{data}: expected an annotation file beside images/, or folders that hold them"
        )
    return sets


def _annotation_file(folder: Path) -> Path | None:
    if not (folder / "images").is_dir():
        return None
    files = [path for pattern in ("*.json", "*.json.gz") for path in sorted(folder.glob(pattern))]
    preferred = [path for path in files if path.name.startswith("val.json")]
    if len(files) > 1 and len(preferred) != 1:
        names = ", ".join(path.name for path in files)
        raise ValueError(f"{folder} has several annotation files ({names}): name one of them")
    return next(iter(preferred or files), None)
