"""Hand the cluster over to itself: what was wished and done is written to its own KV."""

from __future__ import annotations

import datetime
import json

from bob.ops.cluster_records import CLUSTER_KEY, NODES, ClusterRecords, public_inventory
from bob.ops.consul_store import HISTORY
from bob.ops.init.context import InitContext
from bob.ops.init.preflight import Preflight
from bob.ops.node_material import remember_certificates, remember_resolver
from bob.ops.record import Operation
from bob.ops.states import State, StepState
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import CLIENT, SERVER, NodeWish
from bob.provision.access import SECRET_KEYS
from bob.waiting import Deadline
from inventory import NetworkName

SCHEMA_KEY = "bob/schema"
SCHEMA = "1"


class Record(Step[InitContext]):
    """Last step: the operation's own record goes along, as it will be when this step is done.

    A run that found nothing to do leaves no record, or the history would be full of them.
    """

    name = "record"
    title = "Write the cluster, its nodes, secrets and this operation to Consul"

    def probe(self, context: InitContext) -> Probe:
        kv = context.consul(NetworkName.MGMT).kv
        operation, _ = context.store.read(context.operation_id)
        if changed_something(operation) and kv.get(f"{HISTORY}{operation.id}") is None:
            return needed("Consul does not have the record of this operation")
        cluster = kv.get(CLUSTER_KEY)
        if cluster is None or cluster.json()["digest"] != context.cluster.digest():
            return needed("Consul does not have this inventory")
        return DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        consul = context.consul(NetworkName.MGMT)
        kv, records = consul.kv, ClusterRecords(consul)
        for path in context.secret_files():
            kv.put(f"{SECRET_KEYS}{path.name}", path.read_bytes())
        for node in context.cluster.nodes:
            role = SERVER if node.name in context.servers else CLIENT
            wish = NodeWish(role=role, zone=node.zone)
            kv.put(f"{NODES}{node.name}", wish.model_dump_json())
            remember_certificates(records, node.name, context.issued(node.name))
            remember_resolver(records, node.name, context.reports[node.name].resolver)
        kv.put(CLUSTER_KEY, json.dumps(public_inventory(context.cluster), indent=2))
        kv.put(SCHEMA_KEY, SCHEMA)
        operation, _ = context.store.read(context.operation_id)
        document = self._finished(operation).model_dump_json(indent=2)
        kv.put(f"{HISTORY}{operation.id}", document)

    def _finished(self, operation: Operation) -> Operation:
        """The record as it will be in a moment."""
        own = operation.step(self.name).model_copy(
            update={"state": StepState.DONE, "finished": datetime.datetime.now(datetime.UTC)}
        )
        return operation.with_step(own).with_state(State.DONE)


def changed_something(operation: Operation) -> bool:
    """Whether any step of the operation, but for looking and recording, was applied."""
    quiet = (Preflight.name, Record.name)
    return any(step.attempts for step in operation.steps if step.name not in quiet)
