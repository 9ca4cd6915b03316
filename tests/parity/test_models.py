"""Every pose network equals the reference: state dict, parameter counts, outputs."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from dwpose_annotator import crop, simcc, skeleton
from dwpose_annotator.models import build_pose_model
from dwpose_annotator.types import SimCC

SIZE_OF_FIXTURE = {"l384": "l-384", "x384": "x-384"}
# Parameters (backbone, head) of the networks that the mmpose configs build.
PARAMETERS = {
    "t": (2_348_700, 3_171_079),
    "s": (4_378_320, 4_005_255),
    "m": (12_279_432, 5_673_607),
    "l": (26_138_912, 7_341_959),
    "l384": (26_138_912, 7_472_007),
    "x": (47_569_560, 9_010_311),
    "x384": (47_569_560, 9_140_359),
}


@pytest.fixture(scope="module")
def index(parity_dir):
    return json.loads((parity_dir / "models" / "index.json").read_text())


def _reference_model(name, index, recreate):
    entry = index[name]
    model = build_pose_model(SIZE_OF_FIXTURE.get(name, name)).eval()
    digest = hashlib.sha256()
    state = {}
    for key, value in model.state_dict().items():
        weight = recreate.weight(key, tuple(value.shape), entry["seed"], entry["gain"])
        digest.update(np.asarray(weight, np.float32).tobytes())
        state[key] = torch.from_numpy(np.asarray(weight))
    assert digest.hexdigest() == entry["weights_sha256"]
    model.load_state_dict(state, strict=True)
    return model, entry


def _inputs(entry, recreate):
    images = recreate.model_images(entry["seed"], tuple(entry["input_hw"]))
    assert [hashlib.sha256(i.tobytes()).hexdigest() for i in images] == entry["image_sha256"]
    return recreate.normalise(images)


def test_state_dict_is_the_official_one(model_name, parity_dir):
    keys = json.loads((parity_dir / "models" / f"keys_{model_name}.json").read_text())
    model = build_pose_model(SIZE_OF_FIXTURE.get(model_name, model_name))
    ours = [
        [key, list(value.shape), str(value.dtype).removeprefix("torch.")]
        for key, value in model.state_dict().items()
    ]
    assert sorted(ours) == sorted(keys)
    counts = tuple(
        sum(p.numel() for p in part.parameters()) for part in (model.backbone, model.head)
    )
    assert counts == PARAMETERS[model_name]


def test_outputs_equal_the_reference(model_name, parity_dir, index, recreate):
    model, entry = _reference_model(model_name, index, recreate)
    golden = np.load(parity_dir / "models" / f"out_{model_name}.npz")
    batch = _inputs(entry, recreate)
    np.testing.assert_allclose(batch[:, :, :4, :4], golden["input_corner"], atol=1e-6)
    with torch.inference_mode():
        features = model.forward_features(torch.from_numpy(batch))
        x, y = model.forward_head(features)
        x_m, y_m = model(torch.from_numpy(batch[..., ::-1].copy()))
    np.testing.assert_allclose(features[:, ::16], golden["feat_sub"], atol=2e-4)
    np.testing.assert_allclose(x[:, ::8], golden["simcc_x_sub"], atol=1e-4)
    np.testing.assert_allclose(y[:, ::8], golden["simcc_y_sub"], atol=1e-4)
    np.testing.assert_allclose(x_m[:, ::19], golden["simcc_x_flipped_input_sub"], atol=1e-4)

    logits = SimCC(x.numpy(), y.numpy())
    xy, score = simcc.decode(logits)
    sure = golden["margin"] > 1e-3
    np.testing.assert_allclose(score, golden["scores"], atol=1e-4)
    np.testing.assert_array_equal(xy[sure], golden["keypoints_crop"][sure])
    crop_wh = tuple(entry["input_hw"][::-1])
    matrices = np.stack(
        [
            crop.affine_to_crop(center, scale, crop_wh)
            for center, scale in zip(golden["input_center"], golden["input_scale"], strict=True)
        ]
    )
    image_xy = crop.crop_to_image(xy, matrices)
    np.testing.assert_allclose(image_xy[sure], golden["keypoints_image"][sure], atol=1e-3)

    merged = simcc.merge_flip(logits, SimCC(x_m.numpy(), y_m.numpy()), skeleton.FLIP_INDEX)
    xy_flip, score_flip = simcc.decode(merged)
    np.testing.assert_allclose(score_flip, golden["scores_flip"], atol=1e-4)
    assert (xy_flip == golden["keypoints_crop_flip"]).all(-1)[sure].mean() > 0.99


def test_batch_statistics_equal_the_reference(train_mode_model_name, parity_dir, index, recreate):
    model, entry = _reference_model(train_mode_model_name, index, recreate)
    golden = np.load(parity_dir / "models" / f"bn_train_{train_mode_model_name}.npz")
    model.train()
    with torch.no_grad():
        features = model.forward_features(torch.from_numpy(_inputs(entry, recreate)))
        x, y = model.forward_head(features)
    np.testing.assert_allclose(features[:, ::16], golden["feat_sub"], atol=2e-3)
    np.testing.assert_allclose(x[:, ::8], golden["simcc_x_sub"], atol=2e-3)
    np.testing.assert_allclose(y[:, ::8], golden["simcc_y_sub"], atol=2e-3)
    state = model.state_dict()
    buffers = [key for key in golden.files if key.startswith("after:")]
    assert buffers
    for key in buffers:
        np.testing.assert_allclose(state[key.removeprefix("after:")], golden[key], atol=1e-4)


def test_unknown_size_names_the_known_ones():
    with pytest.raises(ValueError, match="l-384"):
        build_pose_model("xl")
