"""Mark the hosts as members of this cluster, before anything else is put on them."""

from __future__ import annotations

from bob.ops.init.context import InitContext
from bob.ops.joining import claim
from bob.ops.step import DONE, Probe, Step, needed
from bob.waiting import Deadline


class Claim(Step[InitContext]):
    """Two clusters that are made of the same host at once: the file system lets one of them win."""

    name = "claim"
    title = "Mark the hosts as members of this cluster"

    def probe(self, context: InitContext) -> Probe:
        holders = context.fleet.each(claim.holder)
        free = [name for name, holder in holders.items() if holder != context.claim]
        return needed(f"{', '.join(free)} not marked") if free else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        context.fleet.each(lambda host: claim.take(host, context.claim, deadline.left()))
