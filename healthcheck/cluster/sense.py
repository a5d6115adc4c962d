"""Looks at the whole cluster through the agents of this node, part by part."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bob import logs
from bob.clients.consul import Consul, KvEntry, Member, MemberStatus
from bob.clients.nomad import Nomad
from bob.clients.quorum import RaftConfiguration
from bob.election import LEADER_KEY
from bob.errors import BobError, Temporary
from healthcheck.cluster import services
from healthcheck.cluster.facts import ClusterFacts, ConsulFacts, NomadFacts, Wished
from healthcheck.config import HealthConfig, OwnNetwork
from healthcheck.node.children import Children
from healthcheck.probing import Outcome, Probe, Prober, missing

NODES = "bob/nodes/"
NOMAD_TOKEN = "bob/secret/parts/healthcheck/nomad"  # noqa: S105 - a key, not a secret
CALL_SECONDS = 4.0
POOLS, CONSUL, NOMAD, ANSWERS, CEPH = "networks", "Consul", "Nomad", "services", "Ceph"


class ClusterSensor:
    """`step` starts what is due, `facts` is what is known; both belong to one thread."""

    def __init__(self, config: HealthConfig, now: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._children = Children()
        self._networks = {
            network.name: Consul.light(
                f"http://127.0.0.1:{network.http_port}", config.token, timeout=CALL_SECONDS
            )
            for network in config.networks
        }
        self._consul = next(iter(self._networks.values()))
        self._prober = Prober(self._probes(), now)

    def step(self) -> None:
        """Start the probes that are due."""
        self._prober.step()

    def facts(self) -> ClusterFacts:
        """What is known now."""
        outcomes = self._prober.outcomes()
        return ClusterFacts(
            pools=outcomes[POOLS].value,
            consul=outcomes[CONSUL].value,
            nomad=outcomes[NOMAD].value,
            answers=outcomes[ANSWERS].value or (),
            ceph=_first(outcomes[CEPH]),
            missing=missing(outcomes),
        )

    def complete(self) -> bool:
        """Every probe has come to an end at least once, or is late."""
        return all(outcome.known for outcome in self._prober.outcomes().values())

    def _probes(self) -> tuple[Probe, ...]:
        """Seconds between two looks, and after how many a look counts as hung."""
        return (
            Probe(POOLS, self._pools, 3, 15),
            Probe(CONSUL, self._ask_consul, 5, 20),
            Probe(NOMAD, self._ask_nomad, 5, 20),
            Probe(ANSWERS, lambda: services.ask(self._consul), 15, 60),
            Probe(CEPH, lambda: (services.ceph(self._children),), 30, 40),
        )

    def _pools(self) -> Mapping[str, tuple[Member, ...]]:
        """The members of each network as whoever sees most of them alive.

        A node that is cut off a network sees all others as failed there, and may be this one.
        """
        own = {name: consul.agent.members() for name, consul in self._networks.items()}
        servers = [m for m in next(iter(own.values())) if m.server and _alive(m)]
        found = dict(own)
        for network in self._config.networks:
            if all(_alive(member) for member in own[network.name]):
                continue
            views = [own[network.name]]
            for server in servers:
                if server.name != self._config.node:
                    views += self._view_of(server, network)
            found[network.name] = max(views, key=lambda view: sum(map(_alive, view)))
        return found

    def _view_of(self, server: Member, network: OwnNetwork) -> list[tuple[Member, ...]]:
        """What another server sees on a network; nothing when it does not answer."""
        consul = Consul.light(
            f"https://{server.address}:{network.https_port}", self._config.token,
            Path(self._config.consul_ca), CALL_SECONDS,
        )  # fmt: skip
        try:
            return [consul.agent.members()]
        except BobError as error:
            logs.get().debug("not told", server=server.name, error=str(error))
            return []

    def _ask_consul(self) -> ConsulFacts:
        consul = self._consul
        raft = consul.operator.raft(stale=True)
        lock = consul.kv.get(LEADER_KEY)
        return ConsulFacts(
            leader=_leader(raft),
            voters=raft.voters,
            wishes={
                entry.key.removeprefix(NODES): _wished(entry) for entry in consul.kv.list(NODES)
            },
            checks=consul.catalog.checks(stale=True),
            robot=bool(lock and lock.session),
        )

    def _ask_nomad(self) -> NomadFacts:
        entry = self._consul.kv.get(NOMAD_TOKEN)
        if entry is None:
            raise Temporary("it has no token yet; bob init with the same inventory makes one")
        nomad = Nomad.light(
            self._config.nomad, entry.value.decode(), Path(self._config.nomad_ca), CALL_SECONDS
        )
        # Nomad shows its raft to the management token alone, but the addresses in it to anybody.
        leader, peers = nomad.leader(), nomad.peers()
        servers = {_host(server.address): server.name for server in nomad.state.servers()}
        return NomadFacts(
            leader=servers.get(_host(leader), leader),
            voters=frozenset(servers.get(_host(peer), peer) for peer in peers),
            nodes=nomad.state.nodes(stale=True),
            jobs=nomad.state.job_states(stale=True),
        )


def _alive(member: Member) -> bool:
    return member.status is MemberStatus.ALIVE


def _wished(entry: KvEntry) -> Wished:
    document: Mapping[str, Any] = json.loads(entry.value)
    return Wished(str(document.get("role", "client")), str(document.get("state", "member")))


def _leader(raft: RaftConfiguration) -> str:
    return raft.leader.name if raft.leader else ""


def _host(address: str) -> str:
    """Of "ip:port", or of an address alone."""
    return address.rpartition(":")[0] or address


def _first(outcome: Outcome) -> Any:
    """Ceph's answer is None where there is no Ceph, which is an answer too."""
    return outcome.value[0] if outcome.value else None
