"""Taking one client node out of service and back, and forgetting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bob.clients.http import Http
from bob.clients.nomad.records import Allocation, allocation

NANOSECONDS = 1_000_000_000


class Nodes:
    """Calls about one node, which is named by its id."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def drain(self, node: str, seconds: float) -> None:
        """Have the instances of a node moved away and no new ones placed there.

        What is left after `seconds` is stopped. Jobs of the type `system` stay: they serve the
        node itself. The servers carry it out, also when nobody waits for it. Never drain a node
        that is down: the replacements of its instances would wait for it (measured: for ever).
        """
        spec = {"Deadline": int(seconds * NANOSECONDS), "IgnoreSystemJobs": True}
        self._drain(node, {"DrainSpec": spec, "MarkEligible": False})

    def end_drain(self, node: str, *, eligible: bool) -> None:
        """Stop draining; `eligible`: new instances may be placed there again."""
        self._drain(node, {"DrainSpec": None, "MarkEligible": eligible})

    def set_eligible(self, node: str, eligible: bool) -> None:
        """Whether new instances may be placed on a node; those it has stay. Not while draining."""
        word = "eligible" if eligible else "ineligible"
        self._http.request(
            "POST", _path(node, "eligibility"), body={"NodeID": node, "Eligibility": word}
        )

    def purge(self, node: str) -> None:
        """Forget a node. One that still lives registers again."""
        self._http.request("POST", _path(node, "purge"))

    def allocations(self, node: str) -> tuple[Allocation, ...]:
        """Every allocation on a node, also finished ones that are not yet garbage collected."""
        found = self._http.request("GET", _path(node, "allocations")).json()
        return tuple(allocation(each) for each in found)

    def _drain(self, node: str, body: Mapping[str, Any]) -> None:
        self._http.request("POST", _path(node, "drain"), body={"NodeID": node, **body})


def _path(node: str, what: str) -> str:
    return f"/v1/node/{quote(node, safe='')}/{what}"
