"""The agent that is asked: its view of the gossip pool, and itself."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bob.clients.http import Http, Unreachable

NO_MEMBER = "No node found"


class MemberStatus(enum.StrEnum):
    """State of a gossip member."""

    NONE = "none"
    ALIVE = "alive"
    LEAVING = "leaving"
    LEFT = "left"
    FAILED = "failed"


SERF_STATUS = tuple(MemberStatus)  # the API gives serf's number, in this order


@dataclass(frozen=True, slots=True)
class Member:
    """An agent of the gossip pool. `server`: it takes part in raft."""

    name: str
    address: str
    status: MemberStatus
    server: bool


class Agent:
    """Calls that the asked agent answers by itself; they work without a leader."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def members(self) -> tuple[Member, ...]:
        """All agents this one knows. Without `node:read` the list is silently empty."""
        return tuple(
            Member(
                name=member["Name"],
                address=member["Addr"],
                status=SERF_STATUS[member["Status"]],
                server=member["Tags"].get("role") == "consul",
            )
            for member in self._http.request("GET", "/v1/agent/members").json()
        )

    def self(self) -> dict[str, Any]:
        """Configuration and state of the agent, as it prints them."""
        found: dict[str, Any] = self._http.request("GET", "/v1/agent/self").json()
        return found

    def join(self, address: str) -> None:
        """Join the gossip pool of `address` now; serf alone may take half a minute."""
        self._http.request("PUT", f"/v1/agent/join/{address}")

    def force_leave(self, node: str) -> None:
        """Have a member that failed or left forgotten by everybody; one not known is no error."""
        try:
            self._http.request("PUT", f"/v1/agent/force-leave/{node}", params={"prune": ""})
        except Unreachable as error:  # how Consul says it: status 500
            if NO_MEMBER not in error.message:
                raise

    def register_service(self, name: str, ttl: int, notes: str, status: str) -> None:
        """Register service and check `name` on this node; both have `name` as their id.

        The check turns critical `ttl` seconds after its last `update_check`. One that is known
        already keeps status and output, and what differs reaches the servers at once.
        """
        check = {
            "CheckID": name, "Name": name, "Notes": notes, "TTL": f"{ttl}s", "Status": status,
        }  # fmt: skip
        self._http.request(
            "PUT", "/v1/agent/service/register", body={"Name": name, "ID": name, "Check": check}
        )

    def deregister_service(self, service_id: str) -> None:
        """Take a service of this node away, with its checks; one not known is no error."""
        self._http.request(
            "PUT", f"/v1/agent/service/deregister/{service_id}", accept={HTTPStatus.NOT_FOUND}
        )

    def update_check(self, check: str, status: str, output: str) -> None:
        """Say how a check with a TTL is. Raises `Refused` (404) for one that is not registered."""
        self._http.request(
            "PUT", f"/v1/agent/check/update/{check}", body={"Status": status, "Output": output}
        )

    def renew_token(self, purpose: str, token: str) -> None:
        """Take a token away from the agent and give it back, so that it registers itself again.

        An agent whose token did not exist when it started tries again only after a minute; giving
        it the same token has no effect. `purpose` is agent, default, dns or replication.
        """
        for value in ("", token):
            self._http.request("PUT", f"/v1/agent/token/{purpose}", body={"Token": value})
