"""Whom the Consul agents of this node see, one agent for each network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bob.clients.consul import Consul, Member
from bob.errors import BobError
from healthcheck.config import OwnNetwork
from healthcheck.node.facts import Pool

CALL_SECONDS = 2.0  # an agent answers from its own memory


class Pools:
    """Remembers the last members, so that neighbours can be asked while an agent is down."""

    def __init__(self, networks: Sequence[OwnNetwork], token: str) -> None:
        self._agents = {
            network.name: Consul.light(
                f"http://127.0.0.1:{network.http_port}", token, timeout=CALL_SECONDS
            )
            for network in networks
        }
        self._last: dict[str, tuple[Member, ...]] = {}

    def sense(self) -> Mapping[str, Pool]:
        """Every network, whatever became of its agent."""
        return {name: self._ask(name, consul) for name, consul in self._agents.items()}

    def _ask(self, network: str, consul: Consul) -> Pool:
        try:
            self._last[network] = consul.agent.members()
        except BobError as error:
            return Pool(self._last.get(network, ()), error.message)
        return Pool(self._last[network])
