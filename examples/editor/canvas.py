"""The editor's canvas as a Gradio component: HTML, CSS and ES modules of the folder ``web``.

The modules travel inside the page and import one another through object URLs, so that the server
needs no extra route and the page no network.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from dwpose_annotator.images import load_image
from dwpose_annotator.types import ImageArray
from examples.editor.tables import editor_tables

_WEB = Path(__file__).with_name("web")
# Each after the modules that it imports.
_MODULES = ("model.js", "view.js", "paint.js", "gestures.js", "keys.js", "panel.js", "editor.js")
# Handlebars and JavaScript would expand these in HTML and CSS.
_TEMPLATE_SYNTAX = re.compile(r"`|\$\{|\{\{|\\")
# Longer side of the photo behind the pose, only looked at.
_PHOTO_SIDE = 1600
_LOADER = """
const sources = %(sources)s, tables = %(tables)s, urls = {};
for (const [name, source] of sources) {
  const linked = source.replace(
    /from "\\.\\/([a-z]+\\.js)"/g,
    (_, other) => `from "${urls[other]}"`,
  );
  urls[name] = URL.createObjectURL(new Blob([linked], { type: "text/javascript" }));
}
import(urls["editor.js"]).then(({ mount }) => mount(element, tables, props, trigger, watch));
"""


def pose_canvas(state: str) -> gr.HTML:
    """The canvas with ``state`` (see ``pose_state``) as its value and the photo as its prop."""
    sources = [[name, (_WEB / name).read_text(encoding="utf-8")] for name in _MODULES]
    return gr.HTML(
        state,
        html_template=_template("editor.html"),
        css_template=_template("editor.css"),
        js_on_load=_LOADER % {"sources": _js(sources), "tables": _js(editor_tables())},
        apply_default_css=False,
        label="Pose editor",
        photo="",
    )


def photo_url(photo: ImageArray) -> str:
    """A small JPEG of an (H, W, 3) uint8 RGB photo as a data URL: nothing is written to disk."""
    rgb = load_image(np.asarray(photo))
    factor = _PHOTO_SIDE / max(rgb.shape[:2])
    if factor < 1:
        rgb = np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _template(name: str) -> str:
    text = (_WEB / name).read_text(encoding="utf-8")
    found = _TEMPLATE_SYNTAX.search(text)
    if found:
        raise ValueError(f"{name} must not contain {found.group()!r}: templates expand it")
    return text


def _js(value: Any) -> str:
    """A JavaScript literal; ``</`` would end a script element of a page."""
    return json.dumps(value).replace("</", "<\\/")
