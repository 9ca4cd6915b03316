"""The demo as a visitor sees it, in a real Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dwpose_annotator import Annotator, Poses, draw_poses, from_openpose_json, load_image
from dwpose_annotator.images import save_image
from dwpose_annotator.skeleton import FEET
from dwpose_annotator.types import ImageArray
from tests.demo_server import EXAMPLES, DemoServer, demo_server, write_crowd

NAMES = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = (1280, 800), (390, 844)
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser ({', '.join(NAMES)}): install the system package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with demo_server(tmp_path_factory.mktemp("demo"), "--offline") as running:
        yield running


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people side by side."""
    return write_crowd(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def poses(crowd: Path) -> Poses:
    return Annotator.from_pretrained().estimate(crowd)


@pytest.fixture
def page(chromium: Browser, server: DemoServer) -> Iterator[Page]:
    yield from open_page(chromium, server, DESK)


@pytest.fixture
def phone(chromium: Browser, server: DemoServer) -> Iterator[Page]:
    yield from open_page(chromium, server, PHONE)


def open_page(browser: Browser, server: DemoServer, size: tuple[int, int]) -> Iterator[Page]:
    """A fresh visitor; at the end nothing may have been asked of any other server."""
    mobile = size == PHONE
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, is_mobile=mobile, has_touch=mobile
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    elsewhere: list[str] = []
    own = (server.url, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else elsewhere.append(r.url))
    page.goto(server.url)
    yield page
    context.close()
    assert elsewhere == []


def upload(page: Page, path: Path) -> None:
    page.locator("#photo input[type=file]").set_input_files(str(path))


def expect_map(page: Page, expected: ImageArray) -> None:
    """Wait until the right half of the slider is this map, pixel for pixel."""
    seen = None
    for _ in range(WAIT_MS // 250):
        sources = page.locator("#result img").evaluate_all("all => all.map(one => one.src)")
        pictures = [fetch(page, source) for source in sources if source.endswith("_pose.png")]
        if pictures:
            seen = pictures[-1]
            if seen.shape == expected.shape and (seen == expected).all():
                return
        page.wait_for_timeout(250)
    raise AssertionError("no map" if seen is None else f"another map, {seen.shape}")


def fetch(page: Page, source: str) -> ImageArray:
    bytes_ = np.frombuffer(page.request.get(source).body(), np.uint8)
    return np.asarray(cv2.imdecode(bytes_, cv2.IMREAD_COLOR)[..., ::-1])


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.locator(button).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def looks(page: Page, path: Path) -> None:
    """Nothing sticks out sideways, and the picture is not one colour."""
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0
    page.screenshot(path=path)
    assert load_image(path).std() > 20


def test_photo_to_map_people_and_downloads(
    page: Page, crowd: Path, poses: Poses, tmp_path: Path
) -> None:
    assert len(poses) == 2
    upload(page, crowd)
    expect_map(page, draw_poses(poses))
    expect(page.locator("#report")).to_contain_text("2 people")
    expect(page.locator("#report")).to_contain_text("CPUExecutionProvider")
    people = page.locator("#people input")
    expect(people).to_have_count(2)
    looks(page, tmp_path / "desk.png")

    people.nth(0).uncheck()
    second = poses.select([1])
    expect_map(page, draw_poses(second))
    png = download(page, "#get-map", tmp_path)
    assert png.name == "crowd_pose.png"
    np.testing.assert_array_equal(load_image(png), draw_poses(second))
    keypoints = download(page, "#get-json", tmp_path)
    (stored,) = from_openpose_json(keypoints)
    np.testing.assert_allclose(stored.xy, second.xy, atol=1e-3)
    np.testing.assert_array_equal(draw_poses(stored), draw_poses(second))

    page.get_by_label("Hands").first.uncheck()
    expect_map(page, draw_poses(second, hands=False))


def test_keypoints_edited_elsewhere(page: Page, crowd: Path, poses: Poses, tmp_path: Path) -> None:
    upload(page, crowd)
    expect_map(page, draw_poses(poses))
    content = json.loads(download(page, "#get-json", tmp_path).read_text())
    content[0]["people"][1]["pose_keypoints_2d"][4 * 3 : 5 * 3] = [100, 60, 1]
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(content))
    page.locator("input[type=file][accept*=json]").first.set_input_files(str(edited))
    expected = draw_poses(from_openpose_json(content)[0])
    assert (expected != draw_poses(poses)).any()
    expect_map(page, expected)


def test_pose_goes_to_the_editor(page: Page, crowd: Path, poses: Poses, tmp_path: Path) -> None:
    upload(page, crowd)
    expect_map(page, draw_poses(poses))
    page.locator("#people input").nth(1).uncheck()
    expect_map(page, draw_poses(poses.select([0])))
    page.locator("#edit-pose").click()
    expect(page.get_by_role("tab", name="Edit pose")).to_have_attribute("aria-selected", "true")
    keypoints = json.loads(download(page, "#editor-json", tmp_path).read_text())
    assert len(keypoints[0]["people"]) == 1
    (opened,) = from_openpose_json(keypoints)
    assert opened.size_hw == poses.size_hw
    seen = poses.score[0] >= 0.3
    seen[FEET] = False  # they are switched off
    np.testing.assert_allclose(opened.xy[0][seen], poses.xy[0][seen], atol=0.1)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("broken.png", b"this is no image", "not an image"),
        ("half.jpg", (EXAMPLES / "skating.jpg").read_bytes()[:20_000], "damaged or truncated"),
    ],
)
def test_wrong_file_shows_a_toast(
    page: Page, tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    page.locator("#examples button").first.click()
    expect(page.locator("#get-map")).to_be_enabled(timeout=WAIT_MS)
    path = tmp_path / name
    path.write_bytes(content)
    upload(page, path)
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text(text)
    expect(toast).to_contain_text(name)
    expect(toast).not_to_contain_text("/tmp")
    expect(page.locator("#get-map")).to_be_disabled()
    expect(page.locator("#report")).to_be_hidden()


def test_nobody_shows_a_toast(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    save_image(path, np.full((240, 320, 3), 127, np.uint8))
    upload(page, path)
    expect(page.get_by_test_id("toast-body")).to_contain_text("Nobody found")
    expect_map(page, np.zeros((240, 320, 3), np.uint8))


def test_phone(phone: Page, crowd: Path, poses: Poses, tmp_path: Path) -> None:
    phone.locator("#examples button").first.click()
    expect_map(phone, Annotator.from_pretrained()(EXAMPLES / "arm_circles.jpg"))
    phone.locator("#photo").get_by_label("Remove Image").click()
    expect(phone.locator("#people")).to_be_hidden()
    expect(phone.locator("#get-map")).to_be_disabled()
    upload(phone, crowd)
    expect_map(phone, draw_poses(poses))
    phone.locator("#people input").nth(1).uncheck()
    expect_map(phone, draw_poses(poses.select([0])))
    looks(phone, tmp_path / "phone.png")
    phone.get_by_role("tab", name="Edit pose").click()
    looks(phone, tmp_path / "phone_editor.png")
