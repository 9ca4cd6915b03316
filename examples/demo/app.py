"""The page: a title and one tab per task."""

from __future__ import annotations

from importlib.util import find_spec

import gradio as gr

from examples.demo.batch_tab import build_batch_tab
from examples.demo.edit_link import connect_editor
from examples.demo.endpoints import add_endpoints
from examples.demo.photo_tab import build_photo_tab
from examples.demo.services import Services
from examples.demo.video_tab import build_video_tab
from examples.editor.tab import build_editor_tab

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
        with gr.Tabs() as tabs:
            with gr.Tab("Photo", id="photo"):
                photo_tab = build_photo_tab(services)
            with gr.Tab("Edit pose", id="edit"):
                editor = build_editor_tab(services.outbox, services.limits)
            with gr.Tab("Many photos", id="batch"):
                build_batch_tab(services)
            if find_spec("av") is not None:
                with gr.Tab("Video", id="video"):
                    build_video_tab(services)
        connect_editor(services, photo_tab, editor, tabs)
        add_endpoints(services, photo_tab)
    app.queue(max_size=services.limits.waiting, default_concurrency_limit=4)
    return app
