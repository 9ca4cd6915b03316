"""From the command line to a running server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from examples.demo.app import build_app
from examples.demo.limits import Limits
from examples.demo.look import CSS, theme
from examples.demo.networks import Networks
from examples.demo.outbox import Outbox
from examples.demo.services import Services

# A session keeps a photo of up to 3 MB: so many take 600 MB, the oldest is forgotten first.
SESSIONS = 200


def make_services(arguments: argparse.Namespace, folder: Path) -> Services:
    """The shared parts; ``folder`` is Gradio's temporary folder."""
    networks = Networks(
        arguments.device,
        pose=arguments.pose,
        detector=arguments.detector,
        offline=arguments.offline,
        threads=arguments.threads,
    )
    limits = Limits(
        file_mb=arguments.max_file_mb,
        megapixels=arguments.max_megapixels,
        batch_files=arguments.max_batch,
        video_frames=arguments.max_frames,
        running=arguments.max_running,
        waiting=arguments.max_waiting,
    )
    return Services(networks, limits, Outbox(folder))


def launch_options(arguments: argparse.Namespace, limits: Limits) -> dict[str, Any]:
    """Keyword arguments of ``gradio.Blocks.launch``."""
    return {
        "server_name": arguments.host,
        "server_port": arguments.port,
        "root_path": arguments.root_path,
        "share": arguments.share,
        "mcp_server": arguments.mcp,
        "max_file_size": f"{limits.file_mb}mb",
        "state_session_capacity": SESSIONS,
        "allowed_paths": [],
        "ssr_mode": False,
        "footer_links": ["api"],
        "theme": theme(),
        "css": CSS,
    }


def launch(arguments: argparse.Namespace, folder: Path) -> None:
    """Load the default networks, then serve."""
    services = make_services(arguments, folder)
    networks = services.networks
    networks.get(networks.pose, networks.detector, person_threshold=0.3)
    app = build_app(services)
    app.launch(**launch_options(arguments, services.limits))
