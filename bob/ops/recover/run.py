"""One run of `bob recover-quorum`: look, judge, record, and carry it out, or go on with it."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Collection

import bob
from bob.context import Context
from bob.ops.engine import Engine, Observer
from bob.ops.file_store import FileStore
from bob.ops.init.context import make_fleet
from bob.ops.record import Operation, new_id, records_of
from bob.ops.recover.context import RecoverContext, inventory_of
from bob.ops.recover.steps import STEPS
from bob.ops.recover.survey import Survey, judge, look

KIND = "recover-quorum"
SCOPE = "servers"

Ask = Callable[[Survey], None]


def recover(
    known: Context, observer: Observer, accepted: Collection[str], ask: Ask
) -> Operation | None:
    """Bring back a quorum; None when every raft has a leader.

    `ask` is given what was found before anything is changed, and raises to stop it. An operation
    that was begun is taken up with its survivors, whoever answers by now.
    """
    cluster = inventory_of(known.folder)
    store = FileStore(known.folder / "ops")
    context = RecoverContext(known, cluster, make_fleet(cluster, known.folder), store)
    try:
        if (active := store.active(SCOPE)) is None:
            survey = look(cluster, context.fleet, context.networks, context.nomad)
            if not survey.broken:
                return None
            judge(survey, accepted)
            ask(survey)
            operation = _recorded(store, context, survey, accepted)
        else:
            operation, _ = store.read(active)
        running = RecoverContext(known, cluster, context.fleet, store, operation)
        return Engine(store, STEPS, observer).run(operation.id, running)
    finally:
        context.fleet.close()


def _recorded(
    store: FileStore, context: RecoverContext, survey: Survey, accepted: Collection[str]
) -> Operation:
    operation = Operation(
        id=new_id(),
        kind=KIND,
        target=context.cluster.name,
        scopes=(SCOPE,),
        inventory=context.cluster.digest(),
        requested_by=f"{getpass.getuser()}@{socket.gethostname()}",
        bob_version=bob.__version__,
        accepted=tuple(accepted),
        params={
            "survivors": list(survey.survivors),
            "lost": list(survey.lost),
            "units": [raft.unit for raft in survey.broken],
        },
        steps=records_of(STEPS),
    )
    store.create(operation)
    return operation
