"""Evaluation while training: whole AP of the averaged model on a labelled set."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from dwpose_annotator.models import PoseModel
from train.config import TrainConfig
from train.evaluation.eval_set import EvalSet, find_eval_sets
from train.evaluation.measure import measure
from train.evaluation.person_boxes import PersonBoxes, boxes_from_file

if TYPE_CHECKING:
    from train.run import Run


@dataclass(frozen=True)
class Validator:
    """Measures a network every few epochs.

    Attributes:
        sets: labelled images; their AP is averaged.
        boxes: detections for each set; None means annotated boxes.
    """

    sets: tuple[EvalSet, ...]
    boxes: tuple[PersonBoxes | None, ...]
    every_epochs: int
    flip_test: bool

    @classmethod
    def from_config(cls, config: TrainConfig) -> Validator | None:
        """The validator that the configuration asks for, if it does.

        Raises:
            FileNotFoundError, ValueError: the data or the boxes cannot be used.
        """
        options = config.validation
        if not options.data:
            return None
        annotations, _, images = options.data.partition("@")
        sets = find_eval_sets(Path(annotations), image_dir=Path(images) if images else None)
        boxes = [boxes_from_file(Path(options.boxes), s) if options.boxes else None for s in sets]
        return cls(tuple(sets), tuple(boxes), options.every_epochs, options.flip_test)

    def is_due(self, run: Run) -> bool:
        """After every ``every_epochs``-th epoch, and after the last one."""
        if run.step % run.steps_per_epoch:
            return False
        return run.epoch % self.every_epochs == 0 or run.step == run.total_steps

    def measure(self, model: nn.Module) -> dict[str, float]:
        """``val_ap`` and ``val_ar`` of the whole body (or the only labelled part), per part too."""
        from dwpose_annotator.estimate import PoseEstimator
        from dwpose_annotator.session import TorchSession

        if not isinstance(model, PoseModel):
            raise ValueError("only SimCC networks can be validated; heatmap pre-training cannot")
        width, height = model.config.crop_wh
        device = str(next(model.parameters()).device)
        session = TorchSession(copy.deepcopy(model), (None, 3, height, width), device=device)
        estimator = PoseEstimator(session, flip_test=self.flip_test)
        totals: dict[str, float] = {}
        for eval_set, boxes in zip(self.sets, self.boxes, strict=True):
            result = measure(estimator, eval_set, boxes=boxes, progress=False)
            for part, ap in result.ap.items():
                key = f"val_{eval_set.name}_{part}_ap"
                totals[key] = ap.metrics["AP"]
            whole = result.ap[result.parts[-1]].metrics
            for name in ("AP", "AR"):
                key = f"val_{name.lower()}"
                totals[key] = totals.get(key, 0.0) + whole[name] / len(self.sets)
        return totals
