"""The steps of `remove-node` that are not about servers: tell, empty, wipe, forget."""

from __future__ import annotations

from bob.errors import Temporary
from bob.ops.context import OperationContext
from bob.ops.maintenance.steps import Drain
from bob.ops.removal.traces import forget, traces
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import LEAVING, MEMBER, ClusterView
from bob.waiting import Deadline, wait_for

WIPE = "wipe"
LOOK_SECONDS = 0.5


class MarkLeaving(Step[OperationContext]):
    """From here on it is chosen for nothing new."""

    name = "leaving"
    title = "Note that the node leaves"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        wish = context.records.nodes().get(context.target)
        return DONE if wish is None or wish.state == LEAVING else needed(f"it is {wish.state}")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.records.change_node(context.target, state=LEAVING)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.undo`."""
        context.records.change_node(context.target, state=MEMBER)


class Vacate(Drain):
    """A host that is down is never drained: the replacements would wait for it (measured).

    Nomad has them started elsewhere once it misses the node, and the purge that follows later ends
    whatever still waits.
    """

    title = "Move its instances to other nodes, when it is alive"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        found = [node for node in context.nomad.state.nodes() if node.name == context.target]
        if not any(node.ready or node.draining for node in found):
            return DONE
        return super().probe(context)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.undo`."""
        if any(node.name == context.target for node in context.nomad.state.nodes()):
            super().undo(context, deadline)


class Wipe(Step[OperationContext]):
    """Its own agent does it: Consul's agents say goodbye, everything stops and is deleted.

    The agent reports before it begins, since nothing that could report is left in the end. A host
    that is dead is left as it is.
    """

    name = "wipe"
    title = "Let the node leave every network and make it a bare host again"
    timeout = 180.0
    final = True

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        networks = alive_on(context.view(), context.target)
        return needed(f"it is alive on {', '.join(networks)}") if networks else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        users = [context.records.cluster().ssh.user]  # who may hold the key of the robot
        context.tasks.run(context.target, self.name, WIPE, deadline, {"users": users})
        context.say(f"waiting until {context.target} has left every network")
        wait_for(
            lambda: not alive_on(context.view(), context.target),
            what=f"{context.target} left every network",
            deadline=deadline,
            interval=LOOK_SECONDS,
            cure=f"Look at journalctl -u bob-wipe on {context.target}, or power it off; "
            "then: bob op retry",
        )


class Forget(Step[OperationContext]):
    """Nothing that knows the cluster knows the node afterwards; only the history names it.

    A host that was dead has kept its keys. When it is powered on, its Consul agents are let into
    the gossip again, without the right to register anything: the duty `strangers` of the leader
    takes them off the lists again and keeps them out of every quorum, and says so.
    """

    name = "forget"
    title = "Forget the node: gossip, catalog, Nomad, quorums, tokens, keys, inventory"
    final = True

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        found = traces(context, context.target)
        return needed(f"it is still {'; '.join(found)}") if found else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""

        def gone() -> bool:
            try:
                forget(context, context.target)
                return not traces(context, context.target)
            except Temporary as error:  # a leader moves when one of the servers goes
                context.say(str(error))
                return False

        wait_for(gone, what=f"{context.target} forgotten everywhere", deadline=deadline,
                 interval=LOOK_SECONDS)  # fmt: skip


def alive_on(view: ClusterView, node: str) -> list[str]:
    """The networks on which the gossip knows the node as alive."""
    return [net.value for net in view.cluster.network_names() if view.alive(node, net)]
