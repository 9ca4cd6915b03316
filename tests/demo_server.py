"""The demo as users start it, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dwpose_annotator.images import load_image, save_image

REPO = Path(__file__).resolve().parents[1]
EXAMPLES = REPO / "examples" / "images"


@dataclass(frozen=True)
class DemoServer:
    """Where it answers, and the folder for its temporary ones."""

    url: str
    temporary: Path


@contextmanager
def demo_server(temporary: Path, *arguments: str) -> Iterator[DemoServer]:
    """Start ``examples/gradio_app.py`` on a free port; stop it and see that its files are gone."""
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONPATH", None)
    log = temporary / "log.txt"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(REPO / "examples/gradio_app.py"), f"--port={port}", *arguments],
            cwd=temporary,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield DemoServer(_wait(process, log), temporary)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert not list(temporary.glob("dwpose-demo-*")), "the demo left its files behind"


def _wait(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address, as soon as the demo has printed it."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        match = re.search(r"running on local URL:\s+(\S+)", log.read_text(), re.IGNORECASE)
        if match:
            return match[1]
        time.sleep(0.2)
    raise AssertionError(f"the demo did not start:\n{log.read_text()}")


def write_crowd(folder: Path) -> Path:
    """A photo with two people that the bundled networks find, side by side."""
    pictures = [load_image(EXAMPLES / name) for name in ("arm_circles.jpg", "star_jump.jpg")]
    height = min(picture.shape[0] for picture in pictures)
    path = folder / "crowd.png"
    save_image(path, np.concatenate([picture[:height] for picture in pictures], axis=1))
    return path
