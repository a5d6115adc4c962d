"""The quorum of the Nomad servers."""

from __future__ import annotations

from http import HTTPStatus

from bob.clients.http import Http
from bob.clients.quorum import (
    AutopilotHealth,
    RaftConfiguration,
    autopilot_health,
    raft_configuration,
)


class Operator:
    """Calls about raft and autopilot."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def raft(self, *, stale: bool = False) -> RaftConfiguration:
        """The raft peers. `stale` also works without a leader."""
        params = {"stale": ""} if stale else {}
        answer = self._http.request("GET", "/v1/operator/raft/configuration", params=params)
        return raft_configuration(answer.json())

    def autopilot(self) -> AutopilotHealth:
        """The leader's judgement of its servers (an unhealthy one is not an error)."""
        answer = self._http.request(
            "GET", "/v1/operator/autopilot/health", accept={HTTPStatus.TOO_MANY_REQUESTS}
        )
        return autopilot_health(answer.json())
