"""New gossip keys: install everywhere, use, write down, remove the old ones.

bob/secret/rotation/gossip    the operation and its keys, so that any leader goes on with the same
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from bob.clients.http import Refused
from bob.clients.keyring import ConsulKeyring, Keyring, NomadKeyring
from bob.errors import Permanent, Temporary
from bob.ops.context import OperationContext
from bob.ops.rotation.absence import CURE, RETURN_SECONDS, accepted, await_everybody, lacking
from bob.ops.servers.settle import Refresh
from bob.ops.servers.step import LOOK_SECONDS
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision.access import SECRET_KEYS
from bob.provision.secrets import Secrets, new_gossip_key
from bob.waiting import Deadline, wait_for
from inventory import NetworkName
from inventory.values import FrozenMapping

KEY = f"{SECRET_KEYS}rotation/gossip"
NOMAD = "nomad"


@dataclass(frozen=True)
class Pool:
    """One gossip pool with the key that it shall use."""

    name: str
    keyring: Keyring
    wanted: str = field(repr=False)


class MakeKeys(Step[OperationContext]):
    """Made once for each operation, before any node has one."""

    name = "make"
    title = "Make a new gossip key for every network and for Nomad"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        return DONE if _kept(context) else needed("there are no new keys yet")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        pools = [network.value for network in context.networks] + [NOMAD]
        keys = {pool: new_gossip_key().get_secret_value() for pool in pools}
        document = {"operation": context.operation.id, "keys": keys}
        context.records.put(KEY, json.dumps(document))


class Install(Step[OperationContext]):
    """A node that lacks the key would be deaf as soon as it is used."""

    name = "install"
    title = "Give the new keys to every agent"
    timeout = RETURN_SECONDS

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`. A ring counts only who answers: those who are away are looked for."""
        if reason := lacking(context):
            return needed(reason)
        without = [pool.name for pool in _without(context)]
        return needed(f"not everybody has the key of {', '.join(without)}") if without else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        await_everybody(context, deadline)
        for pool in _without(context):
            pool.keyring.install(pool.wanted)


class Use(Step[OperationContext]):
    """From here on the old keys decrypt only what is under way."""

    name = "use"
    title = "Encrypt with the new keys"

    def probe(self, context: OperationContext) -> Probe:
        """Nomad does not tell which key it uses: there, what is written down counts."""
        told = context.records.secrets().nomad_gossip.get_secret_value()
        for pool in _pools(context):
            uses = pool.keyring.ring().uses(pool.wanted)
            if uses is False or (uses is None and told != pool.wanted):
                return needed(f"{pool.name} uses another key")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """The secrets are written last: they say that everybody uses the new keys."""
        pools = _pools(context)
        for pool in pools:
            if not pool.keyring.ring().has(pool.wanted):
                raise Temporary(f"not everybody has the key of {pool.name}")
            pool.keyring.use(pool.wanted)
        keys = {pool.name: SecretStr(pool.wanted) for pool in pools}
        context.records.change_secrets(lambda known: _with_keys(known, keys))


class WriteKeys(Refresh):
    """The files count for agents that lose their data; those that run have the keys already."""

    title = "Write the new keys into the configuration of every node"


class RemoveOld(Step[OperationContext]):
    """Whoever knows an old key can no longer listen or speak.

    A node that was away while the new ones came into use has them, but still speaks with an old
    one: it is told again, as soon as it is in its pool, which is later than its host is there.
    """

    name = "remove"
    title = "Take the old keys away"
    timeout = RETURN_SECONDS

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        left = [p.name for p in _pools(context) if p.keyring.ring().others(p.wanted)]
        return needed(f"{', '.join(left)} has old keys") if left else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        await_everybody(context, deadline)
        pools, members = _pools(context), _members(context)
        wait_for(
            lambda: all(pool.keyring.ring().nodes >= members[pool.name] for pool in pools),
            what="every agent in its pool", deadline=deadline, interval=LOOK_SECONDS, cure=CURE,
        )  # fmt: skip
        for pool in pools:
            ring = pool.keyring.ring()
            if not ring.uses(pool.wanted):
                pool.keyring.use(pool.wanted)
            for old in ring.others(pool.wanted):
                try:
                    pool.keyring.remove(old)
                except Refused as refusal:  # its words may hold the key
                    raise Temporary(f"{pool.name} keeps an old key ({refusal.status})") from None


STEPS = (MakeKeys(), Install(), Use(), WriteKeys(""), RemoveOld())


def _kept(context: OperationContext) -> dict[str, str]:
    """The keys of this operation; none before they are made."""
    entry = context.consul.kv.get(KEY)
    document = entry.json() if entry else {}
    keys: dict[str, str] = document.get("keys", {})
    return keys if document.get("operation") == context.operation.id else {}


def _pools(context: OperationContext) -> list[Pool]:
    keys = _kept(context)
    if not keys:
        raise Permanent(f"{KEY} was replaced by another operation", cure="Rotate once more.")
    return [Pool(name, keyring, keys[name]) for name, keyring in _keyrings(context)]


def _without(context: OperationContext) -> list[Pool]:
    """The pools in which not every member that there should be has the key."""
    members = _members(context)

    def has(pool: Pool) -> bool:
        ring = pool.keyring.ring()
        return ring.has(pool.wanted) and ring.nodes >= members[pool.name]

    return [pool for pool in _pools(context) if not has(pool)]


def _members(context: OperationContext) -> dict[str, int]:
    """How many agents have to be in each pool: whoever was given up by name may be missing.

    An agent that has just started is not in its pool yet, although its host is there.
    """
    if accepted(context):
        return dict.fromkeys(_kept(context), 0)
    view = context.view()
    return {pool: len(view.servers if pool == NOMAD else view.wishes) for pool in _kept(context)}


def _keyrings(context: OperationContext) -> Iterator[tuple[str, Keyring]]:
    for network, consul in context.networks.items():
        yield network.value, ConsulKeyring(consul.http)
    yield NOMAD, NomadKeyring(context.nomad.http)


def _with_keys(known: Secrets, keys: dict[str, SecretStr]) -> Secrets:
    networks = {NetworkName(name): key for name, key in keys.items() if name != NOMAD}
    return known.model_copy(
        update={"consul_gossip": FrozenMapping(networks), "nomad_gossip": keys[NOMAD]}
    )
