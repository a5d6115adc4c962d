"""The cluster's own description in its KV, and the only place that writes it.

bob/cluster          the inventory with its digest; without passwords
bob/nodes/<node>     what the node should be (`NodeWish`)
bob/secret/…         tokens, gossip keys, authorities: for the robot alone
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bob.clients.consul import Consul, KvEntry, Txn, TxnResult
from bob.errors import Permanent
from bob.ops.store import Conflict
from bob.ops.view import NodeWish
from bob.provision.access import SECRET_KEYS
from bob.provision.issuing import KeyPair
from bob.provision.pki import Authorities
from bob.provision.secrets import Secrets, dump, parse
from inventory import Cluster

CLUSTER_KEY = "bob/cluster"
NODES = "bob/nodes/"
SECRETS_KEY = f"{SECRET_KEYS}secrets.json"
ATTEMPTS = 5  # a write meets another one only when an operator changes the same key by hand

Commit = Callable[[Txn], TxnResult]


class ClusterRecords:
    """Reads need the right to read; `commit` carries out writes (`Elector.commit` of a leader)."""

    def __init__(self, consul: Consul, commit: Commit = Txn.commit) -> None:
        self._consul = consul
        self._commit = commit

    def cluster(self) -> Cluster:
        """The inventory. Raises `Permanent` when this Consul belongs to no cluster of Bob."""
        return Cluster.model_validate(self._known(CLUSTER_KEY).json()["inventory"])

    def nodes(self) -> dict[str, NodeWish]:
        """What every node should be."""
        return {
            entry.key.removeprefix(NODES): NodeWish.model_validate_json(entry.value)
            for entry in self._consul.kv.list(NODES)
        }

    def secrets(self) -> Secrets:
        """Tokens and gossip keys."""
        return parse(self._known(SECRETS_KEY).value, SECRETS_KEY)

    def authorities(self) -> Authorities:
        """The certificate authorities with their keys."""

        def pair(name: str) -> KeyPair:
            certificate, key = (
                self._known(f"{SECRET_KEYS}{name}{half}.pem").value for half in ("", "-key")
            )
            return KeyPair(certificate, key)

        return Authorities(consul=pair("consul-ca"), nomad=pair("nomad-ca"))

    def set_node(self, name: str, wish: NodeWish | None) -> None:
        """Wish a node to be this, or forget it."""
        self._change(NODES + name, lambda _: wish.model_dump_json() if wish else None)

    def change_node(self, name: str, **changes: str) -> None:
        """Wish some things of a known node otherwise."""

        def change(entry: KvEntry | None) -> str | None:
            if entry is None:
                raise Permanent(f"{NODES}{name} is gone", cure="Add the node again.")
            wish = NodeWish.model_validate_json(entry.value)
            return wish.model_copy(update=changes).model_dump_json()

        self._change(NODES + name, change)

    def change_cluster(self, change: Callable[[Cluster], Cluster]) -> Cluster:
        """Replace the inventory by what `change` makes of it. Returns it as it is then."""

        def changed(entry: KvEntry | None) -> str | None:
            if entry is None:
                raise Permanent(f"{CLUSTER_KEY} is gone", cure="Write it again with: bob init")
            new = change(Cluster.model_validate(entry.json()["inventory"]))
            return json.dumps(public_inventory(new), indent=2)

        self._change(CLUSTER_KEY, changed)
        return self.cluster()

    def change_secrets(self, change: Callable[[Secrets], Secrets]) -> Secrets:
        """Replace the secrets by what `change` makes of them."""

        def changed(entry: KvEntry | None) -> bytes | None:
            if entry is None:
                raise Permanent(f"{SECRETS_KEY} is gone", cure="Write it again with: bob init")
            return dump(change(parse(entry.value, SECRETS_KEY)))

        self._change(SECRETS_KEY, changed)
        return self.secrets()

    def put(self, key: str, value: bytes | str | None) -> None:
        """Make one key hold this value, or delete it."""
        self._change(key, lambda _: value)

    def delete_tree(self, prefix: str) -> None:
        """Delete everything below `prefix`, which ends with "/"."""
        if not prefix.endswith("/"):
            raise ValueError(f"{prefix!r} would delete keys beside it")
        self._commit(self._consul.txn().delete_tree(prefix))

    def _known(self, key: str) -> KvEntry:
        entry = self._consul.kv.get(key)
        if entry is None:
            raise Permanent(
                f"Consul has no {key}", cure="Was the cluster made by bob init? Run it again."
            )
        return entry

    def _change(self, key: str, change: Callable[[KvEntry | None], bytes | str | None]) -> None:
        """Read, change, write if nobody wrote in between; writes nothing when nothing changes."""
        for _ in range(ATTEMPTS):
            entry = self._consul.kv.get(key)
            value = change(entry)
            content = value.encode() if isinstance(value, str) else value
            if content == (entry.value if entry else None):
                return
            txn = self._consul.txn()
            if content is not None:
                txn.cas(key, content, entry.modify_index if entry else 0)
            elif entry is not None:
                txn.delete_cas(key, entry.modify_index)
            if self._commit(txn).ok:
                return
        raise Conflict(f"{key} was changed by somebody else {ATTEMPTS} times")


def public_inventory(cluster: Cluster) -> dict[str, Any]:
    """The inventory as Consul shows it: with its digest, without passwords written in the file."""
    content = cluster.model_dump(mode="json", exclude={"nodes": {"__all__": {"bmc": {"password"}}}})
    return {"digest": cluster.digest(), "inventory": content}
