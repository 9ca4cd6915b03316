"""Imports point one way, and heavy packages are imported only by what needs them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "dwpose_annotator"

# A module imports only from the rows above its own. A new module needs a place here.
LAYERS = (
    {"skeleton", "errors", "files", "draw_styles", "defaults"},
    {"types", "device", "weight_files", "openpose_schema"},
    {
        "crop",
        "draw_figures",
        "simcc",
        "images",
        "network_input",
        "select_people",
        "keyframes",
        "retarget",
        "openpose_person",
        "coco_json",
        "hub",
    },
    {"models", "session", "draw_strokes", "openpose_json_read", "resize"},
    {"weights", "detect", "estimate", "draw", "openpose_json"},
    {"annotator"},
    {"clip", "integrations", "inputs", "box_file"},
    {"video"},
    {"batch", "bench", "doctor"},
    {"cli_options"},
    {"cli_annotate", "cli_draw", "cli_weights"},
    {"cli"},
    {"__init__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# Installed by extras, or slow to load: never imported while a module of the package is imported.
LAZY = {"torch", "onnxruntime", "onnx", "av", "gradio", "matplotlib", "tqdm", "huggingface_hub"}


def unit(path: Path) -> str:
    """``draw`` for dwpose_annotator/draw.py, ``models`` for everything in models/."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(tree: ast.AST, package: str) -> list[str]:
    """Absolute names of all modules that a tree imports, those inside functions included."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            home = f"{package}.{module}".rstrip(".") if node.level else module
            names += [f"{home}.{alias.name}" for alias in node.names]
    return names


def at_import_time(tree: ast.Module) -> ast.Module:
    """The tree without function bodies and without what only type checkers run."""

    class Strip(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST | None:
            if isinstance(node, ast.FunctionDef):
                return None
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                return None
            return self.generic_visit(node)

    return Strip().visit(tree)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("path", sources(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_package_imports_point_down(path: Path) -> None:
    name = unit(path)
    assert name in LEVEL, f"give {name} a place in LAYERS"
    if name == "__init__":
        return
    prefix = f"{PACKAGE.name}."
    for module in imports(ast.parse(path.read_text("utf-8")), PACKAGE.name):
        if not module.startswith(prefix):
            continue
        other = module.removeprefix(prefix).split(".")[0]
        if other in LEVEL and other != name:
            assert LEVEL[other] < LEVEL[name], f"{name} must not import {other}"


@pytest.mark.parametrize("path", sources(PACKAGE), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_inside_functions(path: Path) -> None:
    loaded = {n.split(".")[0] for n in imports(at_import_time(ast.parse(path.read_text())), "")}
    allowed = {"torch"} if unit(path) == "models" else set()
    assert not loaded & (LAZY - allowed)


@pytest.mark.parametrize("folder", ["dwpose_annotator", "nodes", "examples"])
def test_nothing_imports_train(folder: str) -> None:
    for path in sources(REPO / folder):
        modules = imports(ast.parse(path.read_text("utf-8")), folder)
        assert not [m for m in modules if m.split(".")[0] == "train"], path


@pytest.mark.parametrize(
    "code",
    [
        "import dwpose_annotator",
        "from dwpose_annotator import Annotator, draw_poses, load_image, to_openpose_json",
        "import dwpose_annotator.cli",
    ],
)
def test_importing_loads_neither_torch_nor_a_runtime(code: str) -> None:
    report = f"{code}\nimport sys\nprint(*sorted({LAZY!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, cwd=REPO
    )
    assert result.stdout.split() == []


@pytest.mark.parametrize("code", ["import dwpose_annotator", "import dwpose_annotator.cli"])
def test_package_and_help_do_not_wait_for_opencv(code: str) -> None:
    report = f"{code}\nimport sys\nsys.exit('cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", report], check=True, cwd=REPO)
