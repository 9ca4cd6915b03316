"""Official checkpoints are read without running code, and every difference is listed."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict

import numpy as np
import pytest
import torch

from dwpose_annotator import WeightsError
from dwpose_annotator.models import POSE_CONFIGS, build_pose_model
from dwpose_annotator.models.convert import (
    convert_checkpoint,
    load_state_dict,
    mismatches,
    recognise_size,
)
from dwpose_annotator.session import OnnxSession, TorchSession


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_pose_model("t").eval()


@pytest.fixture
def trainer_modules(monkeypatch):
    """The module that the original trainer pickles its log from, only while a file is written."""
    module = types.ModuleType("mmengine.logging.history_buffer")

    class HistoryBuffer:
        def __init__(self):
            self._log_history = np.arange(5.0)
            self._count_history = np.ones(5, np.int64)
            self.max_length = 1000000

    HistoryBuffer.__module__, HistoryBuffer.__qualname__ = module.__name__, "HistoryBuffer"
    module.HistoryBuffer = HistoryBuffer
    for name in ("mmengine", "mmengine.logging"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def official(model, tmp_path, trainer_modules, monkeypatch):
    """A file as the original trainer saves it: log, NumPy metadata, EMA, input statistics."""
    state = OrderedDict(model.state_dict())
    state["data_preprocessor.mean"] = torch.zeros(3, 1, 1)
    content = {
        "meta": {"dataset_meta": {"sigmas": np.ones(3, np.float32), "ids": {1, 2}}, "cfg": "..."},
        "state_dict": state,
        "message_hub": {"log_scalars": {"train/loss": trainer_modules.HistoryBuffer()}},
        "ema_state_dict": OrderedDict(steps=torch.tensor(1)),
        "param_schedulers": [{"last_value": np.float64(0.1)}],
    }
    path = tmp_path / "official.pth"
    torch.save(content, path)
    for name in list(sys.modules):
        if name.startswith("mmengine"):
            monkeypatch.delitem(sys.modules, name)
    return path


def test_trainer_file_loads_without_its_classes(official, model):
    state = load_state_dict(official)
    assert state.keys() == model.state_dict().keys()
    for key, value in model.state_dict().items():
        assert torch.equal(state[key], value)
    assert "mmengine" not in sys.modules


def test_conversion_gives_the_same_network(official, model, tmp_path):
    target = tmp_path / "t.onnx"
    assert convert_checkpoint(official, target) == "t"
    batch = np.random.RandomState(0).randn(2, 3, 256, 192).astype(np.float32)
    expected = TorchSession(model, (None, 3, 256, 192), device="cpu").run(batch)
    for ours, theirs in zip(OnnxSession(target, "cpu").run(batch), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("size", POSE_CONFIGS)
def test_every_size_is_recognised(size):
    with torch.device("meta"):
        state = build_pose_model(size).state_dict()
    assert recognise_size(state) == size
    assert mismatches(state, size) == []


def test_bare_and_old_format_files(model, tmp_path):
    path = tmp_path / "bare.pth"
    torch.save(model.state_dict(), path)
    assert len(load_state_dict(path)) == len(model.state_dict())
    torch.save({"state_dict": model.state_dict()}, path, _use_new_zipfile_serialization=False)
    assert len(load_state_dict(path)) == len(model.state_dict())


def test_every_mismatch_is_listed(model, tmp_path):
    state = dict(model.state_dict())
    del state["head.cls_x.weight"], state["backbone.stem.0.bn.bias"]
    state["neck.conv.weight"] = torch.zeros(2, 2)
    state["head.cls_y.weight"] = torch.zeros(3, 256)
    path = tmp_path / "other.pth"
    torch.save({"state_dict": state}, path)
    with pytest.raises(WeightsError) as error:
        convert_checkpoint(path, tmp_path / "other.onnx")
    message = str(error.value)
    assert "4 entries differ" in message
    assert "missing: head.cls_x.weight (384, 256)" in message
    assert "missing: backbone.stem.0.bn.bias (12,)" in message
    assert "unexpected: neck.conv.weight (2, 2)" in message
    assert "head.cls_y.weight: (3, 256) in the file, (512, 256) in the network" in message
    assert [file.name for file in tmp_path.iterdir()] == ["other.pth"]


def test_wrong_size_on_request(official, tmp_path):
    with pytest.raises(WeightsError, match="of size s"):
        convert_checkpoint(official, tmp_path / "s.onnx", size="s")


class _RunsCode:
    def __reduce__(self):
        return print, ("this must never be printed",)


def test_code_is_never_run(model, tmp_path, capsys):
    path = tmp_path / "evil.pth"
    torch.save({"state_dict": model.state_dict(), "extra": _RunsCode()}, path)
    with pytest.raises(WeightsError, match=r"evil\.pth.*could run code.*print"):
        load_state_dict(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x02junk", b"junk" * 200, b"<html>", b"PK\x03\x04junk"]
)
def test_files_that_are_no_checkpoints(content, tmp_path):
    path = tmp_path / "junk.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"junk\.pth"):
        load_state_dict(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {"a": 1}}])
def test_checkpoints_without_weights(content, tmp_path):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match=r"other\.pth"):
        load_state_dict(path)


def test_missing_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.pth"):
        load_state_dict(tmp_path / "absent.pth")
