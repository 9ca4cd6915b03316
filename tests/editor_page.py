"""The open pose editor in a browser, for tests: where things are and how to use them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dwpose_annotator import Poses, from_openpose_json, to_openpose_json
from dwpose_annotator.skeleton import NUM_KEYPOINTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


@contextmanager
def editor_server(folder: Path) -> Iterator[str]:
    """Address of an app with the editor and a first tab whose button hands pose and photo over."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    gr = pytest.importorskip("gradio", reason="needs the package gradio")
    from examples.demo.limits import Limits
    from examples.demo.outbox import Outbox
    from examples.editor.tab import build_editor_tab

    photo = np.full((520, 400, 3), (40, 200, 90), np.uint8)
    frame = to_openpose_json(two_people())
    with gr.Blocks(analytics_enabled=False) as app:
        with gr.Tabs() as tabs:
            with gr.Tab("Start", id="start"):
                edit = gr.Button("Edit this pose")
            with gr.Tab("Edit pose", id="edit"):
                editor = build_editor_tab(Outbox(folder), Limits())
        edit.click(lambda: editor.load([frame], photo), None, editor.outputs).then(
            lambda: gr.Tabs(selected="edit"), None, tabs
        )
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield url
    app.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real browser with a fresh profile; skips the test where there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs the package playwright (pip install playwright)"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"needs a browser, the package chromium: none of {', '.join(names)} found")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


def two_people() -> Poses:
    """Two standing figures with scores as networks give them; a few points were not seen."""
    from examples.editor.figure import neutral_figure

    rng = np.random.default_rng(5)
    xy = np.stack([neutral_figure() * 440 + [x, 30] for x in (130, 290)])
    score = rng.uniform(0.4, 1.1, (2, NUM_KEYPOINTS))
    score[1, [3, 22, 120]] = 0.1
    box = [[60, 30, 200, 470], [220, 30, 360, 470]]
    return Poses(xy + rng.normal(0, 1, xy.shape), score, box, [0.9, 0.8], (520, 400))


class Tab:
    """The open editor and how to use it."""

    def __init__(self, page: Page, poses: Poses, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.original = poses
        self.canvas = page.locator(".pose-editor canvas")

    def open_file(self, content: bytes) -> None:
        self.page.locator("input[type=file]").first.set_input_files(
            {"name": "pose.json", "mimeType": "application/json", "buffer": content}
        )

    def place(self, xy: Any) -> tuple[float, float]:
        """Page coordinates of a point of the map."""
        zoom, left, top = map(float, self.canvas.get_attribute("data-view").split())
        box = self.canvas.bounding_box()
        x, y = ((np.asarray(xy, float) + 0.5) * zoom + [left, top]).tolist()
        return box["x"] + x, box["y"] + y

    def zoom(self) -> float:
        return float(self.canvas.get_attribute("data-view").split()[0])

    def drag(self, xy: Any, by: tuple[float, float]) -> None:
        """Drag a point of the map by so many pixels of the map."""
        start, end = self.place(xy), self.place(np.asarray(xy) + by)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=4)
        self.page.mouse.up()

    def click(self, action: str) -> None:
        self.page.locator(f"[data-do={action}]").click()

    def save(self, kind: str) -> Path:
        with self.page.expect_download() as download:
            self.page.locator(f"#editor-{kind}").click()
        path = self.folder / f"{kind}-{len(list(self.folder.iterdir()))}.{kind}"
        download.value.save_as(path)
        return path

    def saved(self) -> Poses:
        return from_openpose_json(json.loads(self.save("json").read_text()))[0]


def open_editor(context: BrowserContext, address: str, folder: Path) -> Tab:
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"error in the page: {error}"))
    page.goto(address)
    page.get_by_role("tab", name="Edit pose").click()
    page.locator(".people button").first.wait_for()
    tab = Tab(page, two_people(), folder)
    tab.open_file(json.dumps([to_openpose_json(tab.original)]).encode())
    page.locator(".people button").nth(1).wait_for()
    page.wait_for_timeout(100)  # the next frame is painted
    return tab


def assert_moved(tab: Tab, after: Poses, points: Any, by: tuple[float, float]) -> None:
    """These points of the first person moved by so much, everything else is equal to the bit."""
    before, points = tab.original, np.asarray(points)
    np.testing.assert_allclose(after.xy[0, points], before.xy[0, points] + by, atol=0.6)
    moved = after.xy[0, points].astype(float) - before.xy[0, points]
    np.testing.assert_allclose(moved - moved[0], 0, atol=1e-3)
    rest = np.setdiff1d(np.arange(NUM_KEYPOINTS), points)
    np.testing.assert_array_equal(after.xy[0, rest], before.xy[0, rest])
    np.testing.assert_array_equal(after.xy[1], before.xy[1])
    np.testing.assert_array_equal(after.score, before.score)
