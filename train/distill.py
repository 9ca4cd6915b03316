"""The two distillation stages: losses against a teacher, and the objectives made of them.

The teacher stands beside the trained module, not inside it: it is in no state dict, average or
optimiser, and what a stage trains is a plain pose network from the first checkpoint on.
Source: "Effective Whole-body Pose Estimation with Two-stages Distillation" (Yang et al. 2023) and
the DWPose configs and distillers of IDEA-Research/DWPose; where they differ, the code is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dwpose_annotator.models import PoseModel
from train.config import Distillation
from train.losses import BETA, SimCCLoss, at_least_float32, divergence
from train.objectives import Objective, full_size_features, normalise

Reduction = Literal["sum", "mean"]
Logits = tuple[Tensor, Tensor]  # x (N, K, 2W) and y (N, K, 2H)


def feature_loss(
    student: Tensor, teacher: Tensor, *, weight: float = 7e-5, reduction: Reduction = "sum"
) -> Tensor:
    """Squared distance of two feature maps (N, C, h, w), mean over N.

    Args:
        weight: the configs' 7e-5; the paper prints 5e-5.
        reduction: over C, h and w. The code sums; the paper's formula has the mean.

    Source: FeaLoss of IDEA-Research/DWPose.
    """
    difference = at_least_float32(student) - at_least_float32(teacher)
    per_person = difference.square().flatten(1)
    per_person = per_person.sum(dim=1) if reduction == "sum" else per_person.mean(dim=1)
    return weight * per_person.mean()


def logit_loss(
    student: Logits,
    teacher: Logits,
    *,
    weight: float = 0.1,
    reduction: Reduction = "mean",
    part_weight: Tensor | None = None,
) -> Tensor:
    """Divergence of the student's SimCC rows from the teacher's, x and y added, mean over N.

    Every keypoint counts, visible or not.

    Args:
        weight: 0.1 in the first stage, 1 in the second.
        reduction: over the K keypoints. The code divides by K; the paper's formula does not.
        part_weight: (K,) extra weight per keypoint; the published recipe has none.

    Source: KDLoss of IDEA-Research/DWPose (sum over bins, unlike the ground-truth loss).
    """
    people, points = student[0].shape[:2]
    share = weight / people / (points if reduction == "mean" else 1)
    total = student[0].new_zeros((), dtype=at_least_float32(student[0]).dtype)
    for ours, theirs in zip(student, teacher, strict=True):
        log_target = F.log_softmax(at_least_float32(theirs.detach()) * BETA, dim=-1)
        target = log_target.exp()
        negentropy = torch.linalg.vecdot(target, log_target)
        row_weight = torch.full_like(negentropy, share)
        if part_weight is not None:
            row_weight = row_weight * part_weight
        total = total + divergence(ours, target, negentropy, row_weight)
    return total


class Teacher:
    """A trained network that is only asked; no ``nn.Module``, so that no owner registers it.

    Args:
        network: its parameters are frozen here.
        bn_mode: ``train`` normalises by batch statistics and lets the running ones drift, as the
            reference's training loop does; ``eval`` uses the statistics the teacher came with.
    """

    def __init__(self, network: nn.Module, bn_mode: Literal["train", "eval"] = "train") -> None:
        self.network = network.requires_grad_(False).train(bn_mode == "train")


def decay(options: Distillation, epoch: int, epochs: int) -> float:
    """Factor on the distillation losses in a 0-based epoch: 1 - epoch / epochs, or always 1."""
    return 1 - epoch / epochs if options.decay else 1.0


class Stage1(Objective):
    """A student learns from the labels, from a teacher's features and from its logits.

    loss = loss_kpt + r(epoch) * (loss_fea + loss_logit).

    Args:
        student: the network to train.
        teacher: a network with the same input size.
        options: weights and teacher mode.
        part_weight: (133,) loss weight per keypoint.
        loss_batch: see ``TrainConfig.loss_batch``.
    """

    def __init__(
        self,
        student: PoseModel,
        teacher: PoseModel,
        options: Distillation,
        *,
        part_weight: Tensor | None = None,
        loss_batch: int = 64,
    ) -> None:
        super().__init__()
        if student.config.crop_wh != teacher.config.crop_wh:
            raise ValueError(
                "teacher and student must have the same input size, got "
                f"{teacher.config.crop_wh} and {student.config.crop_wh} (w, h)"
            )
        self.model = student
        self.options, self.loss_batch = options, loss_batch
        self.teacher = Teacher(teacher, options.teacher_bn)
        self.loss = SimCCLoss(student.config.crop_wh)
        channels, teacher_channels = student.backbone.widths[-1], teacher.backbone.widths[-1]
        self.align = (
            nn.Identity()
            if channels == teacher_channels
            else nn.Conv2d(channels, teacher_channels, 1)
        )
        self.register_buffer("part_weight", part_weight, persistent=False)

    def companions(self) -> Sequence[nn.Module]:
        return (self.teacher.network,)

    def forward(self, crops: Tensor, labels: Tensor, epoch: int, epochs: int) -> dict[str, Tensor]:
        assert isinstance(self.model, PoseModel) and isinstance(self.teacher.network, PoseModel)
        images = normalise(crops)
        with torch.no_grad():
            teacher_features = full_size_features(self.teacher.network, images)
            teacher_logits = self.teacher.network.forward_head(teacher_features)
        features = full_size_features(self.model, images)
        x, y = self.model.forward_head(features)
        aligned = self.align(features)
        share, options = decay(self.options, epoch, epochs), self.options
        with torch.autocast(crops.device.type, enabled=False):
            labelled = self.loss(x, y, labels, self.part_weight)
            return {
                "loss_kpt": labelled * (self.loss_batch / len(crops)),
                "loss_fea": feature_loss(
                    aligned,
                    teacher_features,
                    weight=options.feature_weight * share,
                    reduction=options.feature_reduction,
                ),
                "loss_logit": logit_loss(
                    (x, y),
                    teacher_logits,
                    weight=options.logit_weight * share,
                    reduction=options.logit_reduction,
                    part_weight=self.part_weight,
                ),
            }


class Stage2(Objective):
    """A fresh head on the teacher's frozen backbone learns from the teacher's logits alone.

    ``model`` is what will be exported: the teacher's backbone with the new head. With
    ``teacher_bn="train"`` the backbone's BatchNorm statistics go on drifting with the training
    crops, and the averaged ones are exported: so the reference does.

    Args:
        student: of the teacher's size; its head is trained, its backbone replaced.
        teacher: the network of the first stage.
        options: weights and teacher mode.
        part_weight: (133,) loss weight per keypoint.
    """

    def __init__(
        self,
        student: PoseModel,
        teacher: PoseModel,
        options: Distillation,
        *,
        part_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        if student.config != teacher.config:
            raise ValueError(
                "the second stage trains a head for the teacher's own backbone: teacher and "
                f"student must have one size, got {teacher.config} and {student.config}"
            )
        student.backbone = teacher.backbone.requires_grad_(False)
        self.model = student
        self.options = options
        if options.teacher_bn == "eval":
            self.freeze([student.backbone])
        self.teacher_head = Teacher(teacher.head)
        self.register_buffer("part_weight", part_weight, persistent=False)

    def companions(self) -> Sequence[nn.Module]:
        return (self.teacher_head.network,)

    def forward(self, crops: Tensor, labels: Tensor, epoch: int, epochs: int) -> dict[str, Tensor]:
        assert isinstance(self.model, PoseModel)
        with torch.no_grad():
            features = full_size_features(self.model, normalise(crops))
            teacher_logits = self.teacher_head.network(features)
        logits = self.model.forward_head(features)
        with torch.autocast(crops.device.type, enabled=False):
            loss = logit_loss(
                logits,
                teacher_logits,
                weight=self.options.logit_weight * decay(self.options, epoch, epochs),
                reduction=self.options.logit_reduction,
                part_weight=self.part_weight,
            )
        return {"loss_logit": loss}
