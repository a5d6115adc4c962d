"""Gossip keys of a pool that runs: all nodes have the new one before it is used.

Keys are secrets: they travel in bodies only, and nothing here is ever printed or logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bob.clients.http import Http


@dataclass(frozen=True)
class Ring:
    """How many of the `nodes` that answered have each key, and how many use it (if known)."""

    nodes: int
    keys: Mapping[str, int] = field(repr=False)
    primary: Mapping[str, int] | None = field(default=None, repr=False)

    def has(self, key: str) -> bool:
        """Every node has this key."""
        return self.keys.get(key) == self.nodes

    def uses(self, key: str) -> bool | None:
        """Every node encrypts with this key; None when that is not told."""
        return None if self.primary is None else self.primary.get(key) == self.nodes

    def others(self, key: str) -> tuple[str, ...]:
        """The other keys."""
        return tuple(one for one in self.keys if one != key)


class Keyring(Protocol):
    """The keys of one pool. Changing them a second time changes nothing."""

    def ring(self) -> Ring:
        """The keys as they are."""

    def install(self, key: str) -> None:
        """Give the key to every node, beside those it has."""

    def use(self, key: str) -> None:
        """Have every node encrypt with this key."""

    def remove(self, key: str) -> None:
        """Take a key away from every node. The one in use is refused."""


class ConsulKeyring:
    """The LAN pool of one datacenter."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def ring(self) -> Ring:
        """See `Keyring`."""
        rings = self._http.request("GET", "/v1/operator/keyring").json()
        lan = next(ring for ring in rings if not ring["WAN"])
        return Ring(lan["NumNodes"], lan["Keys"], lan["PrimaryKeys"])

    def install(self, key: str) -> None:
        """See `Keyring`."""
        self._change("POST", key)

    def use(self, key: str) -> None:
        """See `Keyring`."""
        self._change("PUT", key)

    def remove(self, key: str) -> None:
        """See `Keyring`."""
        self._change("DELETE", key)

    def _change(self, method: str, key: str) -> None:
        self._http.request(method, "/v1/operator/keyring", body={"Key": key})


class NomadKeyring:
    """The pool of Nomad's servers; it does not tell which key is in use."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def ring(self) -> Ring:
        """See `Keyring`."""
        body: dict[str, Any] = self._http.request("GET", "/v1/agent/keyring/list").json()
        return Ring(body["NumNodes"], body["Keys"])

    def install(self, key: str) -> None:
        """See `Keyring`."""
        self._change("install", key)

    def use(self, key: str) -> None:
        """See `Keyring`."""
        self._change("use", key)

    def remove(self, key: str) -> None:
        """See `Keyring`."""
        self._change("remove", key)

    def _change(self, what: str, key: str) -> None:
        self._http.request("PUT", f"/v1/agent/keyring/{what}", body={"Key": key})
