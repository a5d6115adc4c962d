"""A dead neighbour is noticed by the kernel within 3 s, so that connections to it fail at once.

The kernel believes for 15 to 45 s that a silent host on the same link is there. Meanwhile whoever
calls a dead server waits for the time limit of its dial: Nomad's schedulers and clients 10 s, which
was how long nothing was started elsewhere after the loss of Nomad's leader (measured). With these
values the kernel asks again after 1.5 s without a sign of life, and gives up 1.75 s later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from bob import logs
from bob.agent.machine import Machine
from bob.provision.agents import consul_agent
from inventory import NetworkName

SETTINGS: Mapping[str, int] = {
    "base_reachable_time_ms": 1000,  # believed for 0.5 to 1.5 times this
    "delay_first_probe_time": 1,  # seconds
    "retrans_time_ms": 250,  # between three questions
}
FOLDER = PurePosixPath("/proc/sys/net/ipv4/neigh")
CONFIG_FILE = "consul.json"
SECONDS = 5.0


def quicken(machine: Machine) -> tuple[str, ...]:
    """Set this for the NICs of the cluster's networks, until the next boot; the names of the NICs.

    A host that does not let us is slower, and works.
    """
    wanted = _addresses(machine)
    answer = machine.run("ip", "-j", "-4", "address", "show", timeout=SECONDS)
    try:
        found = json.loads(answer.output) if answer.code == 0 else []
    except ValueError:
        found = []
    nics = [
        str(nic["ifname"])
        for nic in found
        if any(one.get("local") in wanted for one in nic.get("addr_info", ()))
    ]
    for nic in nics:
        for name, value in SETTINGS.items():
            try:
                machine.path(FOLDER / nic / name).write_text(f"{value}\n")
            except OSError as error:
                logs.get().warning("neighbours", nic=nic, setting=name, error=str(error))
    return tuple(nics)


def _addresses(machine: Machine) -> frozenset[str]:
    """Where the Consul agents of this node are bound, one address for each network."""
    found = set()
    for network in NetworkName:
        path = machine.path(consul_agent(network).config_dir / CONFIG_FILE)
        try:
            found.add(str(json.loads(path.read_bytes())["bind_addr"]))
        except (OSError, ValueError, KeyError):
            continue  # a network that this cluster does not have
    return frozenset(found)
