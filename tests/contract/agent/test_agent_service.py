"""The service `bob` as a real Consul shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bob.agent.daemon import SERVICE
from bob.clients.consul import Check, Consul
from bob.clients.http import Refused
from bob.daemon.check import CheckReporter, Said
from bob.waiting import wait_for

NODE = "host11"
SOON = 10.0  # seconds; a new output alone would take two and a half minutes at least


@pytest.fixture
def consul(brisk_consul: Consul) -> Iterator[Consul]:
    yield brisk_consul
    brisk_consul.http.request("PUT", f"/v1/agent/service/deregister/{SERVICE}", accept={404})


def shown(consul: Consul) -> Check | None:
    checks = consul.catalog.node_checks(NODE)
    return next((check for check in checks if check.id == SERVICE), None)


class Teller:
    """A reporter whose clock and sentence are set by the test."""

    def __init__(self, consul: Consul) -> None:
        self.now = 0.0
        self.said = Said("passing", "")
        self.reporter = CheckReporter(consul, SERVICE, lambda: self.said, lambda: self.now)

    def tell(self, status: str, sentence: str) -> None:
        self.now += 100
        self.said = Said(status, sentence)
        self.reporter.step()


def test_every_sentence_is_seen_soon(consul: Consul) -> None:
    teller = Teller(consul)
    for status, sentence in [
        ("passing", "follows, n2 leads"),
        ("passing", "leader epoch 4: waiting for n4"),
        ("warning", "leader epoch 4: waiting for n4"),
        ("passing", "leader epoch 4: nothing to do"),
    ]:
        teller.tell(status, sentence)

        def seen(status: str = status, sentence: str = sentence) -> bool:
            check = shown(consul)
            return check is not None and (check.status, check.output) == (status, sentence)

        wait_for(seen, what=sentence, deadline=SOON)


def test_a_consul_that_forgot_us_is_told_again(consul: Consul) -> None:
    teller = Teller(consul)
    teller.tell("passing", "one")
    consul.http.request("PUT", f"/v1/agent/service/deregister/{SERVICE}")
    teller.tell("passing", "two")  # fails, and is logged
    teller.tell("passing", "two")
    wait_for(lambda: (check := shown(consul)) and check.output == "two", what="two", deadline=SOON)


def test_an_unknown_check_is_refused(consul: Consul) -> None:
    with pytest.raises(Refused) as refusal:
        consul.agent.update_check("nobody", "passing", "")
    assert refusal.value.status == 404
