"""What a wish to add a node says: the parameters of the operation `add-node`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bob.errors import UsageError
from bob.ops.kind import Request
from inventory import Cluster, Node
from inventory.values import Port

PASSWORD = {"bmc": {"password"}}  # never in a record: operators read those


class Reach(BaseModel):
    """How the leader reaches the host by SSH. `host_key` as in `bob.clients.ssh.Login`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    port: Port = 22
    user: str = "root"
    host_key: str


class Wanted(BaseModel):
    """A node as wished.

    `claim` is what hosts of the cluster hold in their claim file. `again`: the node was a member,
    and its host has been installed anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: Node
    ssh: Reach
    claim: str
    again: bool = False

    @classmethod
    def of(cls, request: Request) -> Wanted:
        """What a request says. Raises `UsageError`."""
        try:
            wanted = cls.model_validate(dict(request.params))
        except ValidationError as error:
            raise UsageError(
                f"{request.kind} {request.target}: {describe(error)}",
                cure="Use bob add-node, which asks the host for the rest.",
            ) from None
        if wanted.node.name != request.target:
            raise UsageError(f"the node is called {wanted.node.name}, not {request.target}")
        return wanted

    def params(self) -> dict[str, Any]:
        """As parameters of a request."""
        return self.model_dump(mode="json", exclude={"node": PASSWORD})


def describe(error: ValidationError) -> str:
    """What is wrong with values that an operator gave, in one line."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    )


def with_node(cluster: Cluster, node: Node) -> Cluster:
    """The inventory with this node, in the place of a former one of its name."""
    if all(known.name != node.name for known in cluster.nodes):
        return cluster.model_copy(update={"nodes": (*cluster.nodes, node)})
    nodes = tuple(node if known.name == node.name else known for known in cluster.nodes)
    return cluster.model_copy(update={"nodes": nodes})
