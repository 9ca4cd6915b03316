"""A fresh Python, nothing installed: the folder is loaded as ComfyUI loads it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.comfy_pack import CORE, PACK_NAME, REPO, install, without_repository

HEAVY = ("torch", "onnxruntime", "cv2", "huggingface_hub", "PIL")

LOAD = f"""
import json, sys
sys.path[:] = [p for p in sys.path if p not in ("", {str(REPO)!r})]
import importlib.util
assert importlib.util.find_spec("dwpose_annotator") is None, "installed: this would prove nothing"
import folder_paths, nodes
folder_paths.set_base(sys.argv[1])
nodes.load_custom_node(sys.argv[2])
print(json.dumps({{
    "heavy": [name for name in {HEAVY!r} if name in sys.modules],
    "nodes": sorted(nodes.NODE_CLASS_MAPPINGS),
    "core": sys.modules["nodes"].__file__,
    "package": sys.modules["dwpose_annotator"].__file__,
    "path": sys.path,
    "web": nodes.EXTENSION_WEB_DIRS,
}}))
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tmp_path_factory.mktemp("comfyui")


@pytest.fixture(scope="module")
def pack(base):
    return install(base)


@pytest.fixture(scope="module")
def loaded(base, pack):
    command = [sys.executable, "-c", LOAD, str(base), str(pack)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env=without_repository(), cwd=base
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return json.loads(run.stdout)


def test_all_nodes_are_offered(loaded):
    kinds = ("", "Draw", "Estimate", "Load", "LoadJSON", "Retarget", "SaveJSON")
    assert loaded["nodes"] == [f"DWPoseAnnotator{kind}" for kind in kinds]


def test_start_up_imports_nothing_heavy(loaded):
    assert loaded["heavy"] == []


def test_comfyui_keeps_its_own_nodes_module(loaded):
    assert loaded["core"] == str(CORE / "nodes.py")


def test_the_package_of_the_clone_is_used_and_the_path_stays_clean(loaded, pack):
    assert loaded["package"] == str(pack / "dwpose_annotator" / "__init__.py")
    assert not [p for p in loaded["path"] if PACK_NAME in p]


def test_help_pages_are_served(loaded, pack):
    assert loaded["web"] == {PACK_NAME: str(pack / "nodes" / "web")}


FIRST_PICTURE = f"""
import sys
sys.path[:] = [p for p in sys.path if p not in ("", {str(REPO)!r})]
import folder_paths, nodes
folder_paths.set_base(sys.argv[1])
nodes.load_custom_node(sys.argv[2])
import numpy, torch
from PIL import Image
photo = torch.from_numpy(numpy.array(Image.open(sys.argv[3]))).float()[None] / 255
node = nodes.NODE_CLASS_MAPPINGS["DWPoseAnnotator"].PREPARE_CLASS_CLONE("1")
maps, frames = node.execute(photo).args
assert maps.shape[1:] == (512, round(512 / photo.shape[1] * photo.shape[2]), 3), maps.shape
assert maps.any() and len(frames[0]["people"]) >= 1
assert sys.modules["dwpose_annotator"].__file__.startswith(sys.argv[2])
"""


def test_the_first_picture_needs_no_download(base, pack):
    """A real photo through the networks of the clone, with the network off."""
    photo = REPO / "examples" / "images" / "lunge.jpg"
    command = [sys.executable, "-c", FIRST_PICTURE, str(base), str(pack), str(photo)]
    environment = {**without_repository(), "HF_HUB_OFFLINE": "1", "HF_HOME": str(base / "hub")}
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=base
    )
    assert run.returncode == 0, run.stderr


def test_outside_comfyui_the_door_does_nothing(pack):
    code = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('door', sys.argv[1])\n"
        "door = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(door)\n"
        "assert not hasattr(door, 'comfy_entrypoint')\n"
    )
    command = [sys.executable, "-I", "-c", code, str(pack / "__init__.py")]
    subprocess.run(command, check=True)
