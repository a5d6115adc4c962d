"""Put a staged program to work on every node: servers one at a time, then clients in groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from bob.clients.http import Unreachable
from bob.errors import DeadlinePassed
from bob.ops.context import OperationContext
from bob.ops.rotation.roll_out import NODE_SECONDS, unsound
from bob.ops.servers.step import ServerStep
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.tasks import TASKS, Task, TaskState
from bob.ops.view import ClusterView, Quorum
from bob.provision.agents import BOB_UNIT, HEALTH_UNIT, NOMAD_UNIT, consul_agents
from bob.waiting import Deadline, pause, wait_for
from inventory import Cluster, NetworkName

TASK = "activate"
GROUP = 5  # clients whose agent restarts at the same time
LOOK_SECONDS = 0.5
CONSUL, NOMAD, CONSUL_TEMPLATE = "consul", "nomad", "consul-template"


class Activate(ServerStep):
    """One program. It stops at the first node that does not come back sound.

    `proof` names a second task of each node, that only the new program can do.
    """

    timeout = 3600.0
    attempts = 3
    program: ClassVar[str]
    proof: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__("")

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        """See `ServerStep.lack`."""
        done = self._served(context)
        waiting = [name for name in view.wishes if view.alive(name) and name not in done]
        return f"{', '.join(waiting)} not yet" if waiting else unsound(view)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        view = context.view()
        leader = _quorum(view, self.program).leader
        for name in sorted(view.servers, key=lambda each: each == leader):
            if name not in self._served(context) and view.alive(name):
                self._await_sound(context)
                self._bring(context, [name])
        self._await_sound(context)
        clients = [n for n in view.clients if view.alive(n) and n not in self._served(context)]
        for group in _groups(clients):
            self._bring(context, group)

    def _bring(self, context: OperationContext, names: Sequence[str]) -> None:
        context.say(f"{self.program} on {', '.join(names)}")
        params, failures = context.operation.params, context.operation.failures
        units = units_of(context.records.cluster(), self.program)
        for name in names:
            args = {
                "programs": {self.program: places_of(params, name)[self.program]},
                "restart": units,
            }
            # After a failure all is done once more, also what the node has taken back.
            context.tasks.start(name, self.name, TASK, args | {"failures": failures})
        for name in names:
            self._wait(context, name, self.name)
        for name in names if self.proof else ():
            args = {"programs": {self.program: places_of(params, name)[self.program]}}
            context.tasks.start(name, self.proof, TASK, args | {"look": True, "failures": failures})
        for name in names if self.proof else ():
            self._wait(context, name, self.proof)

    def _wait(self, context: OperationContext, name: str, task: str) -> None:
        """The node may be the one we run on: its Consul agent goes away for a moment."""
        deadline = Deadline(NODE_SECONDS, context.clock)
        while True:
            try:
                context.tasks.wait(name, task, deadline)
            except Unreachable as error:
                if deadline.passed():
                    raise DeadlinePassed(str(error), cure=error.cure) from error
                pause(LOOK_SECONDS, deadline.clock)
            else:
                return

    def _await_sound(self, context: OperationContext) -> None:
        def sound() -> bool:
            reason = unsound(context.view())
            if reason:
                context.say(f"waiting: {reason}")
            return not reason

        wait_for(
            sound,
            what="every server sound",
            deadline=Deadline(NODE_SECONDS, context.clock),
            interval=LOOK_SECONDS,
            cure="No further node is touched. Look at bob status; then: bob op retry.",
        )

    def _served(self, context: OperationContext) -> frozenset[str]:
        ending = f"/{context.operation.id}.{self.proof or self.name}"
        return frozenset(
            entry.key.removeprefix(TASKS).removesuffix(ending)
            for entry in context.consul.kv.list(TASKS)
            if entry.key.endswith(ending)
            and Task.model_validate_json(entry.value).state is TaskState.DONE
        )


class ActivateConsul(Activate):
    """First: the others ask it."""

    name, program = "upgrade-consul", CONSUL
    title = "Have every node run the new Consul"


class ActivateNomad(Activate):
    """Tasks run on while their agent restarts."""

    name, program = "upgrade-nomad", NOMAD
    title = "Have every node run the new Nomad"


class ActivateConsulTemplate(Activate):
    """Nothing runs it all the time."""

    name, program = "upgrade-consul-template", CONSUL_TEMPLATE
    title = "Have every node use the new consul-template"


class ActivateBob(Activate):
    """Last. The leader replaces itself too: whoever leads then goes on from the record."""

    name, program, proof = "upgrade-bob", BOB_UNIT, "see-bob"
    title = "Have every node run the new bob-agent and healthcheck"


ACTIVATE = (ActivateConsul(), ActivateNomad(), ActivateConsulTemplate(), ActivateBob())


class NoteVersions(Step[OperationContext]):
    """The cluster's own inventory says what runs."""

    name = "note"
    title = "Note the versions that run"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        known = context.records.cluster()
        return DONE if _with_versions(known, context) == known else needed("others are noted")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.records.change_cluster(lambda known: _with_versions(known, context))


def places_of(params: Mapping[str, Any], node: str) -> Mapping[str, str]:
    """Where each program lies on a node."""
    places: Mapping[str, str] = params["programs"] | params.get("others", {}).get(node, {})
    return places


def units_of(cluster: Cluster, program: str) -> list[str]:
    """The units that run a program; none for one that is started when it is needed."""
    return {
        CONSUL: [agent.unit for agent in consul_agents(cluster)],
        NOMAD: [NOMAD_UNIT],
        BOB_UNIT: [HEALTH_UNIT, BOB_UNIT],
    }.get(program, [])


def _with_versions(known: Cluster, context: OperationContext) -> Cluster:
    wanted: dict[str, Any] = context.request.params.get("versions", {})
    return known.model_copy(update={"versions": known.versions.model_copy(update=wanted)})


def _quorum(view: ClusterView, program: str) -> Quorum:
    return view.nomad if program == NOMAD else view.consul.get(NetworkName.MGMT, Quorum())


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), GROUP):
        yield names[first : first + GROUP]
