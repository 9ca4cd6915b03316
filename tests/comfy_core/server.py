"""Keeps the text lines that nodes show below themselves."""

from __future__ import annotations


class PromptServer:
    instance: PromptServer

    def __init__(self):
        self.texts: list[tuple[str, str]] = []

    def send_progress_text(self, text, node_id, sid=None) -> None:
        assert sid is None
        self.texts.append((node_id, text))


PromptServer.instance = PromptServer()
