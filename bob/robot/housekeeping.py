"""Deletes what nobody needs any more: tasks of operations that ended, and old records."""

from __future__ import annotations

import re

from bob import logs
from bob.clients.consul import Consul
from bob.ops.consul_store import OPERATIONS, ConsulStore, Leader
from bob.ops.tasks import PAYLOADS, TASKS

SECONDS = 60.0
AT_ONCE = 100  # a transaction holds 128 operations
OF_AN_OPERATION = re.compile(r".+/([0-9A-Z]{26})\.[^/]+")  # <node>/<ulid>.<step>


def keep_house(consul: Consul, leader: Leader) -> None:
    """Normally there is little to do: each operation cleans up at its end, unless its leader died.

    The tasks are listed before the operations: a task without an operation has lost it then.
    """
    keys = [*consul.kv.keys(TASKS), *consul.kv.keys(PAYLOADS)]
    unfinished = {key.removeprefix(OPERATIONS) for key in consul.kv.keys(OPERATIONS)}
    lost = [
        key for key in keys
        if (match := OF_AN_OPERATION.fullmatch(key)) and match[1] not in unfinished
    ]  # fmt: skip
    for first in range(0, len(lost), AT_ONCE):
        txn = consul.txn()
        for key in lost[first : first + AT_ONCE]:
            txn.delete(key)
        leader.commit(txn)
    trimmed = ConsulStore(consul, leader).trim()
    if lost or trimmed:
        logs.get().info("cleaned up", tasks=len(lost), records=trimmed)
