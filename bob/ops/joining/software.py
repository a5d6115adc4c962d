"""The programs and the configuration of one host."""

from __future__ import annotations

from collections.abc import Iterable

from bob.clients.ssh import Host, quote
from bob.provision import agents, install
from bob.provision.host_report import HostReport
from bob.provision.node_files import NodeFile
from bob.provision.readers import units_reading
from bob.provision.trees import Tree
from bob.toolchain import bundle
from bob.waiting import Deadline


def programs(
    binaries: Iterable[install.Program], report: HostReport
) -> tuple[install.Program, ...]:
    """Everything that is to be installed on a host; Bob in a build for the host's own Python."""
    own = bundle.ensure(report.python, report.arch)
    others = (agents.HEALTH_UNIT,)
    return (*binaries, Tree(agents.BOB_UNIT, own.digest, own.sha256, own.packed, others))


def send(host: Host, wanted: Iterable[install.Program], deadline: Deadline) -> None:
    """Copy those programs that the host does not have."""
    for program in install.missing_programs(host, wanted):
        install.send_program(host, program, deadline.left())


def unconfigured(host: Host, files: Iterable[NodeFile]) -> bool:
    """Whether a file differs, or an agent runs with one that was replaced since it started."""
    if install.differing(host, files):
        return True
    return bool(set(install.stale_units(host)).difference(agents.OWN_UNITS))


def configure(host: Host, files: Iterable[NodeFile], deadline: Deadline) -> tuple[str, ...]:
    """Replace the files that differ. The units that run with a former one, but for our own."""
    files = tuple(files)
    paths = set(install.differing(host, files))
    changed = [file for file in files if file.path in paths]
    if changed:
        host.run(_ADD_USER, timeout=deadline.left())
        install.send_files(host, changed, sorted(units_reading(f.path for f in changed)))
    stale = install.reload_units(host) if install.stale_units(host) else ()
    return tuple(unit for unit in stale if unit not in agents.OWN_UNITS)


_ADD_USER = (
    f"id {agents.CONSUL_USER} >/dev/null 2>&1 || "
    f"useradd --system --user-group --home-dir {quote(str(agents.DATA_ROOT))} "
    f"--no-create-home --shell /usr/sbin/nologin {agents.CONSUL_USER}"
)
