"""The quorum of Nomad's servers."""

from __future__ import annotations

from bob.clients import quorum


class Operator(quorum.Operator):
    """Calls about raft, autopilot, snapshots and the gossip of the servers."""

    transfer = ("PUT", "/v1/operator/raft/transfer-leadership")
    snapshot_path = "/v1/operator/snapshot"

    def force_leave(self, server: str) -> None:
        """Have a server that is gone called left, no longer failed; its name in full: n4.global.

        Only a server can do that, so the leader is asked. It is not pruned: whom gossip does not
        know any more when the news comes around, it refuses for five minutes when it comes back.
        """
        leader = self.raft().leader
        host = leader.address.partition(":")[0] if leader else ""
        self._http.request("PUT", "/v1/agent/force-leave", params={"node": server}, host=host)
