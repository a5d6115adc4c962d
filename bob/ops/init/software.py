"""Put the programs and the configuration on every host."""

from __future__ import annotations

from bob.clients.ssh import Host
from bob.ops.init.context import InitContext
from bob.ops.joining import software
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import agents, install, nomad_config
from bob.provision.node_files import NodeFile
from bob.waiting import Deadline

NOMAD_CONFIG = f"{agents.NOMAD_CONFIG_DIR}/{nomad_config.CONFIG_FILE}"


class Binaries(Step[InitContext]):
    """Each program travels once to each host, packed, and is verified there."""

    name = "binaries"
    title = "Copy consul, nomad, consul-template and Bob itself to every host"
    timeout = 900

    def probe(self, context: InitContext) -> Probe:
        missing = context.fleet.each(
            lambda h: install.missing_programs(h, _programs(context, h.name))
        )
        lacking = [name for name, binaries in missing.items() if binaries]
        return needed(f"{', '.join(lacking)} without them") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        context.fleet.each(lambda h: software.send(h, _programs(context, h.name), deadline))


class Configuration(Step[InitContext]):
    """Configuration, certificates, tokens and units; agents that run already take them up."""

    name = "configuration"
    title = "Write configuration, certificates and units on every host"

    def probe(self, context: InitContext) -> Probe:
        found = context.fleet.each(lambda h: software.unconfigured(h, wanted(context, h.name)))
        lacking = [name for name, unconfigured in found.items() if unconfigured]
        return needed(f"{', '.join(lacking)} not configured") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        def configure(host: Host) -> tuple[str, ...]:
            return software.configure(host, wanted(context, host.name), deadline)

        for name, units in context.fleet.each(configure).items():
            # One host at a time: an agent that runs already may be a voter. The command returns
            # when the agent has joined again (Type=notify).
            if units:
                context.fleet[name].run(install.restart_script(units), timeout=120)


def wanted(context: InitContext, name: str) -> list[NodeFile]:
    """The files of a node, but for the configuration of Nomad on servers, which has two stages."""
    staged = name in context.servers
    return [f for f in context.files(name) if not (staged and f.path == NOMAD_CONFIG)]


def _programs(context: InitContext, name: str) -> tuple[install.Program, ...]:
    return software.programs(context.binaries, context.reports[name])
