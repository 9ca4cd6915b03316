"""The page: a title and one tab per task."""

from __future__ import annotations

import gradio as gr

from examples.demo.photo_tab import build_photo_tab
from examples.demo.services import Services

TITLE = "DWPose annotator"
# Seconds: how often old files are looked for, and how old they are then.
CLEAN_EVERY, KEEP_FILES = 600, 3600


def build_app(services: Services) -> gr.Blocks:
    """All tabs, connected; ``launch`` starts them."""
    with gr.Blocks(
        title=TITLE,
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(CLEAN_EVERY, KEEP_FILES),
    ) as app:
        gr.Markdown(
            f"# {TITLE}\nPhoto in, whole-body pose map for ControlNet out.", elem_id="title"
        )
        with gr.Tabs(), gr.Tab("Photo", id="photo"):
            build_photo_tab(services)
    app.queue(max_size=services.limits.waiting, default_concurrency_limit=4)
    return app
