"""Bob's own daemon on every node: from here on the cluster is looked after."""

from __future__ import annotations

from bob.clients.ssh import Host
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import install
from bob.provision.agents import BOB_UNIT
from bob.waiting import Deadline


class Agents(Step[InitContext]):
    """Active means that it has seen Consul, and runs the code and configuration that are there."""

    name = "agents"
    title = "Start bob-agent on every node"

    def probe(self, context: InitContext) -> Probe:
        script = install.running_script(BOB_UNIT)
        results = context.fleet.each(lambda host: host.run(script, check=False))
        lacking = [name for name, result in results.items() if result.code]
        return needed(f"not running on {', '.join(lacking)}") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        script = (
            # Its unit may have been replaced by a run that was stopped before systemd read it.
            f"! [ -e {install.STALE}/{BOB_UNIT} ] || systemctl daemon-reload\n"
            + install.restart_script([BOB_UNIT])
            + install.start_script([BOB_UNIT])
        )

        def start(host: Host) -> None:
            host.run(script, timeout=deadline.left())

        context.fleet.each(start)
        cure = f"Look at journalctl -u {BOB_UNIT} on the nodes that are missing."
        self.wait_until_done(context, deadline, cure=cure)
