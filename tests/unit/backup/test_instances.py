"""After a restore: only what a client denies is started again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bob.clients.http import Answer
from bob.ops.backup.instances import replace_missing

KNOWN = Answer("client", 200, b"{}", 0)
DENIED = Answer("client", 404, b'Unknown allocation "a1"', 0)
NO_WAY = Answer("client", 404, b"No path to node. See https://example.org", 0)


class Api:
    """Nomad with one allocation, whose client answers `stats`."""

    def __init__(self, desired: str, status: str, stats: Answer) -> None:
        self.allocation = {
            "ID": "a1", "Namespace": "blue", "DesiredStatus": desired, "ClientStatus": status
        }  # fmt: skip
        self.stats = stats
        self.stopped: list[str] = []

    def request(self, method: str, path: str, **how: Any) -> Any:
        if method == "PUT":
            self.stopped.append(f"{path} {how['params']['namespace']}")
            return None
        if path == "/v1/allocations":
            assert how["params"] == {"namespace": "*"}
            return SimpleNamespace(json=lambda: [self.allocation])
        assert path == "/v1/client/allocation/a1/stats"
        return self.stats


@pytest.mark.parametrize(
    ("desired", "status", "stats", "stopped"),
    [
        ("run", "running", DENIED, True),
        ("run", "pending", DENIED, True),
        ("run", "running", KNOWN, False),
        ("run", "running", NO_WAY, False),
        ("stop", "running", DENIED, False),
        ("run", "complete", DENIED, False),
        ("run", "lost", DENIED, False),
    ],
)
def test_what_its_client_denies_is_stopped_so_that_another_one_starts(
    desired: str, status: str, stats: Answer, stopped: bool
) -> None:
    api = Api(desired, status, stats)
    assert replace_missing(SimpleNamespace(http=api)) == stopped  # type: ignore[arg-type]
    assert api.stopped == (["/v1/allocation/a1/stop blue"] if stopped else [])
