"""Loads custom-node folders as ComfyUI does; this module takes the top-level name ``nodes``."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys

from comfy_api.latest import ComfyExtension, io

NODE_CLASS_MAPPINGS: dict[str, type[io.ComfyNode]] = {}
EXTENSION_WEB_DIRS: dict[str, str] = {}


def load_custom_node(module_path: str) -> None:
    """Import a folder under a name made from its path, and register what its door offers.

    Unlike ComfyUI, which logs a failed import and goes on, this lets the error out.
    """
    module_name = module_path.replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(
        module_name, os.path.join(module_path, "__init__.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    if getattr(module, "WEB_DIRECTORY", None) is not None:
        web = os.path.abspath(os.path.join(module_path, module.WEB_DIRECTORY))
        if os.path.isdir(web):
            EXTENSION_WEB_DIRS[os.path.basename(module_path)] = web
    if getattr(module, "NODE_CLASS_MAPPINGS", None) is not None:
        raise AssertionError("with NODE_CLASS_MAPPINGS ComfyUI would not look at V3 nodes")
    for node in asyncio.run(_nodes_of(module)):
        NODE_CLASS_MAPPINGS[node.GET_SCHEMA().node_id] = node


async def _nodes_of(module) -> list[type[io.ComfyNode]]:
    extension = await module.comfy_entrypoint()
    assert isinstance(extension, ComfyExtension)
    found = await extension.get_node_list()
    assert isinstance(found, list)
    return found
