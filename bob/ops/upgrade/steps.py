"""Put a staged program to work on every node: servers one at a time, then clients in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from bob.ops.context import OperationContext
from bob.ops.servers.rolling import NODE_SECONDS, Rolling
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import ClusterView, Quorum
from bob.provision.agents import BOB_UNIT, HEALTH_UNIT, NOMAD_UNIT, consul_agents
from bob.waiting import Deadline
from inventory import Cluster, NetworkName

TASK = "activate"
CONSUL, NOMAD, CONSUL_TEMPLATE = "consul", "nomad", "consul-template"


class Activate(Rolling):
    """One program. It stops at the first node that does not come back sound.

    `proof` names a second task of each node, that only the new program can do.
    """

    attempts = 3
    cure = "No further node is touched. Look at bob status; then: bob op retry."
    program: ClassVar[str]
    proof: ClassVar[str] = ""

    @property
    def task(self) -> str:
        """See `Rolling.task`."""
        return self.proof or self.name

    def leader(self, view: ClusterView) -> str:
        """See `Rolling.leader`."""
        return _quorum(view, self.program).leader

    def bring(
        self, context: OperationContext, view: ClusterView, names: Sequence[str], deadline: Deadline
    ) -> None:
        """See `Rolling.bring`."""
        context.say(f"{self.program} on {', '.join(names)}")
        units = units_of(context.records.cluster(), self.program)
        self._have_all_do(context, names, self.name, {"restart": units})
        if self.proof:
            self._have_all_do(context, names, self.proof, {"look": True})

    def _have_all_do(
        self, context: OperationContext, names: Sequence[str], task: str, args: Mapping[str, Any]
    ) -> None:
        params, failures = context.operation.params, context.operation.failures
        for name in names:
            programs = {self.program: places_of(params, name)[self.program]}
            # After a failure all is done once more, also what the node has taken back.
            document = {"programs": programs, "failures": failures, **args}
            context.tasks.start(name, task, TASK, document)
        for name in names:
            context.tasks.wait(name, task, Deadline(NODE_SECONDS, context.clock))


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
