"""The pose editor in a real Chromium: drag, undo, hide, mirror, touch, and what is saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dwpose_annotator import Poses, draw_poses, load_image, to_openpose_json
from dwpose_annotator.skeleton import (
    FACE,
    FEET,
    FLIP_INDEX,
    KEYPOINT_NAMES,
    LEFT_HAND,
    NUM_KEYPOINTS,
    RIGHT_HAND,
)
from tests.editor_page import Tab, assert_moved, chromium, editor_server, open_editor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

LEFT_WRIST, RIGHT_WRIST, RIGHT_ANKLE = 9, 10, 16
DESKTOP, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with editor_server(tmp_path_factory.mktemp("gradio")) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile; each test opens its page in it."""
    made = browser.new_context(viewport=DESKTOP, accept_downloads=True)
    yield made
    made.close()


@pytest.fixture
def tab(address: str, context: BrowserContext, tmp_path: Path) -> Tab:
    """The editor on a desktop, with a file of two people opened."""
    return open_editor(context, address, tmp_path)


def test_untouched_file_comes_back_equal(tab: Tab) -> None:
    after = tab.saved()
    for name in ("xy", "score", "box", "box_score"):
        np.testing.assert_array_equal(getattr(after, name), getattr(tab.original, name))
    assert after.size_hw == tab.original.size_hw


def test_wrist_takes_its_hand_along_and_the_map_is_the_packages(tab: Tab) -> None:
    tab.drag(tab.original.xy[0, LEFT_WRIST], (25, -60))
    after = tab.saved()
    assert_moved(tab, after, [LEFT_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)], (25, -60))
    picture = load_image(tab.save("png"))
    np.testing.assert_array_equal(picture, draw_poses(after, "openpose", feet=True))
    assert (picture != draw_poses(tab.original, "openpose", feet=True)).any()


def test_the_map_beside_the_canvas_is_the_packages(tab: Tab) -> None:
    tab.drag(tab.original.xy[0, RIGHT_ANKLE], (-20, -8))
    tab.page.get_by_label("Style").click()
    tab.page.get_by_role("option", name="xinsir").click()
    expected = draw_poses(tab.saved(), "xinsir", feet=True)
    deadline = 50
    for _ in range(deadline):
        source = tab.page.locator("img[src*='.png']").first.get_attribute("src")
        path = tab.folder / "shown.png"
        path.write_bytes(tab.page.request.get(source).body())
        if np.array_equal(load_image(path), expected):
            return
        tab.page.wait_for_timeout(100)
    pytest.fail("the map beside the canvas is another one")


def test_wrist_alone_then_undo_and_redo(tab: Tab) -> None:
    tab.page.get_by_label("Move hand along").uncheck()
    tab.drag(tab.original.xy[0, RIGHT_WRIST], (-30, 20))
    moved = tab.saved()
    assert_moved(tab, moved, [RIGHT_WRIST], (-30, 20))
    tab.canvas.press("Control+z")
    np.testing.assert_array_equal(tab.saved().xy, tab.original.xy)
    tab.canvas.press("Control+Shift+z")
    np.testing.assert_array_equal(tab.saved().xy, moved.xy)
    tab.click("undo")
    np.testing.assert_array_equal(tab.saved().xy, tab.original.xy)


def test_fingertip_after_zooming_in(tab: Tab) -> None:
    tip = KEYPOINT_NAMES.index("left_forefinger4")
    tab.page.locator("[data-zoomto='left hand']").click()
    tab.page.wait_for_timeout(100)
    assert tab.zoom() > 4
    tab.drag(tab.original.xy[0, tip], (4, 6))
    assert "left forefinger 4" in tab.page.locator(".status").inner_text()
    assert_moved(tab, tab.saved(), [tip], (4, 6))


def test_mirror_swaps_names_and_twice_is_nothing(tab: Tab) -> None:
    tab.click("mirror")
    once, before = tab.saved(), tab.original
    np.testing.assert_array_equal(once.score[0], before.score[0, FLIP_INDEX])
    np.testing.assert_array_equal(once.xy[0, :, 1], before.xy[0, FLIP_INDEX, 1])
    total = before.xy[0, :, 0].min() + before.xy[0, :, 0].max()
    np.testing.assert_allclose(once.xy[0, :, 0], total - before.xy[0, FLIP_INDEX, 0], rtol=1e-5)
    tab.click("mirror")
    twice = tab.saved()
    np.testing.assert_array_equal(twice.xy, before.xy)
    np.testing.assert_array_equal(twice.score, before.score)


