"""User events: short notes to every agent of the gossip pool. They may get lost: a wake-up only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from bob.clients.http import Http

MAX_PAYLOAD = 400  # bytes; serf takes 512 for name, payload and its own fields


class Event:
    """Calls on user events."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def fire(self, name: str, payload: Mapping[str, str]) -> None:
        """Tell all agents. Raises `ValueError` when the payload is too long for one packet."""
        document = json.dumps(payload, separators=(",", ":")).encode()
        if len(document) > MAX_PAYLOAD:
            raise ValueError(f"event {name}: {len(document)} bytes, {MAX_PAYLOAD} are allowed")
        self._http.request("PUT", f"/v1/event/fire/{quote(name, safe='')}", body=document)
