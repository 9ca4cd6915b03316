"""What lies beside the code: example workflows, help pages, translations, registry metadata."""

from __future__ import annotations

import json
import re

import cv2
import pytest

from tests.comfy_pack import REPO, comfyui, read_workflow, run_workflow, workflows
from tests.fake_networks import save_bright_spot_pose, save_fixed_detector

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

DOCS = REPO / "nodes" / "web" / "docs"


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    with comfyui(tmp_path_factory.mktemp("comfyui")) as core:
        yield core


@pytest.fixture(scope="module")
def schemas(core):
    return {
        name: node.GET_SCHEMA()
        for name, node in core.classes.items()
        if name.startswith("DWPoseAnnotator")
    }


@pytest.fixture
def pictures(core, small_photo):
    for name in ("person.jpg", "reference.jpg", "dance.mp4"):  # the stand-in reads any as a picture
        (core.base / "input" / name).write_bytes(small_photo)


@pytest.fixture(scope="module")
def small_photo():
    import numpy as np

    grey = np.full((160, 120, 3), 90, np.uint8)
    grey[60:70, 40:50] = 255
    return cv2.imencode(".png", grey)[1].tobytes()


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.stem)
def test_every_example_workflow_runs(core, path, monkeypatch):
    weights = core.base / "models" / "dwpose"
    fakes = {
        "dwpose-s": save_bright_spot_pose(weights / "pose.onnx"),
        "person-nano": save_fixed_detector(
            weights / "people.onnx", [(80.0, 120.0, 60.0, 200.0)], [0.8]
        ),
    }
    monkeypatch.setattr(core.part("models"), "_weight_argument", lambda name: str(fakes[name]))
    done = run_workflow(core, read_workflow(path))
    maps = [o.args[0] for o in done.values() if o.args and getattr(o.args[0], "ndim", 0) == 4]
    assert maps, "no picture came out"
    assert len(list((core.base / "output").rglob("*.png"))) >= len(maps[-1])


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.stem)
def test_workflows_are_as_the_editor_saves_them(core, path):
    graph = read_workflow(path)
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert graph["last_node_id"] == max(nodes)
    for number, source, output, target, slot, kind in graph["links"]:
        out, into = nodes[source]["outputs"][output], nodes[target]["inputs"][slot]
        assert number in out["links"]
        assert number == into["link"]
        assert out["type"] == into["type"] == kind
    for node in nodes.values():
        if node["type"].startswith("DWPoseAnnotator"):
            schema = core.classes[node["type"]].GET_SCHEMA()
            sockets = [i for i in schema.inputs if not i.is_widget]
            assert [i["name"] for i in node["inputs"]] == [i.id for i in sockets]
            assert [i["type"] for i in node["inputs"]] == [i.io_type for i in sockets]
            assert [o["type"] for o in node["outputs"]] == [o.io_type for o in schema.outputs]


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.stem)
def test_every_workflow_has_its_picture(path):
    thumbnail = path.with_suffix(".jpg")
    image = cv2.imread(str(thumbnail))
    assert image is not None, f"no {thumbnail.name}"
    assert image.std() > 10
    assert thumbnail.stat().st_size < 100_000


def test_every_node_has_its_help_in_both_languages(schemas):
    for name, schema in schemas.items():
        for page in (DOCS / f"{name}.md", DOCS / name / "zh.md"):
            text = page.read_text(encoding="utf-8")
            assert text.startswith("# ")
            for spec in schema.inputs:
                asked = spec.tooltip is not None and len(schema.inputs) > 2
                assert not asked or spec.id in text or spec.id == "image", f"{page}: {spec.id}"
    assert {p.stem for p in DOCS.glob("*.md")} == set(schemas)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_translations_name_every_node_input_and_output(schemas, language):
    path = REPO / "locales" / language / "nodeDefs.json"
    words = json.loads(path.read_text(encoding="utf-8"))
    assert set(words) == set(schemas)
    for name, schema in schemas.items():
        assert set(words[name]["inputs"]) == {i.id for i in schema.inputs}, name
        assert set(words[name]["outputs"]) == {str(i) for i in range(len(schema.outputs))}, name
        for spec in schema.inputs:
            assert ("tooltip" in words[name]["inputs"][spec.id]) == (spec.tooltip is not None)


def test_english_says_what_the_schema_says(schemas):
    words = json.loads((REPO / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    for name, schema in schemas.items():
        assert words[name]["display_name"] == schema.display_name
        assert words[name]["description"] == schema.description
        for spec in schema.inputs:
            assert words[name]["inputs"][spec.id].get("tooltip") == spec.tooltip


def test_registry_metadata():
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    comfy = project["tool"]["comfy"]
    assert set(comfy) >= {"PublisherId", "DisplayName", "requires-comfyui"}
    assert "comfy" not in project["project"]["name"]


def test_requirements_for_the_manager_agree_with_the_package():
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[><=]", line)[0]: line for line in project["dependencies"]}
    lines = (REPO / "requirements.txt").read_text(encoding="utf-8").splitlines()
    given = [line.split(";")[0].strip() for line in lines if not line.startswith("#")]
    names = {re.split(r"[><=]", line)[0] for line in given}
    assert names - {"onnxruntime-gpu"} == set(needed) - {"typer"}  # no command line in ComfyUI
    for line in given:
        assert line in needed.values() or line.startswith("onnxruntime"), line


def test_the_registry_archive_keeps_what_the_nodes_need():
    lines = (REPO / ".comfyignore").read_text(encoding="utf-8").splitlines()
    left_out = {line.rstrip("/") for line in lines if line and not line.startswith("#")}
    kept = {"__init__.py", "nodes", "dwpose_annotator", "locales", "example_workflows"}
    kept |= {"pyproject.toml", "requirements.txt", "README.md", "LICENSE", "NOTICE"}
    assert not left_out & kept
    assert all((REPO / name).exists() for name in kept)
