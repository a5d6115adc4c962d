"""The quorum and the gossip keys."""

from __future__ import annotations

from dataclasses import dataclass

from bob.clients import quorum


@dataclass(frozen=True, slots=True)
class Keyring:
    """Gossip keys of one pool: how many of its `nodes` have each key, and the one in use."""

    datacenter: str
    wan: bool
    nodes: int
    keys: dict[str, int]
    primary: dict[str, int]


class Operator(quorum.Operator):
    """Calls about raft, autopilot, snapshots and the keyring."""

    transfer = ("POST", "/v1/operator/raft/transfer-leader")
    snapshot_path = "/v1/snapshot"

    def keyrings(self) -> tuple[Keyring, ...]:
        """The gossip keys in use. They are secrets: never print or log them."""
        return tuple(
            Keyring(
                datacenter=ring["Datacenter"],
                wan=ring["WAN"],
                nodes=ring["NumNodes"],
                keys=ring["Keys"],
                primary=ring["PrimaryKeys"],
            )
            for ring in self._http.request("GET", "/v1/operator/keyring").json()
        )
