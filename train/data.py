"""COCO-WholeBody annotations to training crops.

Annotations are held as arrays (one row per person), and each sample's randomness depends on (seed,
lap, index) alone, so that runs repeat and resume exactly whatever the number of workers.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from dwpose_annotator.files import write_atomic
from dwpose_annotator.skeleton import BODY
from dwpose_annotator.types import ImageArray
from train.company import PersonPhoto, cut_by_frame, with_neighbour
from train.pixels import Pixels
from train.sampling import SampleKey
from train.transforms import Augmentation, augment

log = logging.getLogger(__name__)

AUGMENTATION_STREAM = 2  # of a seed's random streams, see ``sampling.py``
MAX_REPLACEMENTS = 100  # broken images in a row before a data set counts as unreadable
PARTS = (
    ("keypoints", 17),
    ("foot_kpts", 6),
    ("face_kpts", 68),
    ("lefthand_kpts", 21),
    ("righthand_kpts", 21),
)  # COCO-WholeBody v1.0 field names, in keypoint order


@dataclass(frozen=True)
class People:
    """Annotated people as arrays, one row each.

    Attributes:
        image: image file of each person.
        xy: (N, 133, 2) float32 image pixels.
        visible: (N, 133) float32 weights in [0, 1], 0 where there is no label.
        box: (N, 4) float32 xyxy, clipped to the image.
        ids: (N, 2) int64 annotation id, image id.
        skipped: one line per annotation or image that was left out, and why.
    """

    image: tuple[Path, ...]
    xy: NDArray[np.float32]
    visible: NDArray[np.float32]
    box: NDArray[np.float32]
    ids: NDArray[np.int64]
    skipped: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.image)

    def select(self, index: NDArray[np.integer]) -> People:
        """The people at ``index``."""
        images = tuple(self.image[i] for i in index)
        return People(
            images,
            self.xy[index],
            self.visible[index],
            self.box[index],
            self.ids[index],
            self.skipped,
        )


def concatenate(parts: Sequence[People]) -> People:
    """Plain concatenation, as the reference mixes COCO-WholeBody and UBody (no re-weighting)."""
    return People(
        tuple(image for p in parts for image in p.image),
        np.concatenate([p.xy for p in parts]),
        np.concatenate([p.visible for p in parts]),
        np.concatenate([p.box for p in parts]),
        np.concatenate([p.ids for p in parts]),
        tuple(line for p in parts for line in p.skipped),
    )


def read_json(path: Path) -> Any:
    """Parse a JSON file, gzipped or not."""
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def write_json(path: Path, content: Any) -> None:
    """Write what ``read_json`` reads: gzipped if the name ends so, the same bytes every time."""
    data = json.dumps(content).encode()
    packed = gzip.compress(data, mtime=0) if path.suffix == ".gz" else data
    write_atomic(path, lambda file: file.write(packed))


def images_from(content: dict[str, Any], sources: Collection[str]) -> set[int]:
    """Ids of the images whose ``source`` entry is one of ``sources``."""
    return {image["id"] for image in content["images"] if image.get("source") in sources}


def keypoints_of(annotation: dict[str, Any]) -> NDArray[np.float32]:
    """(133, 3) x, y, v of one annotation; parts that the file does not have stay zero."""
    rows = [
        np.asarray(annotation.get(name) or np.zeros(3 * count), np.float32).reshape(count, 3)
        for name, count in PARTS
    ]
    return np.concatenate(rows)


def clip_box(xywh: Sequence[float], width: int, height: int) -> NDArray[np.float32]:
    """COCO box to xyxy, corners clipped to the last pixel. Source: mmpose BaseCocoStyleDataset."""
    x, y, w, h = xywh
    corners = np.array([x, y, x + w, y + h], np.float32)
    return np.clip(corners, 0, [width - 1, height - 1, width - 1, height - 1]).astype(np.float32)


def read_person(
    annotation: dict[str, Any], images: dict[int, dict[str, Any]], *, keep_bodiless: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(133, 3) keypoints and (4,) clipped box of one annotation.

    Source of the rules: BaseCocoStyleDataset and CocoWholeBodyDataset of open-mmlab/mmpose.

    Raises:
        ValueError: the reference leaves this annotation out, or it is not well formed; says why.
    """
    try:
        image = images[annotation["image_id"]]
        points = keypoints_of(annotation)
        box = clip_box(annotation["bbox"], image["width"], image["height"])
        empty = min(annotation["bbox"][2:]) <= 0
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"malformed ({type(error).__name__}: {error})") from error
    if not (np.isfinite(points).all() and np.isfinite(box).all()):
        raise ValueError("not finite")
    if annotation.get("iscrowd"):
        raise ValueError("crowd region")
    if empty:
        raise ValueError("empty box")
    if points[:, :2].max() <= 0:
        raise ValueError("no positive coordinate")
    body_count = annotation.get("num_keypoints", int((points[:17, 2] > 0).sum()))
    if not body_count and not keep_bodiless:
        raise ValueError("no body keypoint")
    return points, box


