"""The demo through its endpoints: the real server, bundled networks, no browser."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file

from dwpose_annotator import Annotator, draw_poses, from_openpose_json, load_image
from dwpose_annotator.images import save_image
from dwpose_annotator.resize import output_size_hw
from examples.demo.drawing import Drawing
from examples.demo.limits import Limits
from examples.demo.networks import Networks
from examples.demo.outbox import Outbox
from examples.demo.scene import draw_scene, scene_from_keypoints, scene_from_photo
from examples.demo.services import Services
from tests.conftest import REPO
from tests.demo_server import EXAMPLES, DemoServer, demo_server, write_crowd

LIMITS = ("--max-file-mb=2", "--max-megapixels=2", "--max-batch=3", "--max-frames=6")
PHOTO = EXAMPLES / "arm_circles.jpg"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with demo_server(tmp_path_factory.mktemp("demo"), "--offline", "--mcp", *LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    downloads = str(tmp_path_factory.mktemp("downloads"))
    with pytest.MonkeyPatch.context() as patch:
        # The client leaves an empty folder in the system's for every file that it loads.
        patch.setattr(tempfile, "tempdir", downloads)
        yield Client(server.url, verbose=False, download_files=downloads)


@pytest.fixture(scope="module")
def annotator() -> Annotator:
    return Annotator.from_pretrained()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo with at least two people that the bundled networks find."""
    return write_crowd(tmp_path_factory.mktemp("photos"))


def failure(client: Client, api_name: str, **inputs: Any) -> str:
    """The message of a call that must fail."""
    with pytest.raises(Exception) as caught:
        client.predict(api_name=api_name, **inputs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("style", "resolution", "parts"),
    [("openpose", 0, ["Body", "Hands", "Face"]), ("xinsir", 512, ["Body", "Feet"])],
)
def test_a_map_is_the_packages_own_pixel_for_pixel(
    client: Client, annotator: Annotator, style: str, resolution: int, parts: list[str]
) -> None:
    pose_map, _, report = client.predict(
        photo=handle_file(str(PHOTO)),
        style=style,
        resolution=resolution,
        parts=parts,
        api_name="/annotate",
    )
    expected = annotator(
        PHOTO,
        style=style,
        resolution=resolution or None,
        hands="Hands" in parts,
        face=None if "Face" in parts else False,
        feet="Feet" in parts,
    )
    assert Path(pose_map).suffix == ".png"
    assert expected.any()
    np.testing.assert_array_equal(load_image(pose_map), expected)
    assert "CPUExecutionProvider" in report
    assert "1 person" in report
    assert "ms" in report


def test_keypoints_go_out_and_come_back(client: Client, annotator: Annotator, crowd: Path) -> None:
    pose_map, keypoints, _ = client.predict(photo=handle_file(str(crowd)), api_name="/annotate")
    poses = annotator.estimate(crowd)
    assert len(poses) >= 2
    again = client.predict(keypoints=keypoints, people=[], api_name="/draw")
    np.testing.assert_array_equal(load_image(again), load_image(pose_map))
    without_first = client.predict(
        keypoints=keypoints, people=list(range(2, len(poses) + 1)), api_name="/draw"
    )
    expected = draw_poses(poses.select(range(1, len(poses))))
    np.testing.assert_array_equal(load_image(without_first), expected)
    keypoints[0]["people"][0]["pose_keypoints_2d"][4 * 3 : 4 * 3 + 3] = [40, 50, 1]
    edited = client.predict(keypoints=keypoints, people=[], api_name="/draw")
    redrawn = draw_poses(from_openpose_json(keypoints)[0])
    assert (redrawn != load_image(pose_map)).any()
    np.testing.assert_array_equal(load_image(edited), redrawn)


