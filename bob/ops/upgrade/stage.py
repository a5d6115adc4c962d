"""Bring other versions to every node, beside those that run. The operator's own SSH does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bob.clients.fleet import Fleet
from bob.clients.ssh import Host
from bob.ops.joining import software
from bob.provision import host_report, install
from bob.provision.install import Binary, Program
from bob.waiting import Deadline

HOST_SECONDS = 900.0  # half a gigabyte on a slow link


def stage(
    fleet: Fleet, binaries: Sequence[Binary], say: Callable[[str], None]
) -> tuple[dict[str, dict[str, str]], Mapping[str, Exception]]:
    """Put the programs, and Bob as it is here, into the store of every host.

    Returns where each program lies, by host and by its name, and the hosts that did not answer.
    Nothing that runs is touched. Bob is made for the Python of each host.
    """
    reports, silent = fleet.attempt(host_report.gather)

    def bring(host: Host) -> tuple[Program, ...]:
        wanted = software.programs(binaries, reports[host.name])
        deadline = Deadline(HOST_SECONDS)
        for program in install.absent_programs(host, wanted):
            say(f"{host.name}: {program.name}")
            install.keep_program(host, program, deadline.left())
        return wanted

    brought = fleet.each(bring, list(reports))
    places = {
        host: {program.name: program.place for program in programs}
        for host, programs in brought.items()
    }
    return places, silent


def most_common(
    places: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The place of each program on most hosts, and by host what is different there.

    An operation is kept in one record, also with hundreds of hosts.
    """
    names = dict.fromkeys(name for found in places.values() for name in found)
    common = {
        name: Counter(found[name] for found in places.values()).most_common(1)[0][0]
        for name in names
    }
    others = {
        host: {name: place for name, place in found.items() if place != common[name]}
        for host, found in places.items()
    }
    return common, {host: different for host, different in others.items() if different}
