"""Losses and their gradients against the reference's, in float64 and float32."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dwpose_annotator import simcc
from train.distill import feature_loss, logit_loss
from train.losses import SimCCLoss, simcc_kl

CASES = ("small", "full")
DTYPES = (torch.float64, torch.float32)
VALUE_TOLERANCE = {torch.float64: {"rel": 0, "abs": 1e-9}, torch.float32: {"rel": 1e-5}}
STORED_FOR_FULL = slice(None, None, 32)  # keypoints whose gradients the set keeps


@pytest.fixture(scope="module")
def golden(parity_dir):
    values = json.loads((parity_dir / "losses" / "values.json").read_text())
    assert set(values) == set(CASES)
    for case in CASES:
        with np.load(parity_dir / "losses" / f"{case}.npz") as file:
            values[case] |= dict(file)
    return values


@pytest.fixture(scope="module")
def raw_inputs(recreate, parity_seed):
    return {case: recreate.loss_inputs(parity_seed, case, simcc.encode) for case in CASES}


class Inputs:
    """Tensors of one case; the student's and the align layer's take gradients."""

    def __init__(self, raw, dtype):
        def tensor(value, *, trained=False):
            return torch.from_numpy(np.asarray(value)).to(dtype).requires_grad_(trained)

        self.student = tuple(tensor(v, trained=True) for v in raw["student"])
        self.teacher = tuple(tensor(v) for v in raw["teacher"])
        self.labels = (tensor(raw["label_x"]), tensor(raw["label_y"]))
        self.weights = tensor(raw["weights"])
        self.features = tensor(raw["feat_s"], trained=True)
        self.teacher_features = tensor(raw["feat_t"])
        self.align_w, self.align_b = (tensor(raw[f"align_{k}"], trained=True) for k in "wb")

    def kpt(self):
        """Ground-truth loss as the head composes it."""
        axes = zip(self.student, self.labels, strict=True)
        losses = [simcc_kl(logits, labels, self.weights) for logits, labels in axes]
        return sum(losses) / self.weights.shape[1]

    def fea(self):
        aligned = F.conv2d(self.features, self.align_w, self.align_b)
        return feature_loss(aligned, self.teacher_features)

    def fea_noalign(self):
        return feature_loss(self.features[:, :4], self.teacher_features[:, :4])


def _expected(golden, case, name, dtype):
    return golden[case][f"values_{str(dtype).removeprefix('torch.')}"][name]


def _assert_gradient(found, golden, case, name, dtype):
    """Stored whole for the small case; some keypoints and the norm for the full one."""
    stored, found = golden[case], found.detach().double().numpy()
    if name in stored:
        expected, part = stored[name], found
    elif f"{name}_sub" in stored:
        expected, part = stored[f"{name}_sub"], found[:, STORED_FOR_FULL]
    else:
        expected = part = None
    if expected is not None:
        # The full case keeps its gradients as float32.
        exact = dtype == torch.float64 and expected.dtype == np.float64
        limit = 1e-9 if exact else 1e-4 * np.abs(expected).max()
        assert np.abs(part - expected).max() <= limit
    norm = stored.get(f"norm_{name}")
    assert expected is not None or norm is not None
    if norm is not None:
        relative = 1e-9 if dtype == torch.float64 else 1e-4
        assert np.linalg.norm(found) == pytest.approx(float(norm), rel=relative)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_ground_truth_loss(case, dtype, golden, raw_inputs):
    inputs = Inputs(raw_inputs[case], dtype)
    loss = inputs.kpt()
    loss.backward()

    expected = _expected(golden, case, "loss_kpt", dtype)
    assert loss.item() == pytest.approx(expected, **VALUE_TOLERANCE[dtype])
    for axis, logits in zip("xy", inputs.student, strict=True):
        _assert_gradient(logits.grad, golden, case, f"g_kpt_{axis}", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_logit_loss(case, dtype, golden, raw_inputs):
    inputs = Inputs(raw_inputs[case], dtype)
    loss = logit_loss(inputs.student, inputs.teacher, weight=0.1)
    loss.backward()

    expected = _expected(golden, case, "loss_logit_w0.1", dtype)
    assert loss.item() == pytest.approx(expected, **VALUE_TOLERANCE[dtype])
    whole = logit_loss(inputs.student, inputs.teacher, weight=1).item()
    expected = _expected(golden, case, "loss_logit_w1", dtype)
    assert whole == pytest.approx(expected, **VALUE_TOLERANCE[dtype])
    for axis, logits in zip("xy", inputs.student, strict=True):
        _assert_gradient(logits.grad, golden, case, f"g_logit_{axis}", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_feature_loss(case, dtype, golden, raw_inputs):
    inputs = Inputs(raw_inputs[case], dtype)
    loss = inputs.fea()
    loss.backward()

    expected = _expected(golden, case, "loss_fea", dtype)
    assert loss.item() == pytest.approx(expected, **VALUE_TOLERANCE[dtype])
    gradients = {"feat": inputs.features, "w": inputs.align_w, "b": inputs.align_b}
    for name, tensor in gradients.items():
        _assert_gradient(tensor.grad, golden, case, f"g_fea_{name}", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_feature_loss_without_align_layer(case, dtype, golden, raw_inputs):
    inputs = Inputs(raw_inputs[case], dtype)
    loss = inputs.fea_noalign()
    loss.backward()

    expected = _expected(golden, case, "loss_fea_noalign", dtype)
    assert loss.item() == pytest.approx(expected, **VALUE_TOLERANCE[dtype])
    _assert_gradient(inputs.features.grad[:, :4], golden, case, "g_fea_noalign", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_first_stage_total_decays(case, dtype, golden, raw_inputs):
    inputs = Inputs(raw_inputs[case], dtype)
    labelled = inputs.kpt().item()
    distilled = (inputs.fea() + logit_loss(inputs.student, inputs.teacher, weight=0.1)).item()
    totals = {
        int(name.removeprefix("S1_total_epoch")): value
        for name, value in golden[case]["values_float64"].items()
        if name.startswith("S1_total_epoch")
    }
    assert len(totals) >= 3
    for epoch, expected in totals.items():
        total = labelled + (1 - epoch / 270) * distilled
        tolerance = VALUE_TOLERANCE[dtype]
        assert total == pytest.approx(expected, **tolerance)


def test_table_loss_equals_the_reference_on_the_full_case(golden, raw_inputs):
    raw = raw_inputs["full"]
    crop_wh = tuple(golden["full"]["input_size_wh"])
    inputs = Inputs(raw, torch.float32)
    labels = np.concatenate([raw["keypoints"], raw["visible"][..., None]], axis=-1)
    loss = SimCCLoss(crop_wh)(*inputs.student, torch.from_numpy(labels))
    loss.backward()

    expected = _expected(golden, "full", "loss_kpt", torch.float32)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    for axis, logits in zip("xy", inputs.student, strict=True):
        _assert_gradient(logits.grad, golden, "full", f"g_kpt_{axis}", torch.float32)