def test_people_and_styles_change_without_networks(tmp_path: Path, crowd: Path) -> None:
    class NoNetworks(Networks):
        def get(self, *_: Any, **__: Any) -> Annotator:
            raise AssertionError("the networks ran again")

    services = Services(Networks(), Limits(), Outbox(tmp_path))
    scene = scene_from_photo(
        services, str(crowd), pose="dwpose-t", detector="person-nano", person_threshold=0.3
    )
    still = Services(NoNetworks(), Limits(), Outbox(tmp_path))
    for shown in ([0], [1], []):
        picture = draw_scene(still, scene, shown, Drawing("controlnet_aux", 512))
        size_hw = output_size_hw(scene.poses.size_hw, 512)
        expected = draw_poses(scene.poses.select(shown), "controlnet_aux", size_hw)
        np.testing.assert_array_equal(load_image(picture.pose_map), expected)
        assert len(json.loads(Path(picture.keypoints_file).read_text())[0]["people"]) == len(shown)
    everybody, one = (draw_scene(still, scene, shown, Drawing()).before for shown in ([0, 1], [1]))
    assert (load_image(everybody) != load_image(one)).any()  # the badge turns grey
    loaded = scene_from_keypoints(still, picture_file(still, scene), scene)
    assert loaded.preview is scene.preview  # the photo stays behind keypoints of its shape
    np.testing.assert_allclose(loaded.poses.xy, scene.poses.xy, atol=1e-3)


def picture_file(services: Services, scene: Any) -> str:
    return draw_scene(services, scene, range(len(scene.poses)), Drawing()).keypoints_file


