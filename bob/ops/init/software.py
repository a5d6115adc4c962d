"""Put the programs and the configuration on every host."""

from __future__ import annotations

from pathlib import PurePosixPath

from bob.clients.ssh import Host, quote
from bob.ops.init.context import InitContext
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import agents, install, nomad_config
from bob.provision.node_files import NodeFile
from bob.provision.trees import Tree
from bob.toolchain import bundle
from bob.waiting import Deadline

NOMAD_CONFIG = f"{agents.NOMAD_CONFIG_DIR}/{nomad_config.CONFIG_FILE}"


class Binaries(Step[InitContext]):
    """Each program travels once to each host, packed, and is verified there."""

    name = "binaries"
    title = "Copy consul, nomad, consul-template and Bob itself to every host"
    timeout = 900

    def probe(self, context: InitContext) -> Probe:
        missing = context.fleet.each(
            lambda h: install.missing_programs(h, programs(context, h.name))
        )
        lacking = [name for name, binaries in missing.items() if binaries]
        return needed(f"{', '.join(lacking)} without them") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        def send(host: Host) -> None:
            for program in install.missing_programs(host, programs(context, host.name)):
                install.send_program(host, program, deadline.left())

        context.fleet.each(send)


def programs(context: InitContext, name: str) -> tuple[install.Program, ...]:
    """Everything that is to be installed on a host; Bob in a build for the host's own Python."""
    report = context.reports[name]
    own = bundle.ensure(report.python, report.arch)
    return (*context.binaries, Tree(agents.BOB_UNIT, own.digest, own.sha256, own.packed))


class Configuration(Step[InitContext]):
    """Configuration, certificates, tokens and units; agents that run already take them up."""

    name = "configuration"
    title = "Write configuration, certificates and units on every host"

    def probe(self, context: InitContext) -> Probe:
        differing = context.fleet.each(lambda h: install.differing(h, wanted(context, h.name)))
        lacking = [name for name, paths in differing.items() if paths]
        if not lacking:
            stale = context.fleet.each(install.stale_units)
            # bob-agent restarts when everything else has: see `agents`.
            lacking = [name for name, units in stale.items() if set(units) - {agents.BOB_UNIT}]
        return needed(f"{', '.join(lacking)} not configured") if lacking else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        def configure(host: Host) -> tuple[str, ...]:
            paths = set(install.differing(host, wanted(context, host.name)))
            files = [file for file in wanted(context, host.name) if file.path in paths]
            if files:
                host.run(_ADD_USER, timeout=deadline.left())
                install.send_files(host, files, sorted(_units(files)))
            stale = install.reload_units(host) if install.stale_units(host) else ()
            return tuple(unit for unit in stale if unit != agents.BOB_UNIT)

        for name, units in context.fleet.each(configure).items():
            # One host at a time: an agent that runs already may be a voter. The command returns
            # when the agent has joined again (Type=notify).
            if units:
                context.fleet[name].run(install.restart_script(units), timeout=120)


def wanted(context: InitContext, name: str) -> list[NodeFile]:
    """The files of a node, but for the configuration of Nomad on servers, which has two stages."""
    staged = name in context.servers
    return [f for f in context.files(name) if not (staged and f.path == NOMAD_CONFIG)]


_ADD_USER = (
    f"id {agents.CONSUL_USER} >/dev/null 2>&1 || "
    f"useradd --system --user-group --home-dir {quote(str(agents.DATA_ROOT))} "
    f"--no-create-home --shell /usr/sbin/nologin {agents.CONSUL_USER}"
)


def _units(files: list[NodeFile]) -> set[str]:
    """Units whose configuration or own file is among `files`."""
    found = set()
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_relative_to(agents.BOB_CONFIG_DIR):
            found.add(agents.BOB_UNIT)
        elif path.is_relative_to(agents.CONFIG_ROOT):
            found.add(path.relative_to(agents.CONFIG_ROOT).parts[0])
        elif path.is_relative_to(agents.UNIT_DIR):
            found.add(path.stem)
    return found
