"""Nodes, services and their checks, as the servers know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bob.clients.consul.kv import JITTER, WAIT_SECONDS, Indexed, next_index
from bob.clients.http import Http

SERF_HEALTH = "serfHealth"
PASSING = "passing"


@dataclass(frozen=True, slots=True)
class CatalogNode:
    """A node in the catalog."""

    id: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a node or (when `service_id` is not empty) of a service instance."""

    node: str
    id: str
    name: str
    status: str
    output: str
    service_id: str
    service_name: str
    service_tags: tuple[str, ...] = ()

    @property
    def passing(self) -> bool:
        """Neither warning nor critical."""
        return self.status == PASSING


@dataclass(frozen=True, slots=True)
class ServiceInstance:
    """A service on a node with the checks of both. `address` falls back to the node's."""

    node: str
    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def passing(self) -> bool:
        """All checks of the instance and of its node pass."""
        return all(check.passing for check in self.checks)


class Catalog:
    """The catalog and health calls. `stale` lets any server answer, also without a leader."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def nodes(self, *, stale: bool = False) -> tuple[CatalogNode, ...]:
        """All registered nodes."""
        return tuple(
            CatalogNode(id=node["ID"], name=node["Node"], address=node["Address"])
            for node in self._get("/v1/catalog/nodes", stale)
        )

    def services(self, *, stale: bool = False) -> dict[str, tuple[str, ...]]:
        """Names of all services with the tags in use."""
        found = self._get("/v1/catalog/services", stale)
        return {name: tuple(tags) for name, tags in found.items()}

    def service(self, name: str, *, stale: bool = False) -> tuple[ServiceInstance, ...]:
        """All instances of a service, whatever their health."""
        entries = self._get(f"/v1/health/service/{quote(name, safe='')}", stale)
        return tuple(_instance(entry) for entry in entries)

    def node_checks(self, node: str, *, stale: bool = False) -> tuple[Check, ...]:
        """All checks on a node: its own and those of its services."""
        found = self._get(f"/v1/health/node/{quote(node, safe='')}", stale)
        return tuple(_check(check) for check in found)

    def checks(self, *, stale: bool = False) -> tuple[Check, ...]:
        """Every check of the datacenter."""
        return tuple(_check(check) for check in self._get("/v1/health/state/any", stale))

    def serf_health(self, node: str, *, stale: bool = False) -> str:
        """ "passing" or "critical" by gossip, "" for a node without that check."""
        for check in self.node_checks(node, stale=stale):
            if check.id == SERF_HEALTH:
                return check.status
        return ""

    def failed_nodes(
        self, *, index: int = 0, wait: float = WAIT_SECONDS
    ) -> Indexed[frozenset[str]]:
        """Names of the nodes that gossip calls failed.

        With `index` only once some check is or was critical that was not, at most after `wait`
        seconds.
        """
        params: dict[str, str | int] = {}
        if index:
            params = {"index": index, "wait": f"{wait:g}s"}
        answer = self._http.request(
            "GET", "/v1/health/state/critical", params=params,
            wait=wait * (1 + JITTER) if index else 0.0,
        )  # fmt: skip
        failed = frozenset(c["Node"] for c in answer.json() if c["CheckID"] == SERF_HEALTH)
        return Indexed(failed, next_index(index, answer.index))

    def deregister(self, node: str) -> None:
        """Forget a node with its services and checks. An agent that lives registers them again."""
        self._http.request("PUT", "/v1/catalog/deregister", body={"Node": node})

    def deregister_service(self, node: str, service_id: str) -> None:
        """Forget one service of a node, with its checks. Its agent may register it again."""
        body = {"Node": node, "ServiceID": service_id}
        self._http.request("PUT", "/v1/catalog/deregister", body=body)

    def _get(self, path: str, stale: bool) -> Any:
        return self._http.request("GET", path, params={"stale": ""} if stale else {}).json()


def _check(body: Mapping[str, Any]) -> Check:
    return Check(
        node=body["Node"],
        id=body["CheckID"],
        name=body["Name"],
        status=body["Status"],
        output=body["Output"],
        service_id=body["ServiceID"],
        service_name=body["ServiceName"],
        service_tags=tuple(body.get("ServiceTags") or ()),
    )


def _instance(body: Mapping[str, Any]) -> ServiceInstance:
    service = body["Service"]
    return ServiceInstance(
        node=body["Node"]["Node"],
        id=service["ID"],
        name=service["Service"],
        address=service["Address"] or body["Node"]["Address"],
        port=service.get("Port", 0),  # left out when there is none
        tags=tuple(service["Tags"] or ()),
        checks=tuple(_check(check) for check in body["Checks"]),
    )
