"""Configurations of services in a real Consul, and in the fake one."""

from __future__ import annotations

import uuid

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.clients.consul import Consul, Txn, TxnResult
from bob.errors import Temporary
from bob.ops.configuration.generation import Generation
from bob.ops.configuration.store import KEPT, generation, history, newest, write


@pytest.fixture(params=["fake", "real"])
def consul(request: pytest.FixtureRequest) -> Consul:
    if request.param == "fake":
        return FakeConsul(ConsulState(SimClock()))
    found: Consul = request.getfixturevalue("brisk_consul")
    return found


@pytest.fixture
def service() -> str:
    return f"thing-{uuid.uuid4().hex[:8]}"


def put(consul: Consul, service: str, in_use: frozenset[int] = frozenset(), **values: str) -> int:
    made = Generation(values=values, texts={"a.conf": "text"}, by="somebody")
    return write(consul, lambda txn: txn.commit(), service, made, in_use).number


def test_each_write_is_a_new_generation_and_the_older_ones_stay(
    consul: Consul, service: str
) -> None:
    assert newest(consul, service) == Generation()
    assert (put(consul, service, size="1", old="x"), put(consul, service, size="2")) == (1, 2)
    assert newest(consul, service).values == {"size": "2"}
    assert generation(consul, service, 1).values == {"old": "x", "size": "1"}
    keys = {key.removeprefix(f"config/{service}/") for key in consul.kv.keys(f"config/{service}/")}
    assert {"generation", "params/size", "templates/a.conf", "history/1"} <= keys
    assert {"generations/1/params/old", "generations/2/params/size"} <= keys
    assert "params/old" not in keys


def test_generations_are_trimmed_but_for_those_in_use(consul: Consul, service: str) -> None:
    for number in range(KEPT + 3):
        put(consul, service, frozenset({1}), size=str(number))
    kept = [each.number for each in history(consul, service)]
    assert kept[0] == 1
    assert kept[-1] == KEPT + 3
    assert 2 not in kept
    assert consul.kv.get(f"config/{service}/generations/1/params/size")
    assert not consul.kv.get(f"config/{service}/generations/2/params/size")


def test_a_write_that_meets_another_one_changes_nothing(consul: Consul, service: str) -> None:
    put(consul, service, size="1")

    def late(txn: Txn) -> TxnResult:
        put(consul, service, size="2")
        return txn.commit()

    with pytest.raises(Temporary, match="changed by somebody else"):
        write(consul, late, service, Generation(values={"size": "3"}), frozenset())
    assert newest(consul, service).values == {"size": "2"}
    assert not consul.kv.get(f"config/{service}/generations/3/params/size")