def test_the_script_of_the_documentation(
    server: DemoServer, annotator: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", (REPO / "docs/demo.md").read_text(), re.DOTALL)
    monkeypatch.chdir(REPO)
    names: dict[str, Any] = {}
    exec(script.replace("http://127.0.0.1:7860", server.url), names)  # noqa: S102  (it is ours)
    expected = annotator(EXAMPLES / "two_people.jpg", style="xinsir")
    np.testing.assert_array_equal(load_image(names["pose_map"]), expected)
    assert load_image(names["first"]).any()


def test_batch(client: Client, annotator: Annotator, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(PHOTO.read_bytes()[:3000])
    photos = [handle_file(str(path)) for path in (PHOTO, EXAMPLES / "skating.jpg", broken)]
    archive, report = client.predict(photos=photos, api_name="/annotate_batch")
    with zipfile.ZipFile(archive) as content:
        assert sorted(content.namelist()) == [
            "arm_circles.json",
            "arm_circles.png",
            "skating.json",
            "skating.png",
        ]
        content.extractall(tmp_path)
    names = ("arm_circles", "skating")
    expected = annotator.estimate_batch([EXAMPLES / f"{name}.jpg" for name in names])
    for name, poses in zip(names, expected, strict=True):
        np.testing.assert_array_equal(load_image(tmp_path / f"{name}.png"), draw_poses(poses))
        (stored,) = from_openpose_json(tmp_path / f"{name}.json")
        np.testing.assert_allclose(stored.score, poses.score, atol=1e-3)
    assert "2 maps" in report
    assert "broken.jpg: damaged or truncated" in report
    assert "4 photos are too many" in failure(
        client, "/annotate_batch", photos=[*photos, photos[0]]
    )
    assert "broken.jpg" in failure(client, "/annotate_batch", photos=photos[2:])


def test_video(client: Client, annotator: Annotator, tmp_path: Path) -> None:
    photo = np.ascontiguousarray(load_image(PHOTO)[:400:2, 100:741:2])  # an odd width
    source = tmp_path / "clip.mp4"
    frames = [np.roll(photo, 6 * i, axis=1) for i in range(8)]
    with av.open(str(source), "w") as container:  # lossless, lying on its side as phones film
        options = {"qp": "0", "preset": "ultrafast"}
        stream = container.add_stream("libx264rgb", rate=Fraction(24000, 1001), options=options)
        stream.height, stream.width, stream.pix_fmt = photo.shape[1], photo.shape[0], "rgb24"
        stream.set_display_rotation(90)
        for frame in frames:
            lying = np.ascontiguousarray(np.rot90(frame, -1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(lying, format="rgb24")))
        container.mux(stream.encode())
    result, archive, report = client.predict(
        video=handle_file(str(source)), detect_every=1, api_name="/annotate_video"
    )
    movie = result["video"] if isinstance(result, dict) else result
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path)
    assert "6 frames" in report  # the limit; the clip has 8
    assert len(from_openpose_json(tmp_path / "keypoints.json")) == 6
    # One batch, as in the demo: batches of another size may differ in the last bit.
    expected = [draw_poses(poses) for poses in annotator.estimate_batch(frames[:6])]
    assert expected[0].any()
    for i in range(6):
        np.testing.assert_array_equal(load_image(tmp_path / f"map_{i:05}.png"), expected[i])
    with av.open(movie) as container:
        assert container.streams.video[0].average_rate == Fraction(24000, 1001)
        seen = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(seen) == 6
    assert seen[0].shape == (200, 320, 3)
    assert np.abs(seen[0].astype(int) - expected[0][:, :320]).mean() < 3
    wrong = tmp_path / "wrong.mp4"
    wrong.write_text("no frames in here")
    assert "wrong.mp4: damaged, or not a video" in failure(
        client, "/annotate_video", video=handle_file(str(wrong))
    )


def test_errors_say_what_to_do(client: Client, tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    save_image(wide, np.zeros((1000, 2100, 3), np.uint8))
    text = failure(client, "/annotate", photo=handle_file(str(wide)))
    assert "2100 x 1000" in text
    assert "up to 2" in text
    text = failure(client, "/annotate", photo=handle_file(str(REPO / "Makefile")))
    assert "Makefile: not an image" in text
    text = failure(client, "/annotate", photo=handle_file(str(PHOTO)), pose="dw-ll_ucoco_384")
    assert "dw-ll_ucoco_384.onnx" in text
    assert "DWPOSE_WEIGHTS_DIR" in text
    assert "does not exist" not in failure(
        client, "/annotate", photo=handle_file(str(PHOTO)), pose="/etc/passwd"
    )
    _, keypoints, _ = client.predict(photo=handle_file(str(PHOTO)), api_name="/annotate")
    assert "people [5] do not exist" in failure(client, "/draw", keypoints=keypoints, people=[5])
    assert 'must have "people"' in failure(client, "/draw", keypoints={"a": 1}, people=[])
    keypoints[0]["canvas_width"] = 100_000
    assert "megapixels" in failure(client, "/draw", keypoints=keypoints, people=[])


def test_nobody_gives_a_black_map(client: Client, tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    save_image(empty, np.full((200, 300, 3), 127, np.uint8))
    pose_map, keypoints, report = client.predict(
        photo=handle_file(str(empty)), api_name="/annotate"
    )
    assert load_image(pose_map).shape == (200, 300, 3)
    assert not load_image(pose_map).any()
    assert keypoints[0]["people"] == []
    assert "nobody found" in report


def test_large_uploads_are_refused(server: DemoServer) -> None:
    files = {"files": ("large.png", b"\0" * 2_200_000, "image/png")}
    answer = httpx.post(f"{server.url}/gradio_api/upload", files=files)
    assert answer.status_code == 413


def test_only_its_own_files_are_served(server: DemoServer, client: Client) -> None:
    for path in (REPO / "README.md", server.temporary / "log.txt", Path("/etc/passwd")):
        answer = httpx.get(f"{server.url}/gradio_api/file={path}")
        assert answer.status_code in (403, 404), path
    job = httpx.post(
        f"{server.url}/gradio_api/call/annotate",
        json={"data": [{"path": str(REPO / "README.md"), "meta": {"_type": "gradio.FileData"}}]},
    )
    events = httpx.get(f"{server.url}/gradio_api/call/annotate/{job.json()['event_id']}").text
    assert "event: error" in events
    assert client.predict(photo=handle_file(str(PHOTO)), api_name="/annotate")


def test_eight_visitors_at_once_are_all_served(
    server: DemoServer, annotator: Annotator, tmp_path: Path
) -> None:
    def visit(number: int) -> Any:
        visitor = Client(server.url, verbose=False, download_files=str(tmp_path / str(number)))
        return visitor.predict(photo=handle_file(str(PHOTO)), api_name="/annotate")[0]

    expected = annotator(PHOTO)
    with ThreadPoolExecutor(8) as pool:
        for pose_map in pool.map(visit, range(8)):
            np.testing.assert_array_equal(load_image(pose_map), expected)


def test_functions_are_mcp_tools(server: DemoServer) -> None:
    answer = httpx.post(
        f"{server.url}/gradio_api/mcp/",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        headers={"Accept": "application/json, text/event-stream"},
        follow_redirects=True,
    )
    lines = [line for line in answer.text.splitlines() if "tools" in line]
    tools = json.loads(lines[0].removeprefix("data: "))["result"]["tools"]
    by_name = {tool["name"].removeprefix("gradio_app_"): tool for tool in tools}
    assert set(by_name) == {"annotate", "draw", "annotate_batch", "annotate_video"}
    assert "skeleton map" in by_name["annotate"]["description"]
    properties = by_name["annotate"]["inputSchema"]["properties"]
    assert "openpose" in properties["style"]["enum"]
    assert "ControlNet" in by_name["annotate"]["description"]
