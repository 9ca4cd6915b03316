"""The pack as ComfyUI sees it: a folder of custom_nodes, loaded into a stand-in ComfyUI."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import dwpose_annotator  # noqa: F401  # before the pack, or the copy in its folder would stay loaded
from tests.fake_networks import save_bright_spot_pose, save_fixed_detector

REPO = Path(__file__).resolve().parents[1]
CORE = REPO / "tests" / "comfy_core"
PACK_NAME = "dwpose-annotator"
CORE_MODULES = ("nodes", "core_nodes", "folder_paths", "server", "comfy", "comfy_api")
# Two people side by side on the detector's 320 x 320 canvas: centre x, y, width, height.
TWO_PEOPLE = [(80.0, 120.0, 60.0, 200.0), (220.0, 120.0, 100.0, 220.0)]


def install(base: Path) -> Path:
    """A ComfyUI base folder with fake weights and this pack, as a clone would lie there."""
    pack = base / "custom_nodes" / PACK_NAME
    unwanted = shutil.ignore_patterns("__pycache__", "*.part")
    for name in ("nodes", "dwpose_annotator"):
        shutil.copytree(REPO / name, pack / name, ignore=unwanted)
    shutil.copy(REPO / "__init__.py", pack)
    weights = base / "models" / "dwpose"
    weights.mkdir(parents=True)
    save_bright_spot_pose(weights / "fake-pose.onnx")
    save_fixed_detector(weights / "fake-two.onnx", TWO_PEOPLE, [0.8, 0.6])
    save_fixed_detector(weights / "fake-nobody.onnx", [], [])
    return pack


@contextlib.contextmanager
def comfyui(base: Path) -> Iterator[SimpleNamespace]:
    """A running stand-in with the pack loaded; gives its modules and the loaded node classes."""
    pack = install(base)
    path, modules = sys.path[:], set(sys.modules)
    taken = {name: sys.modules.pop(name) for name in CORE_MODULES if name in sys.modules}
    sys.path[:] = [str(CORE), *(p for p in path if Path(p).resolve() != REPO)]
    try:
        core = SimpleNamespace(
            **{name: importlib.import_module(name) for name in CORE_MODULES},
            management=importlib.import_module("comfy.model_management"),
            utils=importlib.import_module("comfy.utils"),
            base=base,
        )
        core.folder_paths.set_base(str(base))
        core.nodes.load_custom_node(str(pack))
        name = str(pack).replace(".", "_x_")
        core.part = lambda part: sys.modules[f"{name}.nodes.{part}"]
        core.classes = core.nodes.NODE_CLASS_MAPPINGS
        core.classes |= {c.GET_SCHEMA().node_id: c for c in core.core_nodes.CORE_NODES}
        yield core
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if name.split(".")[0] in CORE_MODULES or PACK_NAME in name:
                del sys.modules[name]
        sys.modules.update(taken)


def load_fake(core: SimpleNamespace, people: str) -> Any:
    """Load DWPose with fake networks: its output."""
    choices = {"pose_estimator": "fake-pose.onnx", "bbox_detector": people, "device": "cpu"}
    return run_node(core, "DWPoseAnnotatorLoad", **choices)


def picture(count: int = 1, height: int = 320, width: int = 320) -> Any:
    """IMAGE: grey, with a bright spot in the middle of each of the detector's two people."""
    import torch

    image = torch.full((count, height, width, 3), 0.3)
    for x in (80, 220):
        image[:, 110:130, x - 10 : x + 10] = 1
    return image


class ScatteredPose:
    """A pose network whose points lie all over the crop, with scores 0.2, 0.4 ... 1 in turn."""

    name = provider = "stand-in"
    input_shape = (None, 3, 64, 48)
    output_shapes = ((None, 133, 96), (None, 133, 128))

    def run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        numbers = np.arange(133)
        score = (0.2 * (1 + numbers % 5)).astype(np.float32)
        x, y = np.zeros((133, 96), np.float32), np.zeros((133, 128), np.float32)
        x[numbers, 20 + numbers * 37 % 56] = score
        y[numbers, 20 + numbers * 53 % 88] = score
        return np.stack([x] * len(batch)), np.stack([y] * len(batch))


def scattered_annotator() -> Any:
    """One person who fills the picture, with points everywhere."""
    from dwpose_annotator import Annotator
    from dwpose_annotator.estimate import PoseEstimator

    return Annotator(PoseEstimator(ScatteredPose()), None)


def run_node(core: SimpleNamespace, node_id: str, **inputs: Any) -> Any:
    """One node with its inputs checked and completed from the schema, as ComfyUI's server does."""
    node = core.classes[node_id]
    schema = node.GET_SCHEMA()
    declared = {i.id: i for i in schema.inputs}
    assert set(inputs) <= set(declared), f"{node_id} has no input {set(inputs) - set(declared)}"
    for name, spec in declared.items():
        if name not in inputs and spec.is_widget:
            inputs[name] = spec.default if spec.io_type != "COMBO" else _combo_default(spec)
        assert name in inputs or spec.optional, f"{node_id} lacks {name}"
        check_widget(spec, inputs.get(name))
    output = node.PREPARE_CLASS_CLONE("7").execute(**inputs)
    assert len(output.args) == len(schema.outputs), node_id
    return output


def check_widget(spec: Any, value: Any) -> None:
    """The server's rules: a listed choice, a number within its bounds."""
    if spec.io_type == "COMBO":
        assert value in spec.options, f"{spec.id}: {value!r} is not in {spec.options}"
    for bound, inside in (("min", lambda a, b: a >= b), ("max", lambda a, b: a <= b)):
        limit = getattr(spec, bound, None)
        assert limit is None or inside(value, limit), f"{spec.id}: {value} and {bound} {limit}"


def _combo_default(spec: Any) -> str:
    return spec.default if spec.default is not None else spec.options[0]


def run_workflow(core: SimpleNamespace, graph: dict[str, Any]) -> dict[int, Any]:
    """Every node of a workflow as the editor saves it; node number -> its output."""
    links = {link[0]: (link[1], link[2]) for link in graph["links"]}
    done: dict[int, Any] = {}
    for node in sorted(graph["nodes"], key=lambda node: node["order"]):
        if node["type"] == "MarkdownNote":
            continue
        inputs = widget_values(core, node)
        for slot in node["inputs"]:
            if slot["link"] is not None:
                source, output = links[slot["link"]]
                inputs[slot["name"]] = done[source][output]
        done[node["id"]] = run_node(core, node["type"], **inputs)
    return done


def widget_values(core: SimpleNamespace, node: dict[str, Any]) -> dict[str, Any]:
    """Widget values of a saved node by name; the editor saves them in the schema's order."""
    schema = core.classes[node["type"]].GET_SCHEMA()
    widgets = [i for i in schema.inputs if i.is_widget]
    values = node.get("widgets_values", [])
    extra = len(values) - len(widgets)  # the upload button of LoadImage and LoadVideo has a value
    assert extra == (node["type"] in ("LoadImage", "LoadVideo")), (node["type"], values)
    return dict(zip([w.id for w in widgets], values, strict=False))


def workflows() -> list[Path]:
    return sorted((REPO / "example_workflows").glob("*.json"))


def read_workflow(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def without_repository() -> dict[str, str]:
    """An environment for a Python that must not find this repository by itself."""
    return {**os.environ, "PYTHONPATH": str(CORE), "PYTHONDONTWRITEBYTECODE": "1"}
