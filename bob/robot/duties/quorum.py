"""The keeper of the server quorum: the right number, on nodes that live, spread over the zones.

One change at a time, and none while a raft has no leader, has just changed, or cannot be seen.

    what is seen                                       what is wished
    fewer servers than wanted                          promote the best client
    a server runs as a client                          promote it: what it should be, it becomes
    a server was lost for longer than its grace        the best client replaces it
    a client runs as a server (its host came back)     demote it, unless its vote is still needed
    more servers than wanted                           demote the one that is needed least
    a zone has two servers more than another           a client there replaces one of them
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bob.ops.kind import Request
from bob.ops.servers import judge
from bob.ops.view import ClusterView
from bob.robot.duty import Action, Memory, Say, Wish

SCOPES = ("servers", "cluster")
INTERVAL = 2.0


class QuorumKeeper:
    """See the module. `memory` holds since when things are as they are, in seconds of `now`."""

    name = "quorum"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        if reason := blind(view):
            memory.clear()
            return (Say(f"servers are left as they are: {reason}"),)
        lost = _lasting(
            memory, "lost", {n: r for n in view.servers if (r := trouble(view, n))}, now
        )
        strayed = _lasting(
            memory, "strayed", {n: "" for n in view.servers if _strays(view, n)}, now
        )
        quiet = _lasting(memory, "quiet", {_picture(view): ""}, now)
        if any(scope in view.held for scope in SCOPES):
            return ()
        told = tuple(_tell(view, lost))
        if min(quiet.values()) < judge.STABLE_SECONDS:
            return told
        wish = _wish(view, lost, strayed)
        return (wish, *told) if wish else told


def blind(view: ClusterView) -> str:
    """Why nothing can be judged now; "" when it can."""
    if missing := [n.value for n in view.cluster.network_names() if n not in view.members]:
        return f"{missing[0]} gives no answer"
    if not view.nomad_known:
        return "Nomad gives no answer"
    if raft := judge.leaderless(view):
        return f"{raft} has no leader"
    for name, quorum in view.quorums.items():
        healthy = sum(quorum.healthy(voter) for voter in quorum.voters)
        if healthy < judge.majority(len(quorum.voters)):
            return f"{name} has {healthy} healthy servers of {len(quorum.voters)}"
    return ""


def trouble(view: ClusterView, node: str) -> str:
    """What is wrong with a server; "" when it does its work."""
    for network in view.cluster.network_names():
        if not view.alive(node, network):
            return f"not alive on {network.value}"
    for name, quorum in view.quorums.items():
        if not quorum.healthy(node):
            return f"not healthy in {name}"
    return ""


def least_needed(view: ClusterView) -> str:
    """The server that can best be spared: in the fullest zone, a server for long, leading little.

    So a server that an operator has just promoted stays one. Autopilot's `StableSince` would not
    tell: it begins anew whenever a busy server answers late.
    """
    zones = view.zones()
    leads = [quorum.leader for quorum in view.quorums.values()]

    def worth(name: str) -> tuple[int, str, int]:
        wish = view.wishes[name]
        return -zones[wish.zone], wish.server_since, leads.count(name)

    return min(view.servers, key=worth)


def _wish(view: ClusterView, lost: dict[str, float], strayed: dict[str, float]) -> Wish | None:
    wanted, count = judge.wanted_servers(view), len(view.servers)
    new = judge.best(view)
    if count < wanted and new:
        return Wish(Request("promote", new), f"{count} of {wanted} servers")
    for name, seconds in strayed.items():
        if seconds >= judge.STABLE_SECONDS and _strays(view, name):
            return Wish(Request("promote", name), f"{name} is to be a server and is none")
    for name in sorted(lost, key=lost.__getitem__, reverse=True):
        if lost[name] >= view.cluster.server_grace and trouble(view, name):
            return _replacement(view, name, f"{name} is lost for {lost[name]:.0f} s")
    for name in view.clients:
        if judge.acts(view, name) and _can_leave(view, name):
            return Wish(Request("demote", name), f"{name} is to be no server and runs as one")
    if lost:  # the rest is a matter of order, for a cluster that is well
        return None
    if count > wanted and _can_leave(view, worst := least_needed(view)):
        return Wish(Request("demote", worst), f"{count} servers, {wanted} are wanted")
    worst = least_needed(view)
    if count == wanted and (other := judge.crowded(view, worst)):
        zone = view.wishes[worst].zone
        return _replaced(worst, other, f"zone {zone} has more servers than that of {other}")
    return None


def _replacement(view: ClusterView, lost: str, reason: str) -> Wish | None:
    """What a lost server is replaced by: nobody, when there are enough without it."""
    if len(view.servers) > judge.wanted_servers(view):
        return Wish(Request("demote", lost), reason) if _can_leave(view, lost) else None
    new = judge.best(view, lost)
    return _replaced(lost, new, reason) if new and judge.spare(view, lost, new) >= 0 else None


def _replaced(old: str, new: str, reason: str) -> Wish:
    return Wish(Request("replace-server", old, {"by": new}), reason)


def _can_leave(view: ClusterView, node: str) -> bool:
    """Nothing is at risk without it that is not accepted."""
    enough = 0 if judge.wanted_servers(view) == 1 else 1
    return not judge.votes_somewhere(view, node) or judge.spare(view, node) >= enough


def _strays(view: ClusterView, node: str) -> bool:
    """A server in good health that runs as a client: not one that is lost."""
    return not judge.unfit(view, node) and bool(judge.runs_as_server(view, node))


def _tell(view: ClusterView, lost: dict[str, float]) -> Iterator[Say]:
    count, wanted, grace = len(view.servers), judge.wanted_servers(view), view.cluster.server_grace
    for name, seconds in lost.items():
        if why := trouble(view, name):
            after = f"server {name} is {why} for {seconds:.0f} s"
            if seconds < grace:
                yield Say(f"{after}; replaced after {grace} s")
            elif not judge.best(view, name):
                yield Say(f"{after}; no other node can take its place")
    if count < wanted and not judge.best(view):
        yield Say(f"{count} of {wanted} servers; no other node can become one")


def _picture(view: ClusterView) -> str:
    """What makes waiting begin anew when it changes: who votes, and who leads."""
    return "; ".join(
        f"{name}: {quorum.leader} of {', '.join(sorted(quorum.voters))}"
        for name, quorum in view.quorums.items()
    )


def _lasting(memory: Memory, key: str, current: dict[str, str], now: float) -> dict[str, float]:
    """For how many seconds each of `current` is so.

    What ends is forgotten only when it has been so for as long as autopilot calls stable: a server
    that comes and goes is lost.
    """
    known: dict[str, tuple[float, float]] = memory.get(key, {})
    seen = {name: (known.get(name, (now, now))[0], now) for name in current}
    if key != "quiet":
        seen |= {
            name: (since, last)
            for name, (since, last) in known.items()
            if name not in current and now - last < judge.STABLE_SECONDS
        }
    memory[key] = seen
    return {name: now - since for name, (since, _) in seen.items()}


DUTY = QuorumKeeper()
