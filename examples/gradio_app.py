"""The demo in a browser: ``python examples/gradio_app.py --help``. Described in docs/demo.md."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; ``None`` takes that of this process."""
    from dwpose_annotator import defaults

    parser = argparse.ArgumentParser(description="DWPose annotator in the browser.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 serves the whole network")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    parser.add_argument("--root-path", help="path below which a proxy serves the demo")
    parser.add_argument("--share", action="store_true", help="a public link through gradio.live")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, directml ...")
    parser.add_argument("--pose", default=defaults.POSE, help="pose weights: name or .onnx file")
    parser.add_argument("--detector", default=defaults.DETECTOR, help="name, .onnx file or none")
    parser.add_argument("--threads", type=int, help="CPU threads; default: all cores")
    parser.add_argument("--offline", action="store_true", help="never download weights")
    parser.add_argument("--mcp", action="store_true", help="also serve the functions as MCP tools")
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-file-mb", type=int, default=50, help="largest upload")
    limits.add_argument("--max-megapixels", type=int, default=40, help="largest photo or map")
    limits.add_argument("--max-batch", type=int, default=200, help="photos in a batch")
    limits.add_argument("--max-frames", type=int, default=900, help="frames of a video")
    limits.add_argument("--max-running", type=int, default=2, help="network jobs at a time")
    limits.add_argument("--max-waiting", type=int, default=64, help="jobs in the queue")
    return parser.parse_args(arguments)


def main() -> None:
    """Start the demo and serve until it is interrupted."""
    # Run as a file, Python looks for modules beside it and not in the checkout.
    sys.path[0] = str(ROOT)
    arguments = parse_arguments()
    # A stop from outside cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="dwpose-demo-") as folder:
        # Both are read when Gradio is imported or a page is built.
        os.environ["GRADIO_TEMP_DIR"] = folder
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        try:
            import gradio  # noqa: F401
        except ImportError:
            sys.exit("the demo needs Gradio 6: pip install -e '.[demo]' (or: make demo)")
        from examples.demo.launch import launch

        try:
            launch(arguments, Path(folder))
        except (ValueError, OSError) as error:  # unknown weights, no such device, port in use
            sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
