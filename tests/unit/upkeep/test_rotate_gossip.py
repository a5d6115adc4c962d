"""New gossip keys, interrupted after every single effect: nobody ever becomes deaf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from server_views import cluster, view
from sim_clock import SimClock

from bob.clients.consul import Txn, TxnResult
from bob.clients.http import Refused
from bob.clients.keyring import Ring
from bob.errors import DeadlinePassed, Permanent, Temporary
from bob.ops.cluster_records import SECRETS_KEY, ClusterRecords
from bob.ops.rotation import gossip
from bob.ops.rotation.absence import ABSENT_NODES
from bob.ops.rotation.gossip import Install, MakeKeys, RemoveOld, Use
from bob.ops.step import Need
from bob.provision.secrets import Secrets, complete, dump
from bob.waiting import Clock, Deadline
from inventory import NetworkName

POOLS = ("mgmt", "storage", "nomad")
ZONES = {"n1": "a", "n2": "b", "n3": "c"}
NODES = tuple(ZONES)
STEPS = (MakeKeys(), Install(), Use(), RemoveOld())


class Crash(BaseException):
    """The leader dies."""


class Pool:
    """Nodes with their keys; each change of one node is an effect."""

    def __init__(self, key: str, effect: Callable[[], None], *, tells: bool) -> None:
        self.keys = {node: {key} for node in NODES}
        self.primary = dict.fromkeys(NODES, key)
        self.away: set[str] = set()  # they do not answer
        self.gone: set[str] = set()  # nor are they counted
        self._effect = effect
        self._tells = tells

    def ring(self) -> Ring:
        there = [node for node in NODES if node not in self.away | self.gone]
        keys = Counter(key for node in there for key in self.keys[node])
        primary = Counter(self.primary[node] for node in there) if self._tells else None
        return Ring(len(NODES) - len(self.gone), keys, primary)

    def install(self, key: str) -> None:
        self._each(lambda node: self.keys[node].add(key))

    def use(self, key: str) -> None:
        assert all(key in self.keys[node] for node in NODES if node not in self.away | self.gone)
        self._each(lambda node: self.primary.update({node: key}))

    def remove(self, key: str) -> None:
        if key in {self.primary[node] for node in NODES if node not in self.gone}:
            raise Refused("the key AAAA is in use", status=400)
        self._each(lambda node: self.keys[node].discard(key))

    def deaf(self) -> list[tuple[str, str]]:
        there = [node for node in NODES if node not in self.gone]
        return [(a, b) for a in there for b in there if self.primary[a] not in self.keys[b]]

    def _each(self, change: Callable[[str], object]) -> None:
        for node in NODES:
            if node not in self.away | self.gone:
                change(node)
                self._effect()


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.consul = FakeConsul(ConsulState(SimClock()))
        self.made = complete(None, cluster())
        self.consul.kv.put(SECRETS_KEY, dump(self.made))
        old = {"mgmt": self.made.consul_gossip[NetworkName.MGMT],
               "storage": self.made.consul_gossip[NetworkName.STORAGE],
               "nomad": self.made.nomad_gossip}  # fmt: skip
        self.pools = {
            name: Pool(old[name].get_secret_value(), self.effect, tells=name != "nomad")
            for name in POOLS
        }
        self.effects, self.dies_after = 0, -1
        self.down: set[str] = set()
        self.accepted: tuple[str, ...] = ()
        self.clock = SimClock()
        self.say: Callable[[str], object] = lambda sentence: None
        monkeypatch.setattr(gossip, "_keyrings", lambda context: iter(self.pools.items()))

    def effect(self) -> None:
        self.effects += 1
        assert not any(pool.deaf() for pool in self.pools.values())
        if self.effects == self.dies_after:
            raise Crash

    def commit(self, txn: Txn) -> TxnResult:
        done = txn.commit()
        self.effect()
        return done

    def context(self, operation: str = "01A") -> Any:
        networks = dict.fromkeys((NetworkName.MGMT, NetworkName.STORAGE), self.consul)
        return SimpleNamespace(
            operation=SimpleNamespace(id=operation, accepted=self.accepted),
            consul=self.consul, networks=networks,
            records=ClusterRecords(self.consul, self.commit),
            view=lambda: view(zones=ZONES, down=self.down), say=self.say,
        )  # fmt: skip

    def run(self, operation: str = "01A") -> None:
        context = self.context(operation)
        for step in STEPS:
            if step.probe(context).need is Need.NEEDED:
                step.apply(context, deadline(self))
                assert step.probe(context).need is Need.DONE, step.name

    def secrets(self) -> Secrets:
        return ClusterRecords(self.consul).secrets()

    def kept(self) -> dict[str, str]:
        secrets = self.secrets()
        keys = {net.value: key for net, key in secrets.consul_gossip.items()}
        return {name: key.get_secret_value() for name, key in
                {**keys, "nomad": secrets.nomad_gossip}.items()}  # fmt: skip

    def rings(self) -> Iterator[tuple[str, set[str]]]:
        for name, pool in self.pools.items():
            for node in NODES:
                yield name, pool.keys[node]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def deadline(world: World) -> Deadline:
    return Deadline(60.0, Clock(world.clock.now, world.clock.advance))


def lose(world: World, node: str) -> None:
    world.down = {node}
    for pool in world.pools.values():
        pool.gone = {node}


def find(world: World, node: str) -> None:
    world.down = world.down - {node}
    for pool in world.pools.values():
        pool.gone = pool.gone - {node}


def rotated(world: World, before: dict[str, str]) -> None:
    after = world.kept()
    assert all(after[name] != before[name] for name in POOLS)
    assert len(set(after.values())) == len(POOLS)
    assert all(keys == {after[name]} for name, keys in world.rings())


def test_every_pool_has_the_new_key_alone(world: World) -> None:
    before = world.kept()
    world.run()
    rotated(world, before)
    assert world.secrets().consul_agents == world.made.consul_agents
    effects = world.effects
    world.run()
    assert world.effects == effects
    between = world.kept()
    world.run("01B")
    rotated(world, between)


@pytest.mark.parametrize("moment", range(1, 3 * 3 * 3 + 3))
def test_another_leader_goes_on_with_the_same_keys(world: World, moment: int) -> None:
    before, world.dies_after = world.kept(), moment
    try:
        world.run()
    except Crash:
        kept = world.consul.kv.get(gossip.KEY)
        world.run()
        assert world.consul.kv.get(gossip.KEY) == kept
    else:
        assert moment > world.effects
    rotated(world, before)


def test_a_key_is_not_used_before_everybody_has_it(world: World) -> None:
    before = world.kept()
    world.pools["storage"].away = {"n3"}
    context = world.context()
    MakeKeys().apply(context, Deadline(1.0, Clock()))
    Install().apply(context, Deadline(1.0, Clock()))
    assert "storage" in Install().probe(context).reason
    with pytest.raises(Temporary, match="storage"):
        Use().apply(context, Deadline(1.0, Clock()))
    assert world.kept() == before
    world.pools["storage"].away = set()
    world.run()
    rotated(world, before)


@pytest.mark.parametrize("done", range(1, len(STEPS)))
def test_a_node_that_loses_power_meanwhile_is_not_locked_out(world: World, done: int) -> None:
    before, context, told = world.kept(), world.context(), []
    for step in STEPS[:done]:
        step.apply(context, deadline(world))
    lose(world, "n3")

    def back(sentence: str) -> None:
        told.append(sentence)
        find(world, "n3")

    world.say = back
    world.run()
    rotated(world, before)
    assert told == ["waiting: n3 not there: it would be locked out"]


def test_an_agent_that_starts_is_waited_for_although_its_host_is_there(world: World) -> None:
    context = world.context()
    MakeKeys().apply(context, deadline(world))
    world.pools["nomad"].gone = {"n3"}
    Install().apply(context, deadline(world))
    assert "nomad" in Install().probe(context).reason
    world.pools["nomad"].gone = set()
    world.run()
    assert all(len(keys) == 1 for _, keys in world.rings())


def test_an_agent_that_comes_back_last_speaks_with_the_new_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the new key, was not there when it came into use, and its pool does not tell."""
    before, context = world.kept(), world.context()
    for step in (MakeKeys(), Install()):
        step.apply(context, deadline(world))
    world.pools["nomad"].gone = {"n3"}
    Use().apply(context, deadline(world))
    looks = iter(range(3))
    ring = Pool.ring

    def slowly(pool: Pool) -> Ring:
        if pool is world.pools["nomad"] and next(looks, None) is None:
            pool.gone = set()
        return ring(pool)

    monkeypatch.setattr(Pool, "ring", slowly)
    RemoveOld().apply(context, deadline(world))
    rotated(world, before)
    after = world.kept()
    assert all(set(pool.primary.values()) == {after[name]} for name, pool in world.pools.items())


def test_who_stays_away_is_not_waited_for_for_ever(world: World) -> None:
    context = world.context()
    MakeKeys().apply(context, deadline(world))
    lose(world, "n3")
    with pytest.raises(DeadlinePassed) as error:
        Install().apply(context, deadline(world))
    assert "bob op abort" in error.value.cure


def test_who_was_given_up_by_name_is_left_behind(world: World) -> None:
    lose(world, "n3")
    world.accepted = (ABSENT_NODES,)
    before = world.kept()
    world.run()
    after = world.kept()
    assert all(after[name] != before[name] for name in POOLS)


def test_words_of_a_refusal_are_not_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    context = world.context()
    for step in (MakeKeys(), Install()):
        step.apply(context, deadline(world))
    monkeypatch.setattr(Pool, "use", lambda pool, key: None)
    with pytest.raises(Temporary) as error:
        RemoveOld().apply(context, Deadline(1.0, Clock()))
    assert "AAAA" not in str(error.value)


def test_keys_of_another_operation_are_not_used(world: World) -> None:
    MakeKeys().apply(world.context("01B"), Deadline(1.0, Clock()))
    with pytest.raises(Permanent, match="replaced by another operation"):
        Use().probe(world.context("01A"))
