"""New tokens: another one for everything that agents and people use, and the old ones by name."""

from __future__ import annotations

import itertools

from provision_samples import SERVERS, describe
from pydantic import SecretStr

from bob.provision.access import consul_access
from bob.provision.renewing import REMEMBERED, outdated_accessors, renewed
from bob.provision.secrets import Secrets, complete
from inventory import NetworkName

CLUSTER = describe()
NUMBERS = itertools.count()
FIRST = complete(None, CLUSTER)
KEPT = {"cluster", "consul_gossip", "nomad_gossip", "consul_management", "nomad_management",
        "ssh_key"}  # fmt: skip


def later(known: Secrets, times: int = 1) -> Secrets:
    for _ in range(times):
        known = renewed(known, lambda: SecretStr(f"token {next(NUMBERS)}"))
    return known


def accessors(network: NetworkName, known: Secrets, *, people: bool) -> set[str]:
    return {
        token.accessor_id for token in consul_access(CLUSTER, network, SERVERS, known).tokens
        if (token.description in ("operator", "requests")) is people
    }  # fmt: skip


def outdated(known: Secrets, network: NetworkName, *, people: bool = False) -> frozenset[str]:
    return outdated_accessors(CLUSTER, network, SERVERS, known, people=people)


def test_every_token_but_the_way_in_is_another_one() -> None:
    second = later(FIRST)
    assert second.generation == FIRST.generation + 1
    same = {name for name, value in FIRST if getattr(second, name) == value}
    assert same == KEPT
    for network in NetworkName:
        tokens = consul_access(CLUSTER, network, SERVERS, second).tokens
        before = consul_access(CLUSTER, network, SERVERS, FIRST).tokens
        assert len({token.secret_id for token in tokens}) == len(tokens)
        assert not {t.secret_id for t in tokens} & {t.secret_id for t in before}
        assert not {t.accessor_id for t in tokens} & {t.accessor_id for t in before}


def test_nothing_is_outdated_at_first() -> None:
    assert outdated(FIRST, NetworkName.MGMT) == frozenset()


def test_tokens_of_agents_and_of_people_end_apart() -> None:
    second = later(FIRST)
    for network in NetworkName:
        for people in (False, True):
            old = outdated(second, network, people=people)
            assert old == accessors(network, FIRST, people=people)
            assert not old & accessors(network, second, people=people)


def test_an_earlier_rotation_that_stopped_is_made_up_for() -> None:
    third = later(FIRST, 2)
    old = outdated(third, NetworkName.MGMT)
    for known in (FIRST, later(FIRST)):
        assert accessors(NetworkName.MGMT, known, people=False) <= old


def test_only_some_generations_are_looked_for() -> None:
    much_later = later(FIRST, REMEMBERED + 1)
    assert not outdated(much_later, NetworkName.MGMT) & accessors(
        NetworkName.MGMT, FIRST, people=False
    )
