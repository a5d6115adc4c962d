"""What is left: which hosts answer and hold which raft, and who is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bob.clients.consul import Consul
from bob.clients.fleet import Fleet
from bob.clients.http import Refused
from bob.clients.nomad import Nomad
from bob.clients.ssh import Host, quote
from bob.errors import GuardRefused, Permanent, PreflightRefused, Temporary
from bob.ops.servers.judge import majority
from bob.provision.agents import DATA_ROOT, NOMAD_UNIT, consul_agent, consul_agents
from bob.waiting import Deadline, pause
from inventory import Cluster, NetworkName

QUORUM_LOSS = "quorum-loss"
# A raft that has lost `peers.info` would delete our file unread: it takes itself for a new one.
MARK = "raft/peers.info"
LOOK_SECONDS = 20.0
ELECTION_SECONDS = 10.0  # a raft that elects a leader in time is not broken; 4 s are usual


@dataclass(frozen=True)
class Raft:
    """One raft by the unit of its servers. `voters` are names of nodes, as a survivor knows them.

    `led`: somebody leads it, so it needs no recovery.
    """

    unit: str
    voters: tuple[str, ...]
    led: bool


@dataclass(frozen=True)
class Survey:
    """`holders` are the units whose raft a host holds, by host; hosts without an answer are not."""

    rafts: tuple[Raft, ...]
    holders: Mapping[str, frozenset[str]]

    @property
    def broken(self) -> tuple[Raft, ...]:
        """The rafts that nobody leads."""
        return tuple(raft for raft in self.rafts if not raft.led)

    @property
    def survivors(self) -> tuple[str, ...]:
        """The hosts that hold every broken raft and were voters of it."""
        return tuple(
            host for host, units in self.holders.items()
            if all(raft.unit in units and host in raft.voters for raft in self.broken)
        )  # fmt: skip

    @property
    def lost(self) -> tuple[str, ...]:
        """The voters that hold nothing any more, or do not answer."""
        voters = dict.fromkeys(name for raft in self.broken for name in raft.voters)
        return tuple(name for name in voters if name not in self.survivors)


def judge(survey: Survey, accepted: Iterable[str]) -> None:
    """Raise unless there is something to recover from, and nothing heals by itself."""
    if not survey.survivors:
        raise PreflightRefused(
            f"none of the servers ({', '.join(survey.lost)}) can be reached with its data",
            cure="Bring one of them up. When all are gone: bob init, then bob restore.",
        )
    for raft in survey.broken:
        there = [name for name in raft.voters if name in survey.survivors]
        if len(there) >= majority(len(raft.voters)):
            raise PreflightRefused(
                f"{', '.join(there)} of {', '.join(raft.voters)} are up: a majority, which elects "
                f"a leader of {raft.unit} by itself",
                cure=f"Wait a minute. If nothing happens: journalctl -u {raft.unit} on them.",
            )
    if QUORUM_LOSS not in accepted:
        raise GuardRefused(
            f"only {', '.join(survey.survivors)} of the servers would count from now on. What "
            f"{', '.join(survey.lost)} alone knew is lost, and a cluster of their own must never "
            "come back beside this one",
            cure="If any of them can be brought back, do that instead. If not, keep them off, or "
            f"wipe them before they are switched on. Then add: --accept {QUORUM_LOSS}",
        )


def look(
    cluster: Cluster, fleet: Fleet, consul: Mapping[NetworkName, Consul], nomad: Nomad
) -> Survey:
    """Ask every host, and the APIs of those that serve."""
    script = "".join(
        f"[ -e {quote(f'{place}/{MARK}')} ] && echo {unit}\n" for unit, place in _places(cluster)
    )

    def held(host: Host) -> frozenset[str]:
        return frozenset(host.run(f"{script}:\n", timeout=LOOK_SECONDS).stdout.split())

    holders, _ = fleet.attempt(held)
    clients: dict[str, Consul | Nomad] = {consul_agent(n).unit: c for n, c in consul.items()}
    units: dict[str, Consul | Nomad] = {**clients, NOMAD_UNIT: nomad}
    with ThreadPoolExecutor(len(units)) as pool:
        rafts = tuple(pool.map(_raft, units, units.values()))
    return Survey(rafts, {host: units for host, units in holders.items() if units})


def raft_folder(unit: str) -> str:
    """Where a unit keeps its raft."""
    inner = "server/raft" if unit == NOMAD_UNIT else "raft"
    return f"{DATA_ROOT}/{unit}/{inner}"


def leader_of(client: Consul | Nomad) -> str:
    """Address of the leader, or "" without one or without an answer."""
    try:
        return client.leader()
    except Temporary:
        return ""


def _places(cluster: Cluster) -> list[tuple[str, str]]:
    units = [*(agent.unit for agent in consul_agents(cluster)), NOMAD_UNIT]
    return [(unit, raft_folder(unit).removesuffix("/raft")) for unit in units]


def _raft(unit: str, client: Consul | Nomad) -> Raft:
    try:
        voters = client.operator.raft(stale=True).voters
    except (Temporary, Refused) as error:
        raise Permanent(
            f"no server tells who belongs to {unit}: {error}",
            cure="Start its unit on the hosts that are left: it answers also without a leader.",
        ) from error
    patience = Deadline(ELECTION_SECONDS)
    while not (led := bool(leader_of(client))) and not patience.passed():
        pause(ELECTION_SECONDS / 20, patience.clock)
    return Raft(unit, tuple(sorted(voters)), led)
