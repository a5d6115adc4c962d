"""Each test runs robots over the fake and over a real Consul."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from robots import FakeSite, RealSite, Site


@pytest.fixture(params=["fake", "real"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made: Site
    if request.param == "fake":
        made = FakeSite()
    else:
        made = RealSite(request.getfixturevalue("brisk_consul"))
    monkeypatch.setattr("bob.robot.performing.kind_of", made.kind_of)
    monkeypatch.setattr("bob.ops.submit.kind_of", made.kind_of)
    yield made
    made.stop()
