"""The detector's loss: task-aligned assignment, soft-target cross entropy and GIoU.

Source: TOOD (Feng et al. 2021) for the assignment; its normalised alignment is the score target, so
that the score says how well the box fits.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dwpose_annotator.detect import make_grid
from dwpose_annotator.models.person_detector import PersonDetector
from train.detector.labels import UNKNOWN, boxes_of
from train.objectives import Objective

TOP_K = 13  # candidates per person; TOOD's table 7
ALPHA, BETA = 1.0, 6.0  # alignment = score^alpha * iou^beta; TOOD, section 3.2
BOX_WEIGHT = 2.0  # TOOD, section 4.1


def decode_boxes(rows: Tensor, cells: Tensor, strides: Tensor) -> Tensor:
    """(..., R, 4) raw rows -> xyxy canvas pixels; ``detect.decode_rows`` with a gradient."""
    centre = (rows[..., :2] + cells) * strides
    half = rows[..., 2:4].clamp(max=6.0).exp() * strides / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def paired_iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and GIoU of boxes that broadcast against each other, (..., 4) xyxy."""
    size = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(0)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    overlap, outer = size.prod(-1), hull.prod(-1).clamp(min=1e-6)
    area = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    union = (area - overlap).clamp(min=1e-6)
    iou = overlap / union
    return iou, iou - (outer - union) / outer


def inside_each(points: Tensor, boxes: Tensor) -> Tensor:
    """(R, n) whether each of (R, 2) points lies in each of (n, 4) xyxy boxes."""
    return ((points[:, None] > boxes[None, :, :2]) & (points[:, None] < boxes[None, :, 2:])).all(-1)


def inside_any(points: Tensor, boxes: Tensor) -> Tensor:
    """(R,) whether each of (R, 2) points lies in one of (n, 4) xyxy boxes."""
    return inside_each(points, boxes).any(dim=1)


@torch.no_grad()
def assign(score: Tensor, boxes: Tensor, centres: Tensor, people: Tensor) -> tuple[Tensor, Tensor]:
    """Which person each row is responsible for, and the score it should give.

    Args:
        score: (R,) predicted scores in [0, 1].
        boxes: (R, 4) predicted xyxy.
        centres: (R, 2) cell centres in canvas pixels.
        people: (n, 4) labelled xyxy, n >= 1.

    Returns:
        (R,) index of the person, -1 for none; (R,) target score, 0 for none.
    """
    inside = inside_each(centres, people)
    iou, _ = paired_iou(boxes[:, None], people[None])
    alignment = score[:, None].pow(ALPHA) * iou.pow(BETA) * inside
    # A row counts only among the best of its person; ties at zero are broken by distance.
    distance = (centres[:, None] - (people[None, :, :2] + people[None, :, 2:]) / 2).norm(dim=-1)
    ranking = alignment - 1e-9 * distance - 1e3 * ~inside
    best = ranking.topk(min(TOP_K, len(centres)), dim=0).indices
    candidate = torch.zeros_like(inside).scatter_(0, best, True) & inside
    owner = torch.where(candidate, iou + 1e-6, -1.0).max(dim=1)
    index = torch.where(owner.values > 0, owner.indices, -1)
    mine = candidate & (index[:, None] == torch.arange(len(people), device=index.device))
    aligned = torch.where(mine, alignment, 0.0)
    peak = aligned.amax(dim=0).clamp(min=1e-9)
    best_iou = torch.where(mine, iou, 0.0).amax(dim=0)
    target = (aligned / peak * best_iou).amax(dim=1)
    return index, target


class DetectorObjective(Objective):
    """Losses of square pictures.

    ``freeze_early`` keeps the stem and the first stage as the pose training left them: the layers
    with the largest maps cost most of the backward pass and have the least to learn.
    """

    def __init__(self, model: PersonDetector, *, freeze_early: bool = True) -> None:
        super().__init__()
        self.model = model
        if freeze_early:
            self.freeze([model.backbone.stem, model.backbone.stage1])

    def forward(
        self,
        crops: Tensor,
        labels: Tensor,
        epoch: int,
        epochs: int,
    ) -> dict[str, Tensor]:
        """Losses of (N, S, S, 3) uint8 RGB pictures and (N, MAX_BOXES, 5) labels."""
        assert isinstance(self.model, PersonDetector)
        rows = self.model.forward_logits(crops.flip(-1).permute(0, 3, 1, 2).float())
        with torch.autocast(crops.device.type, enabled=False):
            return detector_losses(rows.float(), labels, crops.shape[1])


def grid_of(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """``detect.make_grid`` of a square picture: cells (R, 2) and strides (R, 1)."""
    cells, strides = make_grid((size, size))
    return torch.from_numpy(cells).float().to(device), torch.from_numpy(strides).float().to(device)


def detector_losses(rows: Tensor, labels: Tensor, size: int) -> dict[str, Tensor]:
    """Score and box loss of (N, R, 5) raw rows, each divided by the sum of target scores."""
    cells, strides = grid_of(size, rows.device)
    boxes = decode_boxes(rows, cells, strides)
    centres = (cells + 0.5) * strides
    target = torch.zeros_like(rows[..., 4])
    known = torch.ones_like(target)
    box_loss = rows.new_zeros(())
    for n, (people, unknown) in enumerate(
        zip(boxes_of(labels), boxes_of(labels, UNKNOWN), strict=True)
    ):
        # Inside a person's box every row is known to be that person's or nobody's.
        known[n] = (~inside_any(centres, unknown) | inside_any(centres, people)).float()
        if not len(people):
            continue
        owner, target[n] = assign(rows[n, :, 4].sigmoid(), boxes[n], centres, people)
        chosen = owner >= 0
        _, giou = paired_iou(boxes[n][chosen], people[owner[chosen]])
        box_loss = box_loss + ((1 - giou) * target[n][chosen]).sum()
    total = target.sum().clamp(min=1.0)
    score_loss = F.binary_cross_entropy_with_logits(rows[..., 4], target, reduction="none")
    # Quality focal weighting keeps thousands of easy background rows from drowning the rest.
    weight = (rows[..., 4].detach().sigmoid() - target).abs().square()
    return {
        "loss_score": (score_loss * weight * known).sum() / total * 4,
        "loss_box": BOX_WEIGHT * box_loss / total,
    }
