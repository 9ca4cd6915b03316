"""Run the example workflows in a real, headless ComfyUI server and check what comes back.

    python tests/comfy_server.py COMFYUI PHOTO REFERENCE CLIP [--keep FOLDER] [--thumbnails]

COMFYUI is a checkout whose requirements this Python has. The pack is linked into a fresh base
folder, so nothing of that ComfyUI changes. Exits 1 with the reason if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np

logger = logging.getLogger(__name__)

REPO = Path(__file__).resolve().parents[1]
PACK = "dwpose-annotator"
PORT = 8199
URL = f"http://127.0.0.1:{PORT}"
TIMEOUT_S = 600


def fetch(path: str, body: dict[str, Any] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(URL + path, data), timeout=60) as answer:
        return answer.read()


def http(path: str, body: dict[str, Any] | None = None) -> Any:
    content = fetch(path, body)
    return json.loads(content) if content else None


class Server:
    """A ComfyUI process on the CPU with its log in a file."""

    def __init__(self, comfyui: Path, base: Path) -> None:
        self.base, self.log = base, base / "comfyui.log"
        for name in ("custom_nodes", "input", "output", "models", "temp", "user"):
            (base / name).mkdir(parents=True, exist_ok=True)
        (base / "custom_nodes" / PACK).symlink_to(REPO)
        options = ["--cpu", "--port", str(PORT), "--base-directory", str(base)]
        options += ["--disable-api-nodes", "--database-url", "sqlite:///:memory:"]
        environment = {**os.environ, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "main.py", *options],
            cwd=comfyui,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            env=environment,
        )

    def wait_until_up(self) -> dict[str, Any]:
        """The server's list of nodes."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return http("/object_info")
            except OSError:
                time.sleep(1)
        raise SystemExit(f"ComfyUI did not start; see {self.log}")

    def stop(self) -> str:
        self.process.terminate()
        self.process.wait(30)
        return self.log.read_text(errors="replace")


def to_api(graph: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    """A workflow as the editor saves it -> the prompt that the editor would send."""
    links = {link[0]: [str(link[1]), link[2]] for link in graph["links"]}
    prompt = {}
    for node in graph["nodes"]:
        if node["type"] == "MarkdownNote":
            continue
        wired = {slot["name"]: links[slot["link"]] for slot in node["inputs"] if slot["link"]}
        values, inputs = iter(node["widgets_values"]), {}
        declared = info[node["type"]]["input"]
        for name, spec in [
            *declared.get("required", {}).items(),
            *declared.get("optional", {}).items(),
        ]:
            kind = spec[0]
            if isinstance(kind, list) or kind in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"):
                inputs[name] = next(values)
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": {**inputs, **wired}}
    return prompt


def queue(prompt: dict[str, Any]) -> str:
    return http("/prompt", {"prompt": prompt})["prompt_id"]


def finish(prompt_id: str) -> dict[str, Any]:
    """The entry of the history once the prompt is done."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        history = http(f"/history/{prompt_id}")
        if prompt_id in history:
            return history[prompt_id]
        time.sleep(0.2)
    raise SystemExit(f"prompt {prompt_id} is not done after {TIMEOUT_S} s")


def run(prompt: dict[str, Any], label: str) -> dict[str, Any]:
    start = time.monotonic()
    entry = finish(queue(prompt))
    status = entry["status"]["status_str"]
    logger.info("%s: %s in %.1f s", label, status, time.monotonic() - start)
    check(status == "success", f"{label}: {entry['status']['messages'][-1]}")
    return entry


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def cached(entry: dict[str, Any]) -> set[str]:
    """Numbers of the nodes that were not run again."""
    messages = dict(entry["status"]["messages"])
    return set(messages["execution_cached"]["nodes"])


def saved_files(server: Server, entry: dict[str, Any], folder: str) -> list[Path]:
    """Pictures and videos that the nodes of a prompt wrote: results or, in temp, previews."""
    found = [i for output in entry["outputs"].values() for i in output.get("images", [])]
    return [
        server.base / i["type"] / i["subfolder"] / i["filename"]
        for i in found
        if i["type"] == folder
    ]


def middle_frame(path: Path) -> Any:
    """The picture, or the frame in the middle of the video."""
    if path.suffix != ".mp4":
        return cv2.imread(str(path))
    video = cv2.VideoCapture(str(path))
    video.set(cv2.CAP_PROP_POS_FRAMES, video.get(cv2.CAP_PROP_FRAME_COUNT) // 2)
    return video.read()[1]


def check_workflows(server: Server, info: dict[str, Any], *, thumbnails: bool) -> None:
    for path in sorted((REPO / "example_workflows").glob("*.json")):
        prompt = to_api(json.loads(path.read_text(encoding="utf-8")), info)
        entry = run(prompt, path.stem)
        results = saved_files(server, entry, "output")
        check(bool(results), f"{path.stem} wrote no picture")
        for result in results:
            check(middle_frame(result).any(), f"{path.stem}: {result} is black")
        if thumbnails:
            thumbnail(server, path.stem, prompt, results[0])
        again = run(prompt, f"{path.stem}, again")
        check(
            cached(again) == set(prompt), f"{path.stem}: ran again: {set(prompt) - cached(again)}"
        )


def check_pages(info: dict[str, Any]) -> None:
    """Help, translations and templates are where the editor asks for them."""
    nodes = [name for name in info if name.startswith("DWPoseAnnotator")]
    for name in nodes:
        for page in (f"{name}.md", f"{name}/zh.md"):
            check(fetch(f"/extensions/{PACK}/docs/{page}").startswith(b"# "), f"no page {page}")
    words = http("/i18n")
    check(all(set(nodes) <= set(words[code]["nodeDefs"]) for code in ("en", "zh")), "no words")
    for name in http("/workflow_templates")[PACK]:
        picture = fetch(f"/api/workflow_templates/{PACK}/{name}.jpg")
        check(picture[:2] == b"\xff\xd8", f"template {name} has no picture")


def one_node(source: list[Any], extra: dict[str, Any]) -> dict[str, Any]:
    """LoadImage -> (more nodes) -> DWPose -> SaveImage as a prompt."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "person.jpg"}},
        "2": {
            "class_type": "DWPoseAnnotator",
            "inputs": {
                "image": source,
                "detect_hand": "enable",
                "detect_body": "enable",
                "detect_face": "enable",
                "resolution": 512,
                "bbox_detector": "person-nano",
                "pose_estimator": "dwpose-s",
                "scale_stick_for_xinsr_cn": "disable",
            },
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
        **extra,
    }


def check_batch() -> None:
    repeat = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 32}}
    entry = run(one_node(["9", 0], {"9": repeat}), "32 frames")
    frames = json.loads(entry["outputs"]["2"]["openpose_json"][0])
    check(len(frames) == 32, f"32 frames gave {len(frames)} dicts")
    check(len(entry["outputs"]["3"]["images"]) == 32, "32 frames did not give 32 maps")
    check(len(entry["outputs"]["2"]["images"]) <= 4, "a batch writes too many previews")
    check(all(len(f["people"]) == len(frames[0]["people"]) > 0 for f in frames), "people differ")


