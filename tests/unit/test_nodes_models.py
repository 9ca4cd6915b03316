"""Weight folders, ComfyUI's device, and what really runs."""

from __future__ import annotations

import sys

import pytest
import torch

from tests.comfy_pack import comfyui


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    with comfyui(tmp_path_factory.mktemp("comfyui")) as core:
        yield core


@pytest.fixture(scope="module")
def models(core):
    return core.part("models")


def test_own_folder_beside_those_of_comfyui_controlnet_aux(core, models, tmp_path, monkeypatch):
    old = tmp_path / "yzd-v" / "DWPose"
    old.mkdir(parents=True)
    for name in ("yolox_l.onnx", "other.onnx", "notes.txt"):
        (old / name).touch()
    monkeypatch.setenv("AUX_ANNOTATOR_CKPTS_PATH", str(tmp_path))
    paths = core.folder_paths.folder_names_and_paths["dwpose"][0]
    monkeypatch.setitem(core.folder_paths.folder_names_and_paths, "dwpose", (paths[:], set()))
    models.register_folders()
    assert core.folder_paths.get_folder_paths("dwpose") == [
        str(core.base / "models" / "dwpose"),
        str(old),
    ]
    choices = models.weight_choices("detector")
    assert choices[:2] == ["person-nano", "yolox_l"]
    assert {"other.onnx", "fake-two.onnx"} <= set(choices)
    assert not {"yolox_l.onnx", "notes.txt", "dwpose-t"} & set(choices)


def test_networks_of_the_user_run_on_the_cpu_under_cpu(models, caplog):
    with caplog.at_level("INFO"):
        annotator = models.load_annotator("fake-pose.onnx", "fake-two.onnx", "auto")
    assert annotator.provider == "CPUExecutionProvider"
    assert models.describe_device(annotator) == "runs on CPU"
    assert "on the CPU, like ComfyUI itself" in caplog.text
    assert models.load_annotator("fake-pose.onnx", "none", "cpu").detector is None


def test_a_slow_device_is_called_slow(core, models, monkeypatch):
    annotator = models.load_annotator("fake-pose.onnx", "none", "cpu")
    monkeypatch.setattr(core.management, "torch_device", "cuda:0")
    assert models.describe_device(annotator).startswith("SLOW: runs on the CPU although ComfyUI ")


@pytest.mark.parametrize(
    "comfy_device, providers, expected",
    [
        ("cpu", ["CUDAExecutionProvider", "CPUExecutionProvider"], "cpu"),
        ("cuda:0", ["CUDAExecutionProvider", "CPUExecutionProvider"], "auto"),
        ("cuda:1", ["CUDAExecutionProvider", "CPUExecutionProvider"], "cuda:1"),
        ("cuda:1", ["CPUExecutionProvider"], "auto"),
        ("mps", ["CoreMLExecutionProvider", "CPUExecutionProvider"], "auto"),
    ],
)
def test_auto_follows_comfyui(core, models, monkeypatch, comfy_device, providers, expected):
    import onnxruntime

    monkeypatch.setattr(core.management, "torch_device", comfy_device)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    assert models._resolve_device("auto") == expected
    assert models._resolve_device("tensorrt") == "tensorrt"


def test_tensorrt_keeps_its_engines_in_the_models_folder(core, models):
    assert models._engine_cache("cuda") is None
    cache = core.base / "models" / "dwpose" / "tensorrt"
    assert models._engine_cache("tensorrt:0") == str(cache)
    assert cache.is_dir()


def test_a_device_that_was_asked_for_is_not_replaced(models):
    with pytest.raises(ValueError, match=r"DmlExecutionProvider.*pip install onnxruntime-directml"):
        models.load_annotator("fake-pose.onnx", "none", "directml")


def test_without_onnx_runtime_the_user_is_told_what_to_install(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeError, match=r"-m pip install onnxruntime-gpu \(NVIDIA\)"):
        models.load_annotator("fake-pose.onnx", "none", "cpu")


def test_the_stop_button_reaches_every_network_batch(core, models):
    annotator = models.load_annotator("fake-pose.onnx", "fake-two.onnx", "cpu")
    changed = models.with_detector_options(
        annotator, score_threshold=0.7, whole_image_if_nobody=True
    )
    frame = torch.zeros(64, 64, 3, dtype=torch.uint8).numpy()
    assert len(annotator.detect(frame)) == 2
    assert len(changed.detect(frame)) == 1
    for call in (changed.detect, annotator.estimate):
        core.management.interrupt_current_processing()
        with pytest.raises(core.management.InterruptProcessingException):
            call(frame)


def test_a_weight_file_that_went_away_is_named(models):
    with pytest.raises(FileNotFoundError, match=r"no weight file 'gone\.onnx' in .*dwpose"):
        models.load_annotator("gone.onnx", "none", "cpu")
