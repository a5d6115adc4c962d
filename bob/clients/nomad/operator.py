"""The quorum of Nomad's servers."""

from __future__ import annotations

from bob.clients import quorum


class Operator(quorum.Operator):
    """Calls about raft, autopilot, snapshots and the gossip of the servers."""

    transfer = ("PUT", "/v1/operator/raft/transfer-leadership")
    snapshot_path = "/v1/operator/snapshot"

    def force_leave(self, server: str, *, prune: bool = False) -> None:
        """Have a server that is gone called left, no longer failed; its name in full: n4.global.

        With `prune` it is forgotten at once; but whom gossip does not know when the news comes
        around again is refused for five minutes when it comes back. Only servers can do this, so
        the leader is asked.
        """
        leader = self.raft().leader
        host = leader.address.partition(":")[0] if leader else ""
        params: dict[str, str | int] = {"node": server}
        if prune:
            params["prune"] = 1
        self._http.request("PUT", "/v1/agent/force-leave", params=params, host=host)
