"""Prunes, on this server's own Consul agents, who is gone for good and no node any more.

An order to prune a member travels by gossip, which tells everybody of it a few times and then no
more: now and then a server never hears of it, and would list the removed node for three days
(seen about once in ten removals of five nodes; Serf syncs states, but not prunings). So every
server looks at its own lists. What is being added or removed has its key, and is left alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from bob import logs
from bob.clients.consul import Consul, MemberStatus
from bob.daemon.parts import Beat
from bob.errors import BobError
from bob.ops.cluster_records import NODES
from inventory import NetworkName

INTERVAL = 10.0  # a list of 300 members costs 5 ms of CPU for each network
PATIENCE = 60.0
GONE = frozenset({MemberStatus.LEFT, MemberStatus.FAILED})


class Forgetting:
    """`networks` has a client of this host's agent on each network, with the robot's rights."""

    def __init__(self, networks: Mapping[NetworkName, Consul]) -> None:
        self._networks = networks

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Look every few seconds until `stop`. What cannot be read now is read later."""
        beat(PATIENCE)
        while not stop.wait(INTERVAL):
            beat(PATIENCE)
            for network, consul in self._networks.items():
                try:
                    self._look(network, consul)
                except BobError as error:
                    logs.get().info("members not looked at", network=network, error=str(error))

    def _look(self, network: NetworkName, consul: Consul) -> None:
        gone = [member.name for member in consul.agent.members() if member.status in GONE]
        if not gone:
            return
        keys = self._networks[NetworkName.MGMT].kv.keys(NODES)
        for name in strangers(gone, (key.removeprefix(NODES) for key in keys)):
            logs.get().info("pruned", member=name, network=network)
            consul.agent.force_leave(name)


def strangers(gone: Iterable[str], nodes: Iterable[str]) -> list[str]:
    """Who of those that are gone is no node; nobody while the cluster knows none yet."""
    known = frozenset(nodes)
    return [name for name in gone if known and name not in known]
