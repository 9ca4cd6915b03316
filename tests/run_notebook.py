"""Execute the example notebook on a tiny pipeline: ``python -m tests.run_notebook`` stores it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.tiny_diffusion import write_tiny_pipeline

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples/notebook.ipynb"


def executed(notebook: nbformat.NotebookNode, folder: Path, *, steps: int) -> nbformat.NotebookNode:
    """A copy with new outputs; ``folder`` takes the random weights."""
    model, controlnet = write_tiny_pipeline(folder)
    notebook = nbformat.from_dict(notebook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SD_MODEL", str(model))
        patch.setenv("SD_CONTROLNET", str(controlnet))
        patch.setenv("SD_STEPS", str(steps))
        patch.setenv("PYTHONPATH", str(ROOT))
        place = {"metadata": {"path": str(NOTEBOOK.parent)}}
        NotebookClient(notebook, timeout=200, kernel_name="python3", resources=place).execute()
    return notebook


def without_clutter(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """No warnings, no times, and pictures as JPEG alone."""
    notebook.metadata.pop("language_info", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
            for output in cell.outputs:
                output.get("data", {}).pop("image/png", None)
    return notebook


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        before = nbformat.read(NOTEBOOK, as_version=4)
        nbformat.write(without_clutter(executed(before, Path(temporary), steps=2)), NOTEBOOK)
