"""The file below /run, without a file."""

from __future__ import annotations


class SessionInMemory:
    def __init__(self) -> None:
        self.session = ""

    def load(self) -> str:
        return self.session

    def save(self, session: str) -> None:
        self.session = session
