"""The fast losses equal the plain ones, in value and gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dwpose_annotator import simcc
from dwpose_annotator.models import build_pose_model
from train.config import Distillation
from train.distill import Stage1, Stage2, Teacher, feature_loss, logit_loss
from train.losses import SimCCLoss, heatmap_cross_entropy, simcc_kl
from train.objectives import SupervisedPose, part_weights

SIZES = [(192, 256), (288, 384)]


def _points(rng, crop_wh, count=40):
    """Points in the crop, at its edges and far outside, in half and odd fractions of a bin."""
    width, height = crop_wh
    spread = rng.uniform(-1.3, 2.3, (2, count, 2)) * crop_wh
    spread[0, :6] = [
        (-7.6, 9),
        (-7.2, 9),
        (width + 7.1, 9),
        (9, height + 8.3),
        (0.25, 0.75),
        (0, 0),
    ]
    return spread.astype(np.float32)


@pytest.mark.parametrize("crop_wh", SIZES)
def test_table_loss_equals_the_plain_one(crop_wh):
    rng = np.random.default_rng(0)
    xy = _points(rng, crop_wh)
    visible = (rng.random(xy.shape[:2]) < 0.8).astype(np.float32)
    label_x, label_y, weight = simcc.encode(xy, visible, crop_wh)
    assert 0 < weight.sum() < visible.sum()  # some are too far outside

    def logits():
        torch.manual_seed(1)
        return [torch.randn(*xy.shape[:2], 2 * s, requires_grad=True) for s in crop_wh]

    fast, plain = logits(), logits()
    labels = torch.from_numpy(np.concatenate([xy, visible[..., None]], axis=-1))
    loss = SimCCLoss(crop_wh)(*fast, labels)
    reference = (
        sum(
            simcc_kl(z, torch.from_numpy(label), torch.from_numpy(weight))
            for z, label in zip(plain, (label_x, label_y), strict=True)
        )
        / xy.shape[1]
    )
    torch.testing.assert_close(loss, reference, rtol=1e-5, atol=0)
    loss.backward()
    reference.backward()
    for ours, theirs in zip(fast, plain, strict=True):
        limit = 1e-6 * float(theirs.grad.abs().max())
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=limit)


def test_part_weights_scale_their_part():
    torch.manual_seed(0)
    x, y = torch.randn(2, 133, 384), torch.randn(2, 133, 512)
    labels = torch.cat([torch.rand(2, 133, 2) * 190, torch.ones(2, 133, 1)], dim=-1)
    loss = SimCCLoss((192, 256))
    whole = loss(x, y, labels)
    parts = [
        loss(x, y, labels, part_weights(**{p: float(p == part) for p in PARTS})) for part in PARTS
    ]
    torch.testing.assert_close(sum(parts), whole)
    weighted = loss(x, y, labels, part_weights(body=3, feet=1, face=1, hands=1))
    torch.testing.assert_close(weighted, whole + 2 * parts[0])


PARTS = ("body", "feet", "face", "hands")


def test_logit_loss_gradient_is_the_true_one():
    torch.manual_seed(0)
    student = [torch.randn(2, 3, n, dtype=torch.float64, requires_grad=True) for n in (5, 7)]
    teacher = [torch.randn(2, 3, n, dtype=torch.float64) for n in (5, 7)]
    weights = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64)

    def loss(*logits):
        return logit_loss(logits, teacher, weight=0.7, part_weight=weights)

    assert torch.autograd.gradcheck(loss, tuple(student))
    log_p = [F.log_softmax(10 * z, -1) for z in student]
    target = [F.softmax(10 * z, -1) for z in teacher]
    by_hand = sum(
        (F.kl_div(p, t, reduction="none").sum(-1) * weights).sum() / 2
        for p, t in zip(log_p, target, strict=True)
    )
    torch.testing.assert_close(loss(*student), by_hand * 0.7 / 3)
    summed = logit_loss(student, teacher, weight=0.7, reduction="sum", part_weight=weights)
    torch.testing.assert_close(summed, by_hand * 0.7)


def test_logit_loss_of_half_precision():
    torch.manual_seed(0)
    student = [torch.randn(2, 3, n).bfloat16().requires_grad_() for n in (384, 512)]
    teacher = [torch.randn(2, 3, n).bfloat16() for n in (384, 512)]
    loss = logit_loss(student, teacher)
    loss.backward()
    full = logit_loss([z.float() for z in student], [z.float() for z in teacher])
    torch.testing.assert_close(loss, full)
    assert loss.dtype == torch.float32 and student[0].grad.dtype == torch.bfloat16


def test_feature_loss_reductions():
    student, teacher = torch.zeros(4, 2, 3, 5), torch.full((4, 2, 3, 5), 2.0)
    assert feature_loss(student, teacher, weight=1).item() == pytest.approx(4 * 30)
    assert feature_loss(student, teacher, weight=1, reduction="mean").item() == pytest.approx(4)
    assert feature_loss(student, teacher).item() == pytest.approx(7e-5 * 120)


def test_heatmap_loss_is_lowest_at_the_label():
    labels = torch.tensor([[[40.0, 20.0, 1.0], [8.0, 8.0, 0.0]]])

    def loss_with_peak(x, y):
        maps = torch.zeros(1, 2, 16, 16)
        maps[0, 0, y, x] = 5
        total, weight = heatmap_cross_entropy(maps, labels, stride=4, sigma=1.5)
        assert weight == 1  # the hidden point counts nothing
        return float(total)

    losses = {(x, y): loss_with_peak(x, y) for x in range(16) for y in range(16)}
    assert min(losses, key=losses.get) == (10, 5)


def _distill_inputs(seed=0):
    torch.manual_seed(seed)
    crops = torch.randint(0, 256, (2, 128, 96, 3), dtype=torch.uint8)
    labels = torch.cat([torch.rand(2, 133, 2) * 190, torch.ones(2, 133, 1)], dim=-1)
    return crops, labels


def test_ground_truth_loss_does_not_depend_on_how_the_batch_is_split():
    torch.manual_seed(0)
    objective = SupervisedPose(build_pose_model("t").eval(), loss_batch=64).eval()
    crops, labels = _distill_inputs()
    whole = objective(crops, labels, 0, 1)["loss_kpt"]
    halves = [objective(crops[i : i + 1], labels[i : i + 1], 0, 1)["loss_kpt"] for i in range(2)]
    torch.testing.assert_close(sum(halves) / 2, whole, rtol=1e-4, atol=0)


def test_first_stage_at_low_resolution_and_its_options():
    torch.manual_seed(0)
    student, teacher = build_pose_model("t"), build_pose_model("t")
    objective = Stage1(student, teacher, Distillation(teacher_bn="eval")).eval()
    assert isinstance(objective.align, nn.Identity)  # equal widths need no layer
    first = objective(*_distill_inputs(), 0, 4)
    last = objective(*_distill_inputs(), 3, 4)
    assert last["loss_kpt"] == first["loss_kpt"]
    for name in ("loss_fea", "loss_logit"):
        torch.testing.assert_close(last[name], first[name] / 4)

    options = Distillation(teacher_bn="eval", feature_weight=0, decay=False)
    fixed = Stage1(student, teacher, options).eval()
    assert fixed(*_distill_inputs(), 3, 4)["loss_logit"] == first["loss_logit"]
    assert fixed(*_distill_inputs(), 3, 4)["loss_fea"] == 0


def test_a_student_that_equals_its_teacher_has_nothing_to_learn():
    torch.manual_seed(0)
    student, teacher = build_pose_model("t"), build_pose_model("t")
    teacher.load_state_dict(student.state_dict())
    losses = Stage1(student, teacher, Distillation(teacher_bn="eval")).eval()(
        *_distill_inputs(), 0, 1
    )
    assert losses["loss_fea"] == 0 and losses["loss_logit"].abs() < 1e-6


def test_second_stage_trains_the_head_alone():
    torch.manual_seed(0)
    student, teacher = build_pose_model("t"), build_pose_model("t")
    options = Distillation(logit_weight=1, decay=False)
    drifting = Stage2(student, teacher, options).train()
    before = drifting.model.backbone.stem[0].bn.running_mean.clone()
    sum(drifting(*_distill_inputs(), 0, 1).values()).backward()
    assert not torch.equal(before, drifting.model.backbone.stem[0].bn.running_mean)
    trained = {name for name, p in drifting.named_parameters() if p.grad is not None}
    assert trained == {f"model.head.{name}" for name, _ in student.head.named_parameters()}

    still = Stage2(build_pose_model("t"), build_pose_model("t"), Distillation(teacher_bn="eval"))
    still.train()
    before = still.model.backbone.stem[0].bn.running_mean.clone()
    still(*_distill_inputs(), 0, 1)
    assert torch.equal(before, still.model.backbone.stem[0].bn.running_mean)


def test_teacher_and_student_must_fit():
    with torch.device("meta"):
        small, large = build_pose_model("l"), build_pose_model("l-384")
        other = build_pose_model("m")
    with pytest.raises(ValueError, match="same input size"):
        Stage1(small, large, Distillation())
    with pytest.raises(ValueError, match="one size"):
        Stage2(small, other, Distillation())
    assert not Teacher(small, "eval").network.training
