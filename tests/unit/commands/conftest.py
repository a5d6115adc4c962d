"""The operator's machine knows a cluster whose Consul is a fake."""

from __future__ import annotations

from pathlib import Path

import operator_world
import pytest
from operator_world import World

from bob.context import Context
from bob.ops import kind, sense


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    monkeypatch.delenv("BOB_CLUSTER", raising=False)
    Context.of(operator_world.cluster(), ("n1", "n2", "n3")).save()
    monkeypatch.setattr(Context, "consul", lambda self, network="mgmt": made.consul)
    monkeypatch.setattr(Context, "requests", lambda self: made.consul)
    monkeypatch.setattr(Context, "nomad", lambda self: None)
    monkeypatch.setattr(sense, "sense", lambda networks, nomad: operator_world.view())
    monkeypatch.setattr(kind, "kinds", lambda: {"move": operator_world.Move()})
    return made
