"""Which haproxy is started and stopped for services that are not HTTP."""

from __future__ import annotations

import pytest

from jobs.haproxy.haptcp import GONE_SECONDS, RETRY_SECONDS, Changes, plan, read

NOW = 1000.0
DB, MQ = "10.0.0.1:3306", "10.0.0.1:5672"


@pytest.mark.parametrize(
    ("text", "doors"),
    [
        pytest.param("", {}, id="no service"),
        pytest.param("\n\ndb 10.0.0.1:3306\n\n", {"db": DB}, id="empty lines"),
        pytest.param(f"db {DB}\nmq {MQ}", {"db": DB, "mq": MQ}, id="two services"),
        pytest.param(f"db {DB}\nrival {DB}", {"db": DB}, id="a door has one owner"),
        pytest.param("db\ndb a b\n", {}, id="a line that is none"),
    ],
)
def test_what_a_list_says(text: str, doors: dict[str, str]) -> None:
    assert read(text) == doors


@pytest.mark.parametrize(
    ("wanted", "running", "since", "changes"),
    [
        pytest.param({"db": DB}, {"db": DB}, {}, Changes((), ()), id="nothing is new"),
        pytest.param({"db": DB}, {}, {}, Changes((), ("db",)), id="a new service"),
        pytest.param(
            {"db": DB, "mq": MQ}, {"db": DB}, {}, Changes((), ("mq",)), id="the others are left be"
        ),
        pytest.param(
            {"db": MQ}, {"db": DB}, {}, Changes(("db",), ("db",)), id="it listens elsewhere now"
        ),
        pytest.param(
            {}, {"db": DB}, {"db": NOW - GONE_SECONDS + 1}, Changes((), ()), id="it may come back"
        ),
        pytest.param(
            {}, {"db": DB}, {"db": NOW - GONE_SECONDS}, Changes(("db",), ()), id="it is gone"
        ),
        pytest.param(
            {"new": DB}, {"db": DB}, {"db": NOW}, Changes(("db",), ("new",)),
            id="another service has its door",
        ),
        pytest.param(
            {"db": MQ, "mq": DB}, {"db": DB, "mq": MQ}, {},
            Changes(("db", "mq"), ("db", "mq")), id="two change places",
        ),
        pytest.param(
            {"db": DB}, {}, {"db": NOW - RETRY_SECONDS / 2}, Changes((), ()), id="it just ended"
        ),
        pytest.param(
            {"db": DB}, {}, {"db": NOW - RETRY_SECONDS}, Changes((), ("db",)), id="tried again"
        ),
    ],
)  # fmt: skip
def test_what_is_started_and_stopped(
    wanted: dict[str, str], running: dict[str, str], since: dict[str, float], changes: Changes
) -> None:
    assert plan(wanted, running, since, NOW) == changes
