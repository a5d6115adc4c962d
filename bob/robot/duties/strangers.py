"""Hosts that were taken out while they were dead, and are powered on again.

Such a host has kept the keys of gossip and its certificates, so its Consul agents are let into the
pools again, and one that was a server offers itself to every quorum. It holds no token that is
valid: it registers no service, gets no task, and its bob-agent reads nothing. What is left to do is
done here at every look: it is taken out of every raft before autopilot gives it a vote (ten
seconds), it gets no instances, and people are told. When it is off again, it is forgotten again.

Only a wipe or new keys end this, and whose host it is is for people to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from bob.ops.context import LeaderContext
from bob.ops.removal.traces import forget, leave_rafts
from bob.ops.view import ClusterView
from bob.robot.duty import Action, Do, Memory, Say

INTERVAL = 2.0
LOOKS = 2  # a node that is just being taken out or in may look like one for a moment
SEEN = "seen"


class Strangers:
    """See the module. `memory` counts the looks in a row at which a name was strange."""

    name = "strangers"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        before: dict[str, int] = memory.get(SEEN, {})
        seen = {name: before.get(name, 0) + 1 for name in sorted(set(_strange(view)))}
        memory[SEEN] = seen
        found: list[Action] = []
        for name, looks in seen.items():
            if looks < LOOKS:
                continue
            on = any(view.alive(name, network) for network in view.members)
            if on or view.nomad_gossip.get(name):
                found.append(Do(f"keep {name} out", partial(_keep_out, name)))
            else:
                found.append(Do(f"forget {name}", partial(_forget, name)))
            if on:
                found.append(
                    Say(
                        f"{name} was taken out, but its host is on and has the cluster's keys: "
                        f"switch it off, wipe it, or add it again (bob add-node)"
                    )
                )
        return found


def _strange(view: ClusterView) -> Iterator[str]:
    """Names that are seen somewhere, and are no nodes of this cluster."""
    known = {*view.wishes, *(node.name for node in view.cluster.nodes)}
    known |= {scope.removeprefix("node/") for scope in view.held if scope.startswith("node/")}
    seen = [*view.nodes, *(name for members in view.members.values() for name in members)]
    rafts = (quorum.raft for quorum in view.quorums.values() if quorum.raft)
    seen += [peer.name for raft in rafts for peer in raft.peers]
    seen += view.nomad_gossip  # Consul may have forgotten it before Nomad notices that it is off
    return (name for name in seen if name not in known)


def _keep_out(name: str, context: LeaderContext) -> None:
    leave_rafts(context, name)
    for node in context.nomad.state.nodes():
        if node.name == name and node.eligible:
            context.nomad.nodes.set_eligible(node.id, False)


def _forget(name: str, context: LeaderContext) -> None:
    forget(context, name)


DUTY = Strangers()
