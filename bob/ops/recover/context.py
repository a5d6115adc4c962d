"""What the steps of `bob recover-quorum` share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bob.clients.consul import Consul
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad
from bob.context import INVENTORY_FILE, Context, KnownNode
from bob.errors import UsageError
from bob.ops.cluster_records import ClusterRecords
from bob.ops.file_store import FileStore
from bob.ops.record import Operation
from bob.provision.agents import NOMAD_UNIT, consul_agent
from bob.provision.private_files import read_private
from inventory import Cluster, NetworkName

ANSWER_SECONDS = 5.0


def inventory_of(folder: Path) -> Cluster:
    """The inventory as this machine knows it. Raises `UsageError`."""
    content = read_private(folder / INVENTORY_FILE)
    if content is None:
        raise UsageError(
            f"there is no {folder / INVENTORY_FILE}",
            cure="Run this on the machine that made the cluster, or put back a copy of its folder.",
        )
    return Cluster.model_validate_json(content)


@dataclass
class RecoverContext:
    """One run. Until an operation is there, all nodes are asked; later only its survivors."""

    known: Context
    cluster: Cluster
    fleet: Fleet
    store: FileStore
    operation: Operation | None = None

    @property
    def survivors(self) -> tuple[str, ...]:
        """The servers that count from now on."""
        return tuple(self._params["survivors"])

    @property
    def lost(self) -> tuple[str, ...]:
        """The servers that count no more."""
        return tuple(self._params["lost"])

    @property
    def units(self) -> tuple[str, ...]:
        """The units whose raft is to be made anew."""
        return tuple(self._params["units"])

    @cached_property
    def networks(self) -> dict[NetworkName, Consul]:
        """The Consul API of each network, with the right to do everything."""
        secrets = self.known.secrets()
        return {
            network: Consul.any(
                [self.known.consul_url(node, network) for node in self._asked()],
                secrets.consul_management[network].get_secret_value(),
                self.known.consul_ca_file,
                ANSWER_SECONDS,
            )
            for network in self.cluster.network_names()
        }

    @cached_property
    def nomad(self) -> Nomad:
        """The Nomad API, with the right to do everything."""
        token = self.known.secrets().nomad_management.get_secret_value()
        urls = [self.known.nomad_url(node) for node in self._asked()]
        return Nomad.any(urls, token, self.known.nomad_ca_file, ANSWER_SECONDS)

    @property
    def records(self) -> ClusterRecords:
        """The cluster's own description; nobody leads, so nobody is asked to agree."""
        return ClusterRecords(self.networks[NetworkName.MGMT])

    def client(self, unit: str) -> Consul | Nomad:
        """The API behind a unit."""
        if unit == NOMAD_UNIT:
            return self.nomad
        return next(c for net, c in self.networks.items() if consul_agent(net).unit == unit)

    @property
    def _params(self) -> dict[str, Any]:
        if self.operation is None:
            raise ValueError("no operation yet")
        return self.operation.params

    def _asked(self) -> list[KnownNode]:
        names = self.survivors if self.operation else [node.name for node in self.known.nodes]
        return [node for node in self.known.nodes if node.name in names]
