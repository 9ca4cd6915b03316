"""Training configuration: dataclasses whose fields can be set from the command line."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from train.transforms import Augmentation

ObjectiveName = Literal["heatmap", "supervised", "stage1", "stage2", "detector"]
DataEntry = str | tuple[str, float]


@dataclass(frozen=True)
class PartWeights:
    """Loss weight per body part. The published recipe weighs every keypoint alike."""

    body: float = 1.0
    feet: float = 1.0
    face: float = 1.0
    hands: float = 1.0


@dataclass(frozen=True)
class Optimisation:
    """AdamW and its learning rate. Defaults: the DWPose configs (total batch 512)."""

    algorithm: Literal["adamw", "muon"] = "adamw"
    """muon: orthogonalised steps for large matrices, see ``train.optim``; at the same ``lr``."""
    lr: float = 4e-3
    floor_ratio: float = 0.05
    weight_decay: float = 0.05
    warmup_steps: int = 1000
    cosine_epochs: tuple[float, float] = (135, 270)
    """The cosine begins and ends at these epochs (a run may stop before it begins)."""
    clip_norm: float | None = None
    scale_lr_with_batch: bool = False
    """Multiply ``lr`` by total batch / 512, as the reference does with --auto-scale-lr."""


@dataclass(frozen=True)
class Distillation:
    """Teacher and loss options of stages 1 and 2. Defaults: the published recipe."""

    teacher: str = ""
    """Size of the teacher, see ``dwpose_annotator.models.POSE_CONFIGS``."""
    teacher_checkpoint: str = ""
    """Its weights: a checkpoint of ours or of the original code."""
    teacher_bn: Literal["train", "eval"] = "train"
    """The reference's loop puts the teacher's BatchNorm back into train mode; eval is the clean
    option."""
    feature_weight: float = 7e-5
    logit_weight: float = 0.1
    """The second stage has 1."""
    feature_reduction: Literal["sum", "mean"] = "sum"
    """Over channels and positions; the paper's formula has the mean."""
    logit_reduction: Literal["sum", "mean"] = "mean"
    """Over keypoints; the paper's formula has the sum."""
    decay: bool = True
    """Multiply the distillation losses by 1 - epoch / epochs; the second stage does not."""


@dataclass(frozen=True)
class Validation:
    """Evaluation during training, with the averaged weights; the best ones are kept in best.pt."""

    data: str = ""
    """What ``python -m train evaluate --data`` takes, or ANNOTATIONS@IMAGES; empty: none."""
    boxes: str = ""
    """Person detections (COCO results); empty: annotated boxes."""
    every_epochs: int = 10
    flip_test: bool = True


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    name: str
    model: str
    """Size of the trained network, see ``dwpose_annotator.models.POSE_CONFIGS``."""
    objective: ObjectiveName
    data: tuple[DataEntry, ...] = ()
    """Folders with ``train.json[.gz]`` and ``images/``, annotation files (``images/`` beside them)
    or ``ANNOTATIONS@IMAGES``. All are concatenated; with a number each, ``(("real", 0.7), ("synth",
    0.3))``, they are mixed in these shares."""
    hidden_points: bool = True
    """Whether points labelled as hidden (v = 1) count in the ground-truth loss, as published."""
    epochs: int = 270
    epoch_samples: int | None = None
    """Samples that count as an epoch; None: the whole data set."""
    batch_size: int = 64
    """Per process."""
    loss_batch: int = 64
    """The ground-truth loss is summed over this many people: the reference sums over each GPU's
    batch. Having its own number keeps gradients and clipping the same however a batch is split."""
    input_scale: float = 1.0
    """Crops are cut at this fraction of the network's input size (0.5: 128x96)."""
    init: str = ""
    """Checkpoint to start from (entries that fit by name and shape are taken)."""
    frozen: tuple[str, ...] = ()
    """Backbone parts that stay as ``init`` left them: ``("stem", "stage1")``."""
    optim: Optimisation = field(default_factory=Optimisation)
    ema_momentum: float = 2e-4
    ema_gamma: int = 2000
    """Exponential-momentum EMA: momentum and time constant in steps. Source: DWPose configs."""
    phases: tuple[tuple[int, Augmentation], ...] = ((0, Augmentation()),)
    part_weights: PartWeights = field(default_factory=PartWeights)
    distill: Distillation = field(default_factory=Distillation)
    validation: Validation = field(default_factory=Validation)
    precision: Literal["no", "bf16", "fp16"] = "no"
    seed: int = 21
    workers: int = 10
    """Loading processes per training process."""
    cache_images: bool = True
    """Decode everything once into a file of raw pixels; turn off where that is too large."""
    checkpoint_minutes: float = 8.0
    log_steps: int = 50
    tensorboard: bool = False


def set_option(config: TrainConfig, assignment: str) -> TrainConfig:
    """Apply one ``key=value`` (dots reach into nested groups: ``optim.lr=1e-3``).

    Values are Python literals; anything else is taken as a string.

    Raises:
        ValueError: no such field, or no ``=``.
    """
    path, separator, text = assignment.partition("=")
    if not separator:
        raise ValueError(f"--set takes key=value, got {assignment!r}")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    replaced: TrainConfig = _replace(config, path.split("."), value, path)
    return replaced


def _replace(owner: Any, keys: list[str], value: Any, path: str) -> Any:
    names = [f.name for f in dataclasses.fields(owner)]
    if keys[0] not in names:
        raise ValueError(f"--set {path}: no field {keys[0]!r}; there are {', '.join(names)}")
    if len(keys) > 1:
        value = _replace(getattr(owner, keys[0]), keys[1:], value, path)
    return dataclasses.replace(owner, **{keys[0]: _as_tuple(value)})


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list | tuple) else value


def data_shares(entries: Sequence[DataEntry]) -> tuple[list[str], list[float] | None]:
    """Paths of the ``data`` entries and their shares, which add up to 1 (None: concatenate).

    Raises:
        ValueError: no entry, shares that are not positive, or entries with and without a share.
    """
    if not entries:
        raise ValueError("the configuration names no data; add --set 'data=[\"FOLDER\"]'")
    shares = [float(entry[1]) for entry in entries if not isinstance(entry, str)]
    paths = [entry if isinstance(entry, str) else entry[0] for entry in entries]
    if not shares:
        return paths, None
    if len(shares) != len(paths) or min(shares) <= 0:
        raise ValueError(f"give every data entry a positive share, or none: {list(entries)}")
    return paths, [share / sum(shares) for share in shares]


def annotation_and_images(entry: str) -> tuple[Path, Path]:
    """Annotation file and image folder of one ``data`` entry.

    Raises:
        FileNotFoundError: neither a folder with train.json[.gz] nor a file.
    """
    annotations, separator, images = entry.partition("@")
    path = Path(annotations)
    if path.is_file():
        return path, Path(images) if separator else path.parent / "images"
    for name in ("train.json.gz", "train.json"):
        if (path / name).is_file():
            return path / name, path / "images"
    raise FileNotFoundError(
        f"{entry}: expected a folder with train.json[.gz], an annotation file, or "
        "ANNOTATIONS@IMAGES"
    )
