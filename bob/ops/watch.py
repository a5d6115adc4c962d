"""Look on while the robot carries an operation out: a view that may end and begin at any time.

The record is followed by blocking reads, so a watcher costs one request that waits. Changes of the
robot's leader and of Consul's are survived: what was seen last stays until Consul answers again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bob.clients.consul import Consul
from bob.clients.http import Refused, Unreachable
from bob.election import LEADER_KEY
from bob.errors import DeadlinePassed, UsageError
from bob.ops.consul_store import OPERATIONS, find
from bob.ops.record import Operation
from bob.ops.states import FINISHED, State
from bob.pause import PAUSE_KEY, Pause, parse_pause
from bob.status.robot import leader_of
from bob.waiting import Deadline, pause

AT_REST = FINISHED | {State.FAILED}
LOOK_SECONDS = (
    2.0  # so soon is a change of the leader or a pause seen that the record does not show
)
RETRY_SECONDS = 0.5
REFUSED_SECONDS = 5.0  # a new leader of Consul may not know a token for a moment


@dataclass(frozen=True)
class Sight:
    """What a watcher sees. `leader` is the node whose agent leads, "" for none.

    `trouble` says why Consul gives no answer at the moment; the rest is as it was seen last.
    """

    operation: Operation
    leader: str = ""
    pause: Pause | None = None
    trouble: str = ""

    @property
    def over(self) -> bool:
        """Nothing more happens by itself."""
        return self.operation.state in AT_REST


def follow(consul: Consul, operation_id: str, deadline: Deadline) -> Iterator[Sight]:
    """What is seen first, then each change; ends when nothing more happens by itself.

    Raises `UsageError` when there is no such operation, `DeadlinePassed` when it still goes on.
    """
    index = 0
    seen: Sight | None = None
    patience = Deadline(REFUSED_SECONDS, deadline.clock)
    while True:
        try:
            sight, index = _look(consul, operation_id, index, min(LOOK_SECONDS, deadline.left()))
            patience = Deadline(REFUSED_SECONDS, deadline.clock)
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and patience.passed():
                raise
            index = 0
            if seen is None:
                if deadline.passed() or patience.passed():
                    raise
                pause(RETRY_SECONDS, deadline.clock)
                continue
            sight = replace(seen, trouble=error.message)
            pause(RETRY_SECONDS, deadline.clock)
        if sight != seen:
            yield sight
        if sight.over:
            return
        seen = sight
        if deadline.passed():
            made = sight.operation
            raise DeadlinePassed(
                f"{made.kind} {made.target} is not finished after {deadline.seconds:.0f} s",
                cure=f"The robot goes on. Look on with: bob op watch {made.id}",
            )


def _look(consul: Consul, operation_id: str, index: int, wait: float) -> tuple[Sight, int]:
    key = OPERATIONS + operation_id
    read = consul.kv.read(key, index=index, wait=max(wait, 0.01))
    entry = read.value or find(consul, operation_id)
    if entry is None:
        raise UsageError(
            f"there is no operation {operation_id}", cure="Those that are known: bob op ls --all"
        )
    operation = Operation.model_validate_json(entry.value)
    if operation.state in AT_REST:
        return Sight(operation), read.index
    stop = consul.kv.get(PAUSE_KEY)
    sight = Sight(
        operation,
        leader_of(consul.kv.get(LEADER_KEY)),
        parse_pause(stop.value) if stop else None,
    )
    return sight, read.index
