"""Train every arm of an experiment with every seed, measure all of them, tabulate and plot.

Experiments run at half resolution (128x96), where a CPU trains two to three times as many crops in
the same time; the networks are measured at that resolution too.
"""

from __future__ import annotations

import io
import json
import logging
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from dwpose_annotator.estimate import PoseEstimator
from dwpose_annotator.files import write_atomic
from dwpose_annotator.models import PoseModel
from dwpose_annotator.session import TorchSession
from train.config import DataEntry, Optimisation, PartWeights, TrainConfig
from train.engine import train
from train.evaluation.eval_set import EvalSet
from train.evaluation.measure import measure
from train.evaluation.run_model import load_pose_checkpoint
from train.objectives import full_size_features
from train.transforms import Augmentation

log = logging.getLogger(__name__)

Figures = dict[str, float]
MIDDLE = Augmentation(
    half_body=0.1, rotate=0.4, rotation_deg=30, scale_range=(0.75, 1.25), dropout=0.3
)


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        name: in tables and folders.
        stages: one after the other; given the folder of this arm and seed, each makes its
            configuration, which may start from ``folder / "stage1" / "model.pt"`` and so on.
    """

    name: str
    stages: tuple[Callable[[Path], TrainConfig], ...]


def half_size_config(
    name: str, *, data: Sequence[DataEntry], init: Path, epochs: int
) -> TrainConfig:
    """A fresh head on a heatmap-pretrained backbone, 1,536 crops an epoch, rate falling from half
    of the run on; fits one CPU core."""
    return TrainConfig(
        name=name,
        model="t",
        objective="supervised",
        data=tuple(data),
        init=str(init),
        epochs=epochs,
        epoch_samples=1536,
        batch_size=64,
        input_scale=0.5,
        optim=Optimisation(
            lr=6e-4, warmup_steps=24, cosine_epochs=(epochs / 2, epochs), clip_norm=5.0
        ),
        ema_momentum=5e-3,
        ema_gamma=50,
        phases=((0, MIDDLE),),
        part_weights=PartWeights(body=3.0, feet=2.0, face=0.5, hands=1.0),
        precision="bf16",
        workers=1,
        log_steps=24,
    )


class HalfSize(nn.Module):
    """A pose network that is fed crops of its full size and looks at them at half of it."""

    def __init__(self, model: PoseModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        features = full_size_features(self.model, F.avg_pool2d(crops, 2))
        x, y = self.model.forward_head(features)
        return x, y


def measure_half_size(checkpoint: Path, sets: Sequence[EvalSet]) -> Figures:
    """AP, AR and point metrics by ``set metric/part``, with ground-truth boxes."""
    model, _ = load_pose_checkpoint(checkpoint)
    width, height = model.config.crop_wh
    session = TorchSession(HalfSize(model), (None, 3, height, width), device="cpu")
    estimator = PoseEstimator(session)
    figures: Figures = {}
    for eval_set in sets:
        result = measure(estimator, eval_set, progress=False)
        for part, ap in result.ap.items():
            figures[f"{eval_set.name} AP/{part}"] = ap.metrics["AP"]
        for name, estimate in result.points.items():
            figures[f"{eval_set.name} {name}"] = estimate.value
    return figures


def run_arms(
    arms: Sequence[Arm], seeds: Sequence[int], out: Path, *, cache: Path, sets: Sequence[EvalSet]
) -> dict[str, dict[int, Figures]]:
    """Train and measure what ``out/results.json`` does not hold yet; figures by arm and seed.

    Seeds are the outer loop, so that every arm has a figure as early as possible.
    """
    file = out / "results.json"
    stored = json.loads(file.read_text()) if file.is_file() else {}
    for seed in seeds:
        for arm in arms:
            if str(seed) in stored.get(arm.name, {}):
                continue
            folder = out / f"{arm.name}_{seed}"
            start = time.monotonic()
            for number, stage in enumerate(arm.stages, start=1):
                train(replace(stage(folder), seed=seed), folder / f"stage{number}", cache_dir=cache)
            minutes = (time.monotonic() - start) / 60
            last = folder / f"stage{len(arm.stages)}" / "model.pt"
            figures = {**measure_half_size(last, sets), "minutes": minutes}
            log.info("%s, seed %d: %s", arm.name, seed, figures)
            stored.setdefault(arm.name, {})[str(seed)] = figures
            text = json.dumps(stored, indent=1) + "\n"
            write_atomic(file, lambda stream, text=text: stream.write(text.encode()))
    return {arm: {int(s): figures for s, figures in by.items()} for arm, by in stored.items()}


def to_table(results: Mapping[str, Mapping[int, Figures]], columns: Mapping[str, str]) -> str:
    """Markdown: mean and, in brackets, the lowest and highest seed.

    Args:
        columns: figure -> heading.
    """
    lines = [
        "| arm | seeds | " + " | ".join(columns.values()) + " |",
        "| --- " * (len(columns) + 2) + "|",
    ]
    for arm, by_seed in results.items():
        cells = []
        for figure in columns:
            values = [figures[figure] for figures in by_seed.values() if figure in figures]
            spread = f" [{min(values):.3f}, {max(values):.3f}]" if len(values) > 1 else ""
            cells.append(f"{statistics.fmean(values):.3f}{spread}" if values else "-")
        lines.append(f"| {arm} | {len(by_seed)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_plot(
    results: Mapping[str, Mapping[int, Figures]], columns: Mapping[str, str], path: Path
) -> None:
    """A panel per figure: a dot per seed, a bar at the mean of each arm."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(columns), 3.2), layout="constrained")
    for position, (name, heading) in enumerate(columns.items(), start=1):
        axes = figure.add_subplot(1, len(columns), position)
        axes.set_title(heading, fontsize=10)
        for place, by_seed in enumerate(results.values()):
            values = [figures[name] for figures in by_seed.values() if name in figures]
            axes.bar(place, statistics.fmean(values), color=f"C{place}", alpha=0.35)
            axes.plot([place] * len(values), values, "o", color=f"C{place}")
        axes.set_xticks(range(len(results)), list(results), rotation=20, fontsize=8)
        axes.grid(axis="y", alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomic(path, lambda stream: stream.write(buffer.getvalue()))