@pytest.mark.parametrize(
    ("label", "part"),
    [("Left hand", LEFT_HAND), ("Right hand", RIGHT_HAND), ("Face", FACE), ("Feet", FEET)],
)
def test_hide_a_part_and_show_it_again(tab: Tab, label: str, part: slice) -> None:
    tab.page.locator(".parts").get_by_label(label).uncheck()
    hidden = tab.saved()
    expected = tab.original.score.copy()
    expected[0, part] = 0
    np.testing.assert_array_equal(hidden.score, expected)
    tab.page.locator(".parts").get_by_label(label).check()
    np.testing.assert_array_equal(tab.saved().score, tab.original.score)
    np.testing.assert_array_equal(tab.saved().xy, tab.original.xy)


def test_a_part_comes_back_as_it_was_hidden(tab: Tab) -> None:
    tab.page.get_by_role("button", name="Person 2", exact=True).click()
    for label in ("Right hand", "Feet"):  # each has a point that was not seen
        box = tab.page.locator(".parts").get_by_label(label)
        assert box.evaluate("(box) => box.indeterminate")
        box.uncheck()
        box.check()
        assert box.evaluate("(box) => box.indeterminate")
    after = tab.saved()
    np.testing.assert_array_equal(after.score, tab.original.score)
    np.testing.assert_array_equal(after.xy, tab.original.xy)


def test_missing_points_appear_where_they_are_likely(tab: Tab) -> None:
    """A file of another program: of the first person only the head and the arms were seen."""
    seen = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    whole = tab.original
    score = np.zeros_like(whole.score)
    score[:, seen] = 1
    poses = Poses(whole.xy, score, whole.box, whole.box_score, whole.size_hw)
    tab.open_file(json.dumps(to_openpose_json(poses, schema="controlnet_aux")).encode())
    hands = tab.page.locator(".parts").get_by_label("Left hand")
    tab.page.wait_for_function("() => !document.querySelector('[data-part=\"left hand\"]').checked")
    hands.check()
    shown = np.flatnonzero(tab.saved().score[0] > 0)
    np.testing.assert_array_equal(shown, [*seen, *range(LEFT_HAND.start, LEFT_HAND.stop)])
    tab.click("complete")
    after = tab.saved()
    assert (after.score[0] == 1).all()
    np.testing.assert_array_equal(after.xy[0, seen], whole.xy[0, seen])
    assert np.abs(after.xy[0] - whole.xy[0]).max() < 30, "of 440 pixels body height"


def test_wheel_zooms_at_the_pointer_and_dragging_beside_points_pans(tab: Tab) -> None:
    fit, wrist = tab.zoom(), tab.original.xy[0, LEFT_WRIST]
    place = tab.place(wrist)
    tab.page.mouse.move(*place)
    tab.page.mouse.wheel(0, -600)
    tab.page.wait_for_timeout(100)
    assert tab.zoom() > 2 * fit
    np.testing.assert_allclose(tab.place(wrist), place, atol=2)  # a wheel has whole pixels
    empty = np.add(wrist, (25, 0))
    start = tab.place(empty)
    tab.drag(empty, (10, 5))
    tab.page.wait_for_timeout(100)
    np.testing.assert_allclose(
        tab.place(empty), np.add(start, 10 * tab.zoom() * np.array([1, 0.5]))
    )
    np.testing.assert_array_equal(tab.saved().xy, tab.original.xy)
    tab.click("fit")
    tab.page.wait_for_timeout(100)
    assert tab.zoom() == fit


def test_edits_survive_a_look_at_another_tab(tab: Tab) -> None:
    tab.click("mirror")
    mirrored = tab.saved()
    tab.page.get_by_role("tab", name="Start").click()
    tab.page.get_by_role("tab", name="Edit pose").click()
    tab.canvas.wait_for()
    np.testing.assert_array_equal(tab.saved().xy, mirrored.xy)
    tab.click("undo")
    np.testing.assert_array_equal(tab.saved().xy, tab.original.xy)