def check_nobody(server: Server) -> None:
    inputs = {"width": 320, "height": 448, "batch_size": 2, "color": 0}
    empty = {"class_type": "EmptyImage", "inputs": inputs}
    entry = run(one_node(["9", 0], {"9": empty}), "nobody")
    frames = json.loads(entry["outputs"]["2"]["openpose_json"][0])
    check([f["people"] for f in frames] == [[], []], "an empty picture shows people")
    for picture in saved_files(server, entry, "output") + saved_files(server, entry, "temp"):
        check(not cv2.imread(str(picture)).any(), f"{picture} is not black")


def check_interrupt(server: Server) -> None:
    repeat = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 400}}
    started = "DWPose: runs on"
    before = server.log.read_text(errors="replace").count(started)
    prompt_id = queue(one_node(["9", 0], {"9": repeat}))
    while server.log.read_text(errors="replace").count(started) == before:
        time.sleep(0.1)
    time.sleep(1)
    start = time.monotonic()
    http("/interrupt", {})
    entry = finish(prompt_id)
    kinds = [kind for kind, _ in entry["status"]["messages"]]
    check("execution_interrupted" in kinds, f"interrupting gave {kinds}")
    logger.info("interrupted: stopped after %.1f s", time.monotonic() - start)


def check_log(log: str) -> None:
    """Nothing of ours is a warning or an error; the start-up time is what ComfyUI measured."""
    bad = ("warning", "error", "traceback", "exception", "failed", "deprecat")
    ours = ("dwpose", PACK, "onnxruntime", "openpose")
    for line in log.splitlines():
        low = line.lower()
        check(not (any(b in low for b in bad) and any(o in low for o in ours)), line)
        if PACK in line and "seconds" in line:
            logger.info("import time: %s", line.strip())


def thumbnail(server: Server, name: str, prompt: dict[str, Any], result: Path) -> None:
    """What goes in and the map side by side, as the template browser shows it."""
    inputs = [node["inputs"] for node in prompt.values()]
    names = [i.get("image") or i.get("file") for i in inputs]
    files = [server.base / "input" / name for name in names if isinstance(name, str)]
    sides = []
    for path in (*files, result):
        image = middle_frame(path)
        width = round(image.shape[1] * 320 / image.shape[0])
        sides.append(cv2.resize(image, (width, 320), interpolation=cv2.INTER_AREA))
    target = REPO / "example_workflows" / f"{name}.jpg"
    cv2.imwrite(str(target), np.hstack(sides), [cv2.IMWRITE_JPEG_QUALITY, 85])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("comfyui", "photo", "reference", "clip"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--keep", type=Path, help="base folder to use and keep")
    parser.add_argument("--thumbnails", action="store_true", help="write example_workflows/*.jpg")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as temporary:
        server = Server(options.comfyui, options.keep or Path(temporary))
        for source, name in (
            (options.photo, "person.jpg"),
            (options.reference, "reference.jpg"),
            (options.clip, "dance.mp4"),
        ):
            shutil.copy(source, server.base / "input" / name)
        try:
            info = server.wait_until_up()
            check_pages(info)
            check_workflows(server, info, thumbnails=options.thumbnails)
            check_batch()
            check_nobody(server)
            check_interrupt(server)
        finally:
            log = server.stop()
        check_log(log)
        logger.info("all checks passed")


if __name__ == "__main__":
    main()
