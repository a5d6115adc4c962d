"""What an operation brings up side by side, and what waits for what."""

from __future__ import annotations

import pytest

from bob.catalogue import Service
from bob.ops.services.turns import Turn, turns

NEEDS = {
    "haproxy": [],
    "mariadb": [],
    "memcached": [],
    "keystone": ["haproxy", "mariadb", "memcached"],
    "glance": ["keystone"],
    "placement": ["keystone"],
    "redis": [],
}
SERVICES = [
    Service.model_validate(
        {"name": name, "title": name, "driver": "exec", "count": 1, "depends": needs}
    )
    for name, needs in NEEDS.items()
]


def made(running: tuple[str, ...]) -> list[Turn]:
    return list(turns(SERVICES, [name for name in NEEDS if name not in running]))


def test_a_new_service_waits_only_for_what_it_needs() -> None:
    assert made(()) == [
        Turn("haproxy", ()),
        Turn("mariadb", ()),
        Turn("memcached", ()),
        Turn("redis", ()),
        Turn("keystone", ("haproxy", "mariadb", "memcached")),
        Turn("glance", ("keystone",)),
        Turn("placement", ("keystone",)),
    ]


def test_services_that_run_are_changed_one_after_another() -> None:
    found = made(tuple(NEEDS))
    assert [turn.name for turn in found] == list(NEEDS)
    assert [list(turn.after) for turn in found] == [list(NEEDS)[:n] for n in range(len(NEEDS))]


def test_nothing_begins_beside_a_service_that_is_changed() -> None:
    found = {turn.name: set(turn.after) for turn in made(("mariadb",))}
    assert found["mariadb"] == {"haproxy", "memcached", "redis"}
    assert all("mariadb" in found[name] for name in ("keystone", "glance", "placement"))


def test_what_is_new_waits_for_all_that_was_changed() -> None:
    running = ("haproxy", "mariadb", "memcached", "keystone")
    found = {turn.name: turn.after for turn in made(running)}
    assert found["keystone"] == running[:3]
    assert found["redis"] == ("keystone",)


@pytest.mark.parametrize("first", range(len(SERVICES)))
def test_each_service_comes_once_and_after_what_it_needs(first: int) -> None:
    found = made(tuple(NEEDS)[:first])
    order = [turn.name for turn in found]
    assert sorted(order) == sorted(NEEDS)
    for turn in found:
        assert all(order.index(each) < order.index(turn.name) for each in turn.after)
        assert {*NEEDS[turn.name]} <= {*order[: order.index(turn.name)]}
