"""The quorum of Nomad's servers."""

from __future__ import annotations

from bob.clients import quorum


class Operator(quorum.Operator):
    """Calls about raft, autopilot, snapshots and the gossip of the servers."""

    transfer = ("PUT", "/v1/operator/raft/transfer-leadership")
    snapshot_path = "/v1/operator/snapshot"

    def force_leave(self, server: str) -> None:
        """Let the gossip of the servers forget one that is gone; its name in full: n4.global.

        Only a server can do that, so the leader is asked.
        """
        leader = self.raft().leader
        host = leader.address.partition(":")[0] if leader else ""
        params: dict[str, str | int] = {"node": server, "prune": 1}
        self._http.request("PUT", "/v1/agent/force-leave", params=params, host=host)
