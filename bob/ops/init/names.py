"""Names: every host asks Consul for `*.consul`, and its former resolvers for the rest."""

from __future__ import annotations

from bob.clients.ssh import Host
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import install
from bob.provision.node_files import resolver_file
from bob.waiting import Deadline, wait_for

KNOWN_NAME = "consul.service.consul"  # Consul registers itself, so it exists in every cluster


class Names(Step[InitContext]):
    """What counts is libc's answer, as every program on the host gets it."""

    name = "names"
    title = "Make every host resolve *.consul names"

    def probe(self, context: InitContext) -> Probe:
        answers = context.fleet.each(lambda host: self._answers(context, host))
        lacking = [name for name, answer in answers.items() if not answer]
        return needed(f"{', '.join(lacking)} cannot resolve {KNOWN_NAME}") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        def configure(host: Host) -> None:
            resolver = context.reports[host.name].resolver
            install.send_files(host, [resolver_file(resolver)])
            if resolver.resolved:
                host.run("systemctl restart systemd-resolved")
            wait_for(
                lambda: self._answers(context, host),
                what=f"{host.name} resolves {KNOWN_NAME}",
                deadline=deadline,
                cure=f"See journalctl -u consul-mgmt on {host.name}.",
            )

        context.fleet.each(configure)

    @staticmethod
    def _answers(context: InitContext, host: Host) -> bool:
        file = resolver_file(context.reports[host.name].resolver)
        if install.differing(host, [file]):
            return False
        return host.run(f"getent hosts {KNOWN_NAME}", check=False).code == 0
