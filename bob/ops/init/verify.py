"""The same view that `bob status` shows has to be without a complaint."""

from __future__ import annotations

from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.status.decide import decide
from bob.status.sense import sense
from bob.waiting import Deadline


class Verify(Step[InitContext]):
    """Every node alive on every network, every server a voter, every Nomad node ready."""

    name = "verify"
    title = "Wait until the whole cluster is healthy"

    def probe(self, context: InitContext) -> Probe:
        known = context.client_context
        status = decide(known, sense(known, context.secrets))
        return needed("; ".join(status.reasons)) if status.reasons else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        cure = "bob status shows the whole cluster."
        self.wait_until_done(context, deadline, cure=cure, interval=0.5)
