"""Looks at this node all the time, and gives what is known as one snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from healthcheck.config import HealthConfig
from healthcheck.node import disks, echo, host
from healthcheck.node.children import Children
from healthcheck.node.facts import Echo, Memory, Nic, NodeFacts, Unit
from healthcheck.node.judge_networks import neighbours
from healthcheck.node.link_watch import LinkWatch
from healthcheck.node.members import Pools
from healthcheck.node.recent import Recent
from healthcheck.probing import Outcome, Probe, Prober, missing

PATIENT_SECONDS = 20.0  # a neighbour is asked every five
LINKS, POOLS, ECHOES = "links", "neighbours", "echo"
SPACES, DISKS, MEMORY, CLOCK, UNITS = "file systems", "disks", "memory", "clock", "units"


class NodeSensor:
    """`step` starts what is due, `facts` is what is known; both belong to one thread."""

    def __init__(self, config: HealthConfig, now: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._now = now
        self._children = Children()
        self._pools = Pools(config.networks, config.token)
        self._recent = Recent()
        self._heard: dict[tuple[str, str], tuple[float, Echo]] = {}
        self.links = LinkWatch(config.networks, self._children, lambda: self._prober.soon(LINKS))
        self._prober = Prober(self._probes(), now)

    def step(self) -> None:
        """Start the probes that are due."""
        self._prober.step()

    def facts(self) -> NodeFacts:
        """What is known now."""
        outcomes = self._prober.outcomes()
        self._recent.note(self._now(), _counters(outcomes))
        return facts_of(self._config, outcomes, self._recent.risen(self._now()))

    def complete(self) -> bool:
        """Every probe has come to an end at least once, or is late."""
        return all(outcome.known for outcome in self._prober.outcomes().values())

    def _probes(self) -> tuple[Probe, ...]:
        """Seconds between two looks, and after how many a look counts as hung."""
        names, children = self._config.units, self._children
        return (
            # The kernel tells of changes; this is for what it did not tell.
            Probe(LINKS, self.links.sense, 300, 20),
            Probe(POOLS, self._pools.sense, 3, 10),
            Probe(ECHOES, self._echoes, 5, 10),
            Probe(SPACES, lambda: disks.spaces(children), 30, 20),
            Probe(DISKS, lambda: disks.disks(children), 900, 60),
            Probe(MEMORY, host.memory, 15, 5),
            Probe(CLOCK, host.clock, 60, 5),
            Probe(UNITS, lambda: host.units(children, names), 10, 15),
        )

    def _echoes(self) -> echo.Echoes:
        facts = facts_of(self._config, self._prober.outcomes(), {})
        asked = {
            (network, member.name): member.address
            for network in facts.addresses
            for member in neighbours(facts, network)
        }
        found = echo.ask(self._config.echo_port, self._config.networks, asked)
        now = self._now()
        self._heard |= {who: (now, one) for who, one in found.items()}
        self._heard = {
            who: (moment, one)
            for who, (moment, one) in self._heard.items()
            if who in asked and now - moment <= PATIENT_SECONDS
        }
        return {who: replace(one, fresh=who in found) for who, (_, one) in self._heard.items()}


def facts_of(
    config: HealthConfig,
    outcomes: Mapping[str, Outcome],
    recent: Mapping[tuple[str, str], int],
) -> NodeFacts:
    """A snapshot of what the probes have found."""

    def value(name: str) -> Any:
        return outcomes[name].value

    return NodeFacts(
        node=config.node,
        addresses={network.name: network.address for network in config.networks},
        nics=value(LINKS),
        pools=value(POOLS),
        echoes=value(ECHOES),
        spaces=value(SPACES),
        disks=value(DISKS),
        memory=value(MEMORY),
        clock=value(CLOCK),
        units=value(UNITS),
        recent=recent,
        missing=missing(outcomes),
    )


def _counters(outcomes: Mapping[str, Outcome]) -> Mapping[tuple[str, str], int]:
    """What only rises; `Recent` tells how much of it is new."""
    nics: Mapping[str, Nic | None] = outcomes[LINKS].value or {}
    units: tuple[Unit, ...] = outcomes[UNITS].value or ()
    memory: Memory | None = outcomes[MEMORY].value
    found = {("link", network): nic.changes for network, nic in nics.items() if nic}
    found |= {("restarts", unit.name): unit.restarts for unit in units}
    if memory:
        found["killed", ""] = memory.killed
    return found
