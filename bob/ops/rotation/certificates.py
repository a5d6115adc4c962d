"""New certificates for every agent, signed by the authorities that the cluster has.

bob/secret/rotation/certificates    the operation that let the old ones be forgotten
bob/certificates                    {"until": Unix time at which the first one ends}
"""

from __future__ import annotations

import json

from bob.clients.consul import Consul
from bob.ops.context import LeaderContext, OperationContext
from bob.ops.node_material import CERTIFICATES
from bob.ops.rotation.roll_out import RollOut
from bob.ops.sense import UNTIL
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import issuing
from bob.provision.access import SECRET_KEYS
from bob.waiting import Deadline

MARK = f"{SECRET_KEYS}rotation/certificates"


class Forget(Step[OperationContext]):
    """What is not kept is issued anew; the agents go on with what they have until then."""

    name = "forget"
    title = "Let every agent have a new certificate"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        entry = context.consul.kv.get(MARK)
        marked = entry is not None and entry.value.decode() == context.operation.id
        return DONE if marked else needed("the old ones are kept")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.records.delete_tree(CERTIFICATES)
        context.records.put(MARK, context.operation.id)


class NoteEnd(Step[OperationContext]):
    """So that the next rotation is wished in time, without reading every certificate."""

    name = "note"
    title = "Note until when the certificates are good"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        entry = context.consul.kv.get(UNTIL)
        found = earliest_end(context.consul)
        return DONE if entry and entry.json()["until"] == found else needed("another time is noted")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        note_end(context)


STEPS = (Forget(), RollOut(), NoteEnd())


def note_end(context: LeaderContext) -> None:
    """Write down when the first certificate ends."""
    context.records.put(UNTIL, json.dumps({"until": earliest_end(context.consul)}))


def earliest_end(consul: Consul) -> float:
    """When the first of all certificates ends, in Unix time; 0 when none is kept."""
    ends = [
        issuing.end_of(pair["certificate"].encode()).timestamp()
        for entry in consul.kv.list(CERTIFICATES)
        for pair in entry.json().values()
    ]
    return min(ends, default=0.0)
