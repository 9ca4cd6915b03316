"""The torch YOLOX-L equals Megvii's: state dict, neck features, raw and decoded rows."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import torch

from dwpose_annotator.detect import decode_rows, make_grid
from dwpose_annotator.models.yolox import build_yolox


def test_yolox_equals_the_reference(parity_dir, recreate):
    folder = parity_dir / "yolox"
    info = json.loads((folder / "info.json").read_text())
    golden = np.load(folder / "out_yolox_l.npz")
    model = build_yolox("l").eval()
    keys = json.loads((folder / "keys_yolox_l.json").read_text())
    state = model.state_dict()
    assert sorted(keys) == sorted(
        [key, list(value.shape), str(value.dtype).removeprefix("torch.")]
        for key, value in state.items()
    )
    assert sum(p.numel() for p in model.parameters()) == info["params"]

    for key, shape, _ in keys:
        weight = recreate.yolox_weight(key, tuple(shape), info["seed"], info["gain"])
        state[key] = torch.from_numpy(np.asarray(weight))
    model.load_state_dict(state)
    size_hw = tuple(info["input"][2:])
    images = [recreate.synth_image(seed, *size_hw) for seed in info["image_seeds"]]
    assert [hashlib.sha256(i.tobytes()).hexdigest() for i in images] == info["image_sha256"]
    batch = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).astype(np.float32))

    with torch.inference_mode():
        levels = model.backbone(batch)
        raw = model.head(levels).numpy()
    for number, (level, step) in enumerate(zip(levels, (4, 2, 1), strict=True)):
        np.testing.assert_allclose(
            level[:, ::32, ::step, ::step], golden[f"pan{number}_sub"], atol=1e-3
        )
    assert raw.shape == tuple(info["raw_shape"])
    np.testing.assert_allclose(raw[:, ::25], golden["raw_sub"], atol=1e-4)
    decoded = np.stack([decode_rows(rows, *make_grid(size_hw)) for rows in raw])
    np.testing.assert_allclose(decoded[:, ::25], golden["decoded_sub"][..., :4], atol=1e-2)
