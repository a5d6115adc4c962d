"""Bob's own daemons on every node: from here on the cluster is looked after."""

from __future__ import annotations

from bob.clients.ssh import Host
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import install
from bob.provision.agents import BOB_UNIT, HEALTH_UNIT, OWN_UNITS
from bob.waiting import Deadline


class Agents(Step[InitContext]):
    """Active means that it has seen Consul, and runs the code and configuration that are there."""

    name = "agents"
    title = "Start bob-agent and healthcheck on every node"

    def probe(self, context: InitContext) -> Probe:
        script = install.running_script(OWN_UNITS)
        results = context.fleet.each(lambda host: host.run(script, check=False))
        lacking = [name for name, result in results.items() if result.code]
        return needed(f"not running on {', '.join(lacking)}") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        script = (
            # A unit may have been replaced by a run that was stopped before systemd read it.
            "".join(
                f"! [ -e {install.STALE}/{unit} ] || systemctl daemon-reload\n"
                for unit in OWN_UNITS
            )
            + install.restart_script(OWN_UNITS)
            + install.start_script(OWN_UNITS)
        )

        def start(host: Host) -> None:
            host.run(script, timeout=deadline.left())

        context.fleet.each(start)
        cure = f"Look at journalctl -u {BOB_UNIT} -u {HEALTH_UNIT} on the nodes that are missing."
        self.wait_until_done(context, deadline, cure=cure)
