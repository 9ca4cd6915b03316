"""Train the person detector (``python -m train.detector train``); run it again to resume."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from dwpose_annotator.models.person_detector import PersonDetector
from train.build import load_matching
from train.config import Optimisation, TrainConfig, annotation_and_images, set_option
from train.detector.crowd import Figures, load_figures
from train.detector.data import DetectionDataset, Photos, PicturePhase, load_photos
from train.detector.objective import DetectorObjective
from train.engine import fit
from train.loading import TrainingSet
from train.pixels import DecodedImages, decode_images
from train.run import Run, build_accelerator

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DetectorRecipe:
    """How ``person-nano`` is trained; the defaults are for one CPU core and about an hour.

    Attributes:
        phases: low resolution first, then what the shipped file runs at; single photos at the end.
        crop_sources: ``source`` entries of the cut-outs whose boxes are good enough.
        figure_sources: ``source`` entries of the cut-outs whose people are pasted in groups;
            of those in ``crop_sources``.
        crop_share: probability that a further member of a mosaic is a cut-out.
        synthetic_share: probability that a rendered picture stands in for a photo.
        freeze_early: see ``DetectorObjective``; only useful with a pretrained backbone.
        engine: everything that is not special to detection.
    """

    phases: tuple[PicturePhase, ...] = (
        PicturePhase(epoch=0, size=256, mosaic=0.6, group=0.4),
        PicturePhase(epoch=9, size=320, mosaic=0.3, group=0.5),
        PicturePhase(epoch=13, size=320, mosaic=0.0, group=0.3),
    )
    crop_sources: tuple[str, ...] = ("s40", "sports", "coco", "lspet")
    figure_sources: tuple[str, ...] = ("s40", "sports", "coco")
    crop_share: float = 0.4
    synthetic_share: float = 0.25
    freeze_early: bool = True
    engine: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            name="person-nano",
            model="t",  # the backbone's size
            objective="detector",
            epochs=14,
            batch_size=24,
            optim=Optimisation(
                lr=1e-3, warmup_steps=150, cosine_epochs=(8, 14), floor_ratio=0.05, clip_norm=10.0
            ),
            ema_momentum=1e-3,
            ema_gamma=300,
            precision="bf16",
            workers=1,
            log_steps=25,
        )
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train.detector train``."""
    parser.add_argument(
        "--photos",
        action="append",
        required=True,
        help="folder with train.json[.gz] and images/: everybody boxed; twice counts twice",
    )
    parser.add_argument(
        "--crops", action="append", default=[], help="folder of cut-outs with one boxed person each"
    )
    parser.add_argument("--synthetic", help="folder made by python -m train.synth")
    parser.add_argument("--init", type=Path, help="checkpoint of a pose network or a detector")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and log")
    parser.add_argument("--cache", type=Path, help="folder of decoded images (OUT/cache)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="TrainConfig fields"
    )
    parser.add_argument("--cpu", action="store_true", help="use the CPU even where there is a GPU")


def run(arguments: argparse.Namespace) -> None:
    """Train the recipe with the fields that ``--set`` changes."""
    recipe = DetectorRecipe()
    engine = recipe.engine
    for assignment in arguments.set:
        engine = set_option(engine, assignment)
    train_detector(
        DetectorRecipe(engine=engine),
        arguments.out,
        photos=arguments.photos,
        crops=arguments.crops,
        synthetic=arguments.synthetic,
        init=arguments.init,
        cache_dir=arguments.cache,
        cpu=arguments.cpu,
    )


def train_detector(
    recipe: DetectorRecipe,
    out: Path,
    *,
    photos: Sequence[str],
    crops: Sequence[str] = (),
    synthetic: str | None = None,
    init: Path | None = None,
    cache_dir: Path | None = None,
    cpu: bool = False,
) -> Run:
    """Train into the folder ``out``; see ``train.engine.train`` for what is written there.

    Args:
        photos, crops, synthetic: data folders, see ``add_arguments``.
        init: checkpoint to start from; entries that fit by name and shape are taken.

    Raises:
        ValueError, FileNotFoundError: the data or the checkpoint cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    accelerator = build_accelerator(recipe.engine, cpu=cpu)
    with accelerator.local_main_process_first():  # decodes; the others find it done
        dataset = load_detection_set(
            recipe, photos, crops, synthetic, cache_dir=cache_dir or out / "cache"
        )
    torch.manual_seed(recipe.engine.seed)
    model = PersonDetector()
    if init is not None:
        fresh = load_matching(model, init)
        log.info("%s: all but %d of %d entries", init, len(fresh), len(model.state_dict()))
    objective = DetectorObjective(model, freeze_early=recipe.freeze_early and init is not None)
    data = TrainingSet(dataset, (len(dataset),))
    return fit(recipe.engine, out, objective, data, accelerator)


def load_detection_set(
    recipe: DetectorRecipe,
    photos: Sequence[str],
    crops: Sequence[str],
    synthetic: str | None,
    *,
    cache_dir: Path,
) -> DetectionDataset:
    """Read annotations and decode pixels; images that cannot be read are logged and left out."""
    wholes = [load_photos(*annotation_and_images(entry)) for entry in photos]
    parts = [
        load_photos(*annotation_and_images(entry), sources=recipe.crop_sources) for entry in crops
    ]
    lists = [decode_images(part.image, cache_dir) for part in (*wholes, *parts)]
    rendered = None
    if synthetic is not None:
        rendered = load_photos(*annotation_and_images(synthetic))
        lists.append(decode_images(rendered.image, cache_dir))
    for line in (line for decoded in lists for line in decoded.broken):
        log.warning("skipped %s", line)
    places = {path: place for decoded in lists for path, place in decoded.places.items()}
    whole, cut_outs = (_joined(part.select(places) for part in some) for some in (wholes, parts))
    log.info("%d photos, %d cut-outs", len(whole), len(cut_outs))
    return DetectionDataset(
        whole,
        DecodedImages(places),
        phases=recipe.phases,
        seed=recipe.engine.seed,
        crops=cut_outs if len(cut_outs) else None,
        crop_share=recipe.crop_share,
        figures=_figures(recipe, crops, places),
        synthetic=rendered.select(places) if rendered else None,
        synthetic_share=recipe.synthetic_share,
    )


def _joined(parts: Iterable[Photos]) -> Photos:
    parts = list(parts)
    return Photos(
        tuple(path for part in parts for path in part.image),
        tuple(boxes for part in parts for boxes in part.boxes),
        tuple(areas for part in parts for areas in part.doubtful),
    )


def _figures(
    recipe: DetectorRecipe, crops: Sequence[str], usable: Container[Path]
) -> Figures | None:
    """The people of all folders of cut-outs that can be pasted."""
    parts = [
        load_figures(*annotation_and_images(entry), sources=recipe.figure_sources)
        for entry in crops
    ]
    parts = [part.select(usable) for part in parts]
    if not any(len(part) for part in parts):
        return None
    return Figures(
        tuple(path for part in parts for path in part.image),
        np.concatenate([part.box for part in parts]),
        np.concatenate([part.body for part in parts]),
    )
