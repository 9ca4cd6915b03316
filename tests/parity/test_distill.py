"""One training step of both stages, and what they predict, against the authors' own distiller."""

from __future__ import annotations

import copy
import json
import re

import numpy as np
import pytest
import torch
from torch import nn

from dwpose_annotator import simcc, skeleton
from dwpose_annotator.models import build_pose_model
from dwpose_annotator.types import SimCC
from train.config import Distillation
from train.distill import Stage1, Stage2
from train.objectives import normalise

STAGES = ("S1", "S2")
BN_MODES = ("teacher_eval", "teacher_train")
PREDICTED = 2  # images that the set keeps predictions of


@pytest.fixture(scope="module")
def golden(parity_dir):
    values = json.loads((parity_dir / "distill" / "step.json").read_text())
    with np.load(parity_dir / "distill" / "step.npz") as file:
        return values | dict(file)


@pytest.fixture(scope="module")
def inputs(recreate, parity_seed):
    images, keypoints, visible = recreate.distill_inputs(parity_seed)
    labels = np.concatenate([keypoints, visible[..., None]], axis=-1)
    return torch.from_numpy(images), torch.from_numpy(labels)


def _fill(module, prefix, golden, stage, recreate):
    """Load the set's weights, which are named by prefix and key, into a network or layer."""
    gain = golden[stage]["gains"][prefix.partition(".")[0]]
    state = {
        key: torch.from_numpy(
            np.asarray(recreate.weight(prefix + key, tuple(value.shape), golden["seed"], gain))
        )
        for key, value in module.state_dict().items()
    }
    module.load_state_dict(state)
    return module


@pytest.fixture(scope="module")
def networks(golden, recreate):
    """Student and teacher of each stage, and the first stage's align layer; to be copied."""
    made = {}
    for stage in STAGES:
        student, teacher = (
            _fill(build_pose_model(golden[stage][who]), f"{who}.", golden, stage, recreate)
            for who in ("student", "teacher")
        )
        align = nn.Conv2d(student.backbone.widths[-1], teacher.backbone.widths[-1], 1)
        if stage == "S1":
            _fill(align, "distill_losses.loss_fea.align.", golden, stage, recreate)
        made[stage] = student, teacher, align
    return made


def _objective(stage, bn_mode, golden, networks):
    student, teacher, align = copy.deepcopy(networks[stage])
    teacher_bn = bn_mode.removeprefix("teacher_")
    if stage == "S1":
        options = Distillation(teacher_bn=teacher_bn)
        # The reference sums the ground-truth loss over the batch of each GPU.
        objective = Stage1(student, teacher, options, loss_batch=len(golden["keypoints"]))
        objective.align.load_state_dict(align.state_dict())
        return objective.train()
    options = Distillation(teacher_bn=teacher_bn, logit_weight=1, decay=False)
    return Stage2(student, teacher, options).train()


def _named_gradients(objective):
    """Gradients by the name that the authors' distiller gives the parameter."""
    found = {}
    for key, parameter in objective.named_parameters():
        name = re.sub(r"^model\.", "student.", key)
        name = re.sub(r"^align\.", "distill_losses.loss_fea.align.", name)
        if parameter.grad is not None:
            found[name] = parameter.grad
    return found


def _buffer(objective, stage, name):
    owner, _, key = name.partition(".")
    if stage == "S1":
        network = objective.teacher.network if owner == "teacher" else objective.model
        return network.get_buffer(key)
    assert owner == "teacher"  # its backbone is the trained network's
    return objective.model.get_buffer(key)


def _epoch(run_name):
    return int(run_name.rpartition("epoch")[2])


@pytest.mark.parametrize("bn_mode", BN_MODES)
@pytest.mark.parametrize("stage", STAGES)
def test_step(stage, bn_mode, golden, inputs, networks):
    runs = {name: run for name, run in golden[stage]["runs"].items() if name.startswith(bn_mode)}
    assert runs
    for name, run in runs.items():
        objective = _objective(stage, bn_mode, golden, networks)
        losses = objective(*inputs, _epoch(name), run["max_epochs"])
        expected = {key: value for key, value in run["losses"].items() if "loss" in key}
        values = {key: value.item() for key, value in losses.items()}
        assert values == pytest.approx(expected, rel=1e-4)
        total = sum(losses.values())
        assert total.item() == pytest.approx(run["total"], rel=1e-4)

        total.backward()
        gradients = _named_gradients(objective)
        assert len(gradients) == run["n_params_with_grad"]
        norms = {key: gradient.norm().item() for key, gradient in gradients.items()}
        whole = np.sqrt(sum(norm**2 for norm in norms.values()))
        assert whole == pytest.approx(run["grad_total_norm"], rel=2e-3)
        if _epoch(name) == 0:
            _assert_stored_arrays(objective, gradients, golden, stage, bn_mode)


def _assert_stored_arrays(objective, gradients, golden, stage, bn_mode):
    prefix = f"{stage}_{bn_mode}"
    expected_norms = dict(
        zip(golden[stage]["grad_names"], golden[f"{prefix}_grad_norms"].tolist(), strict=True)
    )
    assert gradients.keys() == expected_norms.keys()
    largest = max(expected_norms.values())
    for key, expected in expected_norms.items():
        found = gradients[key].norm().item()
        assert found == pytest.approx(expected, rel=2e-3, abs=1e-6 * largest), key

    for key, expected in golden.items():
        if key.startswith(f"{prefix}_grad:"):
            found = gradients[key.partition(":")[2]].flatten()[: expected.size].numpy()
            np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max(), rtol=0)
        if key.startswith(f"{prefix}_after:"):
            name = key.partition(":")[2]
            if stage == "S2" and name.startswith("student.backbone"):
                continue  # the authors keep the student's own backbone, idle; ours has none
            found = _buffer(objective, stage, name).numpy()
            np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stage", STAGES)
def test_prediction(stage, golden, inputs, networks):
    """What is exported: the student, or the teacher's backbone with the student's head."""
    model = _objective(stage, "teacher_eval", golden, networks).model.eval()
    images = normalise(inputs[0][:PREDICTED])
    with torch.no_grad():
        plain, mirrored = (
            SimCC(x.numpy(), y.numpy(), simcc.SPLIT_RATIO)
            for x, y in (model(images), model(images.flip(-1)))
        )
    xy, score = simcc.decode(simcc.merge_flip(plain, mirrored, skeleton.FLIP_INDEX))

    np.testing.assert_allclose(score, golden[f"{stage}_predict_scores"], atol=1e-4)
    moved = np.abs(xy - golden[f"{stage}_predict_keypoints"]).max(axis=-1) > 1e-3
    assert moved.mean() <= 0.01  # near ties of two bins, of which the set stores no margin


def test_nothing_of_the_teacher_is_kept_or_trained(golden, networks):
    stage1 = _objective("S1", "teacher_train", golden, networks)
    stage2 = _objective("S2", "teacher_train", golden, networks)
    for stage, objective in (("S1", stage1), ("S2", stage2)):
        size = golden[stage]["student"]
        assert objective.model.state_dict().keys() == build_pose_model(size).state_dict().keys()
        own = {id(parameter) for parameter in objective.parameters()}
        for companion in objective.companions():
            assert not any(parameter.requires_grad for parameter in companion.parameters())
            assert own.isdisjoint(id(parameter) for parameter in companion.parameters())
    trained = sum(parameter.requires_grad for parameter in stage1.parameters())
    assert trained == golden["S1"]["trainable"]
