"""What bob-agent has to know before it can ask Consul: written by `bob init`, read at its start."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from bob.errors import Permanent
from bob.provision.agents import BOB_CONFIG_DIR
from bob.provision.private_files import read_private
from bob.provision.secrets import Secret, Secrets
from inventory.model import Cluster, NetworkName, Node
from inventory.values import FrozenMap, FrozenMapping

CONFIG_FILE = BOB_CONFIG_DIR / "agent.json"


class AgentConfig(BaseModel):
    """The agents of Consul are on the loopback address, one port per network."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    cluster: str
    node: str
    networks: tuple[NetworkName, ...]
    token: Secret
    """Consul token of this node, valid on mgmt."""
    robot: FrozenMap[NetworkName, Secret] = FrozenMapping({})
    """Consul token with the right to do everything, by network: on servers only."""

    @classmethod
    def of(
        cls, cluster: Cluster, node: Node, servers: Sequence[str], secrets: Secrets
    ) -> AgentConfig:
        """The configuration of one node. `servers` are names of nodes."""
        networks = cluster.network_names()
        leads = node.name in servers
        return cls(
            cluster=cluster.name,
            node=node.name,
            networks=networks,
            token=secrets.bob_agents[node.name],
            robot=FrozenMapping({name: secrets.robot[name] for name in networks if leads}),
        )

    @classmethod
    def load(cls, path: Path) -> AgentConfig:
        """Read it on the node. Raises `Permanent`, or `Exposed` when others may read the file."""
        cure = "Write it again with bob init on the operator's machine."
        content = read_private(path)
        if content is None:
            raise Permanent(f"there is no {path}", cure=cure)
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:  # its text is not shown: it may hold values
            places = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
            raise Permanent(f"{path} is damaged (at {places or 'its start'})", cure=cure) from None

    def content(self) -> bytes:
        """What the file holds; the same configuration gives the same bytes."""
        document = {
            "cluster": self.cluster,
            "node": self.node,
            "networks": [name.value for name in self.networks],
            "token": self.token.get_secret_value(),
            "robot": {name.value: _spelled(token) for name, token in self.robot.items()},
        }
        return json.dumps(document, indent=2).encode() + b"\n"


def _spelled(token: SecretStr) -> str:
    return token.get_secret_value()