def load_people(
    annotation_file: Path, image_dir: Path, *, keep_bodiless: bool = False, hidden: bool = True
) -> People:
    """Read one COCO-WholeBody file (v1.0 fields; .json or .json.gz).

    Args:
        hidden: whether points with v <= 1 count like those with v = 2. A body point with v between
            0 and 1 is another thing, a machine's label and its weight (``train.machines.points``),
            and counts in any case; in COCO-WholeBody only the other parts have such fractions.
        keep_bodiless: keep people without a body keypoint (face-only sets).

    Raises:
        FileNotFoundError: the annotation file does not exist.
        ValueError: the file is not COCO-shaped, or nobody is left.
    """
    if not annotation_file.is_file():
        raise FileNotFoundError(f"no annotation file at {annotation_file}")
    content = read_json(annotation_file)
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise ValueError(f"{annotation_file} must be a COCO file with 'images' and 'annotations'")
    images = {image["id"]: image for image in content["images"]}
    files, points, boxes, ids, skipped = [], [], [], [], []
    for annotation in content["annotations"]:
        try:
            keypoints, box = read_person(annotation, images, keep_bodiless=keep_bodiless)
        except ValueError as reason:
            name = annotation.get("id", "without id")
            skipped.append(f"{annotation_file.name}: annotation {name}: {reason}")
            continue
        image = images[annotation["image_id"]]
        files.append(image_dir / image["file_name"])
        points.append(keypoints)
        boxes.append(box)
        ids.append((annotation["id"], image["id"]))
    if not files:
        raise ValueError(f"{annotation_file} has no usable person ({len(skipped)} skipped)")
    array = np.stack(points)
    given = array[..., 2]
    visible = (given > (0 if hidden else 1)).astype(np.float32)
    weighted = (given > 0) & (given < 1)
    weighted[:, BODY.stop :] = False
    visible[weighted] = given[weighted]
    return People(
        tuple(files), array[..., :2].copy(), visible, np.stack(boxes), np.array(ids), tuple(skipped)
    )


class PoseDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Augmented crops; items are keyed by ``SampleKey``.

    Args:
        phases: (first epoch, augmentation) in rising order; the last one that has begun applies.
        input_scale: crops are cut at ``crop_wh * input_scale``; labels stay in ``crop_wh`` pixels.
        skipped_file: images that turn out to be unreadable are listed here, one line each.
    """

    def __init__(
        self,
        people: People,
        pixels: Pixels,
        *,
        crop_wh: tuple[int, int],
        phases: Sequence[tuple[int, Augmentation]],
        seed: int,
        input_scale: float = 1.0,
        skipped_file: Path | None = None,
    ) -> None:
        self.people, self.pixels, self.seed = people, pixels, seed
        self.phases, self.input_scale = tuple(phases), input_scale
        self.crop_wh = (round(crop_wh[0] * input_scale), round(crop_wh[1] * input_scale))
        self.skipped_file = skipped_file
        self._unreadable: set[Path] = set()  # in each loading process

    def __len__(self) -> int:
        return len(self.people)

    def augmentation(self, epoch: int) -> Augmentation:
        """The augmentation of a 0-based epoch."""
        return next(aug for first, aug in reversed(self.phases) if epoch >= first)

    def __getitem__(self, key: SampleKey) -> tuple[torch.Tensor, torch.Tensor]:
        """(h, w, 3) uint8 RGB and (133, 3) float32: x, y in full-size crop pixels, visible.

        An unreadable image is listed and its turn goes to the person after it.

        Raises:
            ValueError: none of ``MAX_REPLACEMENTS`` images in a row can be read.
        """
        for offset in range(MAX_REPLACEMENTS):
            index = (key.person + offset) % len(self)
            image = self._read(self.people.image[index])
            if image is not None:
                return self._augmented(image, key.epoch, key.lap, index)
        raise ValueError(
            f"{MAX_REPLACEMENTS} images in a row cannot be read, the last one is "
            f"{self.people.image[index]}: is the image folder complete?"
        )

    def _read(self, path: Path) -> ImageArray | None:
        try:
            return self.pixels[path]
        except (FileNotFoundError, ValueError) as error:
            if path not in self._unreadable:
                self._unreadable.add(path)
                log_skipped([str(error)], self.skipped_file)
            return None

    def _augmented(
        self, image: ImageArray, epoch: int, lap: int, index: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, AUGMENTATION_STREAM, lap, index))
        aug = self.augmentation(epoch)
        photo = self._harder(rng, aug, self._photo(image, index))
        pixels, labels = augment(
            rng, photo.image, photo.box, photo.xy, photo.visible, crop_wh=self.crop_wh, aug=aug
        )
        labels[:, :2] /= self.input_scale
        return torch.from_numpy(pixels), torch.from_numpy(labels)

    def _harder(
        self, rng: np.random.Generator, aug: Augmentation, photo: PersonPhoto
    ) -> PersonPhoto:
        if aug.neighbour and rng.random() < aug.neighbour:
            index = int(rng.integers(len(self)))
            image = self._read(self.people.image[index])
            if image is not None:
                photo = with_neighbour(rng, photo, self._photo(image, index))
        if aug.frame and rng.random() < aug.frame:
            photo = cut_by_frame(rng, photo)
        return photo

    def _photo(self, image: ImageArray, index: int) -> PersonPhoto:
        people = self.people
        return PersonPhoto(image, people.box[index], people.xy[index], people.visible[index])


def log_skipped(lines: Sequence[str], file: Path | None) -> None:
    """Add lines to the list of what was left out; short lines from several processes stay whole."""
    for line in lines:
        log.debug("skipped %s", line)
    if file is not None and lines:
        with file.open("a") as out:
            out.write("".join(f"{line}\n" for line in lines))
