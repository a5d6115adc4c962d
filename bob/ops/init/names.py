"""Names: every host asks Consul for `*.consul`, and its former resolvers for the rest."""

from __future__ import annotations

from bob.clients.ssh import Host
from bob.ops.init.context import InitContext
from bob.ops.joining import names
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision.resolver import Resolver
from bob.waiting import Deadline


class Names(Step[InitContext]):
    """What counts is libc's answer, as every program on the host gets it."""

    name = "names"
    title = "Make every host resolve *.consul names"

    def probe(self, context: InitContext) -> Probe:
        answers = context.fleet.each(lambda h: names.resolves(h, _resolver(context, h)))
        lacking = [name for name, answer in answers.items() if not answer]
        if lacking:
            return needed(f"{', '.join(lacking)} cannot resolve {names.KNOWN_NAME}")
        return DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        context.fleet.each(lambda h: names.ask_consul(h, _resolver(context, h), deadline))


def _resolver(context: InitContext, host: Host) -> Resolver:
    return context.reports[host.name].resolver