def test_keyboard_chooses_moves_and_hides_a_point(tab: Tab) -> None:
    tab.page.get_by_label("Point", exact=True).select_option("left elbow")
    tab.canvas.focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "ArrowUp"):
        tab.canvas.press(key)
    assert_moved(tab, tab.saved(), [KEYPOINT_NAMES.index("left_elbow")], (1, 9))
    tab.canvas.press("Delete")
    assert tab.saved().score[0, KEYPOINT_NAMES.index("left_elbow")] == 0
    assert "hidden" in tab.page.locator(".status").inner_text()


def test_add_duplicate_remove_and_resize(tab: Tab) -> None:
    tab.click("add")
    tab.click("duplicate")
    assert len(tab.saved()) == 4
    tab.page.get_by_role("button", name="Person 2", exact=True).click()
    tab.click("remove")
    left = tab.saved()
    assert len(left) == 3
    np.testing.assert_array_equal(left.xy[0], tab.original.xy[0])
    inside = (left.xy[1] >= 0) & (left.xy[1] < [400, 520])
    assert inside.all(), "a new person stands in the picture"
    tab.page.locator("summary").click()
    tab.page.get_by_label("Width").fill("800")
    tab.page.get_by_label("Height").fill("1040")
    tab.page.get_by_label("Scale people along").check()
    tab.click("resize")
    after = tab.saved()
    assert after.size_hw == (1040, 800)
    np.testing.assert_allclose(after.xy[0], 2 * tab.original.xy[0], rtol=1e-6)


def test_move_and_scale_a_whole_person(tab: Tab) -> None:
    tab.page.get_by_role("button", name="Whole person").click()
    tab.drag(tab.original.xy[0].mean(axis=0), (15, 10))
    assert_moved(tab, tab.saved(), np.arange(NUM_KEYPOINTS), (15, 10))
    tab.click("undo")
    low, high = tab.original.xy[0].min(axis=0), tab.original.xy[0].max(axis=0)
    air = 12 / tab.zoom()  # the box is drawn with some air
    corner = high + air
    tab.drag(corner, tuple(-0.5 * (high - low + 2 * air)))
    after = tab.saved()
    sides = after.xy[0].max(axis=0) - after.xy[0].min(axis=0)
    np.testing.assert_allclose(sides, (high - low) / 2, rtol=0.02)
    np.testing.assert_array_equal(after.xy[1], tab.original.xy[1])


def test_finger_on_a_phone(browser: Browser, address: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    tab = open_editor(context, address, tmp_path)
    assert tab.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    tab.canvas.scroll_into_view_if_needed()
    devtools = context.new_cdp_session(tab.page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    wrist = tab.original.xy[0, LEFT_WRIST]
    start, end = tab.place(wrist), tab.place(np.add(wrist, (20, -50)))
    touch("touchStart", start)
    for step in (0.3, 0.6, 1):
        touch("touchMove", tuple(np.add(start, np.subtract(end, start) * step)))
    touch("touchEnd")
    hand = [LEFT_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)]
    assert_moved(tab, tab.saved(), hand, (20, -50))

    tab.canvas.scroll_into_view_if_needed()
    zoom, (x, y) = tab.zoom(), tab.place((200, 260))
    touch("touchStart", (x - 30, y), (x + 30, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    tab.page.wait_for_timeout(100)
    assert tab.zoom() == pytest.approx(2 * zoom, rel=0.02)
    context.close()


def test_a_wrong_file_shows_a_toast_without_its_markup(tab: Tab) -> None:
    tab.open_file(b'{"<img src=x onerror=alert(1)>": 1}')
    toast = tab.page.get_by_test_id("toast-body")
    toast.wait_for()
    assert "people" in toast.inner_text()
    assert toast.locator("img[src=x]").count() == 0
    np.testing.assert_array_equal(tab.saved().xy, tab.original.xy)


def test_handed_over_with_a_photo(address: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Edit this pose").click()
    page.locator(".people button").nth(1).wait_for()
    canvas = page.locator(".pose-editor canvas")
    corner = """(canvas) => {
      const [zoom, left, top] = canvas.dataset.view.split(" ").map(Number);
      const ratio = canvas.width / canvas.clientWidth;
      const at = [left + 4 * zoom, top + 4 * zoom].map((v) => Math.round(v * ratio));
      return [...canvas.getContext("2d").getImageData(...at, 1, 1).data.slice(0, 3)];
    }"""
    for _ in range(50):
        red, green, blue = canvas.evaluate(corner)
        if green > 0:
            break
        page.wait_for_timeout(100)
    assert green > blue > red > 0, "the photo, dimmed"
    assert green < 150
