"""Each test runs in both worlds, with keys of its own."""

from __future__ import annotations

import uuid

import pytest
from worlds import FakeWorld, RealWorld, World


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return FakeWorld()
    return RealWorld(request.getfixturevalue("brisk_consul"))


@pytest.fixture
def key() -> str:
    return f"test/{uuid.uuid4().hex}"
