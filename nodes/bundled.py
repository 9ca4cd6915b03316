"""Makes the package that lies beside this folder importable when nobody has installed it."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path

PACKAGE = "dwpose_annotator"
FOLDER = Path(__file__).resolve().parents[1] / PACKAGE

logger = logging.getLogger(__name__)


def make_package_importable() -> None:
    """Let ``import dwpose_annotator`` find the copy of this clone, by that one name.

    Putting the clone on ``sys.path`` would do too, but would also offer its ``train``, ``tests``
    and ``nodes`` to everybody, and ``nodes`` is the name of ComfyUI's own module.
    """
    if PACKAGE in sys.modules:
        loaded = Path(sys.modules[PACKAGE].__file__ or "").resolve().parent
        if loaded != FOLDER:
            logger.warning("using %s, which was loaded first, instead of %s", loaded, FOLDER)
        return
    spec = importlib.util.spec_from_file_location(PACKAGE, FOLDER / "__init__.py")
    assert spec is not None and spec.loader is not None, FOLDER
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
