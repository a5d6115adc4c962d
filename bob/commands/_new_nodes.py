"""The nodes that an operator names to `bob add-node`: blocks of an inventory, or options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bob.errors import UsageError

if TYPE_CHECKING:
    from bob.context import Context
    from inventory import Cluster, Node, Ssh


@dataclass(frozen=True)
class Options:
    """A node as given by options."""

    address: Sequence[str] = ()
    zone: str | None = None
    role: Sequence[str] = ()
    bmc: str | None = None
    bmc_password_file: Path | None = None

    @property
    def given(self) -> bool:
        """Whether any of them was used."""
        return any((self.address, self.zone, self.role, self.bmc, self.bmc_password_file))


def new_nodes(
    context: Context, names: Sequence[str], file: Path | None, options: Options
) -> tuple[tuple[Node, ...], Ssh]:
    """The nodes, and how their hosts are reached. Raises `UsageError`."""
    if len(set(names)) < len(names):
        raise UsageError("a node is named twice", cure="Name each node once.")
    if file is not None and options.given:
        raise UsageError(
            "a node comes from an inventory or from options, not from both",
            cure="Leave out --file, or the options that describe the node.",
        )
    if file is not None:
        return _from_file(context, names, file)
    if len(names) > 1 or not options.address:
        raise UsageError(
            "where are the new nodes described?",
            cure="Name an inventory with their blocks: bob add-node n6 -f cluster.yaml; or describe"
            " one node: bob add-node n6 --address mgmt=10.0.0.16 --zone b",
        )
    return (_from_options(names[0], options),), _kept(context).ssh


def block(node: Node) -> str:
    """The node as it is written in an inventory."""
    import yaml

    content = node.model_dump(mode="json", exclude_defaults=True, exclude={"bmc": {"password"}})
    return yaml.safe_dump([content], sort_keys=False)


def _from_file(context: Context, names: Sequence[str], file: Path) -> tuple[tuple[Node, ...], Ssh]:
    from bob.commands._inventory import load_cluster

    cluster = load_cluster(file)
    if cluster.name != context.cluster:
        raise UsageError(
            f"{file} describes the cluster {cluster.name!r}, not {context.cluster!r}",
            cure=f"Name the cluster: --cluster {cluster.name}, or another file.",
        )
    known = {node.name: node for node in cluster.nodes}
    if missing := [name for name in names if name not in known]:
        raise UsageError(
            f"{file} has no node {', '.join(missing)}",
            cure="Add its block below nodes; `bob inventory example` shows one.",
        )
    return tuple(known[name] for name in names), cluster.ssh


def _from_options(name: str, options: Options) -> Node:
    from pydantic import ValidationError

    from bob.ops.joining.wanted import describe
    from inventory import Node

    content: dict[str, Any] = {"name": name, "addresses": dict(_pair(a) for a in options.address)}
    if options.zone:
        content["zone"] = options.zone
    if options.role:
        content["roles"] = list(options.role)
    if options.bmc:
        user, at, address = options.bmc.rpartition("@")
        if not at or options.bmc_password_file is None:
            raise UsageError(
                "a BMC needs a user and a file with its password",
                cure="Like this: --bmc admin@10.0.0.116 --bmc-password-file /root/bmc",
            )
        content["bmc"] = {
            "address": address, "user": user,
            "password_file": str(options.bmc_password_file.absolute()),
        }  # fmt: skip
    try:
        return Node.model_validate(content)
    except ValidationError as error:
        raise UsageError(
            f"the node {name!r} cannot be used: {describe(error)}",
            cure="bob add-node --help says what the options take.",
        ) from None


def _pair(text: str) -> tuple[str, str]:
    network, equals, address = text.partition("=")
    if not equals:
        raise UsageError(
            f"--address {text!r} names no network", cure="Like this: --address mgmt=10.0.0.16"
        )
    return network, address


def _kept(context: Context) -> Cluster:
    """The inventory of the cluster as this machine keeps it, with the way to its hosts."""
    from bob.context import INVENTORY_FILE
    from inventory import Cluster

    path = context.folder / INVENTORY_FILE
    try:
        return Cluster.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be used: {error}", cure="Name an inventory: -f cluster.yaml"
        ) from error
