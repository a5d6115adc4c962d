"""The switch of a sandbox: a namespace with three bridges, and the machine's link to mgmt.

The hosts plug themselves in (see `container`). Everything here can be repeated: what exists stays.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection
from pathlib import Path

from bob.machine.programs import run
from bob.sandbox.layout import NETWORKS, Layout, NodeLayout

_MACHINE_PORT = "machine"  # the switch's end of the machine's link


def make_switch(layout: Layout) -> None:
    """Make the namespace, the bridges, the BMC addresses and the machine's link, where missing."""
    if not Path("/run/netns", layout.netns).exists():
        _ip("netns", "add", layout.netns)
    have = _addresses("-n", layout.netns)
    _ip_batch(["-n", layout.netns], bridge_commands(layout, have))
    machine = _addresses()
    _ip_batch([], machine_commands(layout, machine))
    _ip_batch(["-n", layout.netns], [f"link set {_MACHINE_PORT} master mgmt up"])


def bridge_commands(layout: Layout, have: dict[str, list[str]]) -> list[str]:
    """`ip` commands for the switch; `have` maps its interfaces to their addresses. Pure."""
    commands = ["link set lo up"]
    for network in NETWORKS:
        if network not in have:
            # A fixed MAC: the kernel's choice changes with the ports, and peers cache it.
            mac = f"02:6b:fe:{layout.slot:02x}:00:{NETWORKS.index(network) + 1:02x}"
            commands += [
                f"link add {network} address {mac} type bridge mcast_snooping 0",
                f"link set {network} up",
            ]
        wanted = [layout.bridge_address(network)]
        if network == "mgmt":
            wanted += [node.bmc_address for node in layout]
        commands += [
            f"addr add {address}/24 dev {network}"
            for address in wanted
            if address not in have.get(network, [])
        ]
    return commands


def machine_commands(layout: Layout, have: dict[str, list[str]]) -> list[str]:
    """`ip` commands for the machine's own end; `have` as for `bridge_commands`. Pure."""
    link = layout.machine_link
    commands = []
    if link not in have:
        commands.append(
            f"link add {link} address 02:6b:ff:{layout.slot:02x}:00:01 "
            f"type veth peer name {_MACHINE_PORT} netns {layout.netns}"
        )
    if layout.machine_address not in have.get(link, []):
        commands += [f"addr add {layout.machine_address}/24 dev {link}", f"link set {link} up"]
    return commands


def remove_node(layout: Layout, node: NodeLayout) -> None:
    """Remove a dead host's namespace, its ports and its BMC's address."""
    _ip("netns", "del", node.netns, check=False)
    if not Path("/run/netns", layout.netns).exists():
        return
    commands = [f"link del {node.port(network)}" for network in NETWORKS]
    commands.append(f"addr del {node.bmc_address}/24 dev mgmt")
    _ip_batch(["-n", layout.netns, "-force"], commands, check=False)


def remove(name: str, machine_link: str | None) -> None:
    """Remove every namespace of the sandbox and the machine's link. Nothing must run in them."""
    if machine_link and machine_link in _addresses():
        _ip("link", "del", machine_link, check=False)
    for netns in namespaces(name):
        _ip("netns", "del", netns, check=False)


def namespaces(name: str, existing: Collection[str] | None = None) -> list[str]:
    """Names of the namespaces that belong to the sandbox `name`, by their names alone."""
    if existing is None:
        existing = [path.name for path in Path("/run/netns").glob("bob-*")]
    prefix = f"bob-{name}-n"
    return sorted(
        netns
        for netns in existing
        if netns == f"bob-{name}"
        or (netns.startswith(prefix) and netns.removeprefix(prefix).isdigit())
    )


def processes(name: str) -> list[int]:
    """Processes inside the sandbox's namespaces, wherever they came from."""
    inside = set()
    for netns in namespaces(name):
        with contextlib.suppress(OSError):
            inside.add(Path("/run/netns", netns).stat().st_ino)
    found = []
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            if link.stat().st_ino in inside:
                found.append(int(link.parts[2]))
    return found


def interfaces() -> Collection[str]:
    """Names of the machine's own interfaces."""
    return _addresses().keys()


def _addresses(*where: str) -> dict[str, list[str]]:
    """Interface -> its addresses."""
    answer = _ip(*where, "-json", "address", "show")
    return {
        link["ifname"]: [entry["local"] for entry in link["addr_info"]]
        for link in json.loads(answer or "[]")
        if link
    }


def _ip_batch(options: list[str], commands: list[str], *, check: bool = True) -> None:
    if commands:
        _ip(*options, "-batch", "-", text="\n".join(commands), check=check)


def _ip(*arguments: str, text: str = "", check: bool = True) -> str:
    return run("ip", *arguments, text=text, check=check)
