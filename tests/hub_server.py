"""A stand-in for the Hugging Face Hub's download endpoints, with faults on demand."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer:
    """Serves ``files`` ({"owner/repo/name": bytes}) at ``/owner/repo/resolve/main/name``.

    Attributes:
        url: to be given as ``HF_ENDPOINT``.
        requests: (method, path, range header or None) of everything that was asked.
        cut_after: send only so many bytes of the next body, then drop the connection.
        body_instead: send these bytes instead of the file, with the file's headers.
        status: answer every request with this error status.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.requests: list[tuple[str, str, str | None]] = []
        self.cut_after: int | None = None
        self.body_instead: bytes | None = None
        self.status: int | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub._answer(self, with_body=False)

            def do_GET(self) -> None:
                hub._answer(self, with_body=True)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> list[str | None]:
        """Range header of each request for a body."""
        return [
            asked
            for method, path, asked in self.requests
            if method == "GET" and "/resolve/" in path
        ]

    def _answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        asked = request.headers.get("Range")
        self.requests.append((request.command, request.path, asked))
        name = request.path.removeprefix("/").replace("/resolve/main/", "/")
        name = name.replace(f"/resolve/{COMMIT}/", "/")
        if self.status is not None or name not in self.files:
            request.send_response(self.status or 404)
            request.send_header("X-Error-Code", "EntryNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        content = self.files[name]
        sent = content if self.body_instead is None else self.body_instead
        start = int(asked.split("=")[1].split("-")[0]) if asked and with_body else 0
        request.send_response(206 if start else 200)
        request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        request.send_header("Content-Length", str(len(sent) - start))
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(sent) - 1}/{len(sent)}")
        request.end_headers()
        if with_body:
            self._send(request, sent[start:])

    def _send(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        if self.cut_after is None:
            request.wfile.write(body)
            return
        request.wfile.write(body[: self.cut_after])
        request.wfile.flush()
        self.cut_after = None
        request.close_connection = True
