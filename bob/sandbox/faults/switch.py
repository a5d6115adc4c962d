"""The sandbox's switch: what it does with the frames of a host's port, and whether a port has link.

Frames are dropped by nftables rules that name ports, not by states of bridge ports: two faults on
one port do not undo each other, and a pair of hosts can be parted without parting other pairs (the
bridge's `isolated` flag parts all hosts that have it).
A port may be relayed by a wire (see wire.py): then the bridge knows it by the wire's name.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from bob.errors import BobError, DeadlinePassed, UsageError
from bob.sandbox.layout import NETWORKS
from bob.sandbox.record import Sandbox

_SECONDS = 30.0  # each command takes some 5 ms, on a busy machine a second


def run(sandbox: Sandbox, command: Sequence[str], text: str = "") -> str:
    """Run a command in the switch's network namespace, `text` on its stdin; return its stdout."""
    what = f"`{' '.join(command)}` in {sandbox.layout.netns}"
    try:
        return subprocess.run(
            [*enter(sandbox), *command], input=text, text=True, capture_output=True,
            timeout=_SECONDS, check=True,
        ).stdout  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeadlinePassed(f"{what} took over {_SECONDS:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise BobError(
            f"{what} failed: {error.stderr.strip()}",
            cure=f"See what is left of the sandbox: bob sandbox status --name {sandbox.name}",
        ) from error


def enter(sandbox: Sandbox) -> list[str]:
    """The words that make a command run in the switch's namespace (and keep the machine's /sys)."""
    namespace = Path("/run/netns") / sandbox.layout.netns
    if not namespace.exists():
        raise UsageError(
            f"sandbox {sandbox.name!r} is not up", cure=f"bob sandbox up --name {sandbox.name}"
        )
    return ["nsenter", f"--net={namespace}", "--"]


# ---- frames


def from_host(sandbox: Sandbox, node: str, network: str) -> str:
    """nft match: frames that come from the host."""
    return f"iifname {_names(sandbox, node, network)}"


def to_host(sandbox: Sandbox, node: str, network: str) -> str:
    """nft match: frames that go to the host."""
    return f"oifname {_names(sandbox, node, network)}"


def table_name(fault_id: str) -> str:
    """The nft table that belongs to a fault."""
    return f"fault_{fault_id.replace(':', '_')}"


def filter_frames(
    sandbox: Sandbox, fault_id: str, *,
    entering: Iterable[str] = (), forwarded: Iterable[str] = (), leaving: Iterable[str] = (),
) -> None:  # fmt: skip
    """Replace the fault's table of rules for frames that enter, pass or leave the bridges."""
    name = table_name(fault_id)
    chains = {
        "prerouting": list(entering),
        "forward": list(forwarded),
        "postrouting": list(leaving),
    }
    text = [f"add table bridge {name}", f"delete table bridge {name}", f"table bridge {name} {{"]
    for hook, rules in chains.items():
        if rules:
            text += [f"chain {hook} {{", _hook(hook), *rules, "}"]
    run(sandbox, ["nft", "-f", "-"], "\n".join([*text, "}", ""]))


def pass_frames(sandbox: Sandbox, fault_id: str) -> None:
    """Delete the fault's table of bridge rules, if there is one."""
    _delete_table(sandbox, "bridge", fault_id)


def drop_address(sandbox: Sandbox, fault_id: str, address: str) -> None:
    """Drop all IP packets to an address of the switch itself: the BMCs have theirs there."""
    rule = f"ip daddr {address} drop"
    text = f"table ip {table_name(fault_id)} {{\nchain input {{\n{_hook('input')}\n{rule}\n}}\n}}\n"
    run(sandbox, ["nft", "-f", "-"], text)


def pass_address(sandbox: Sandbox, fault_id: str) -> None:
    """Delete the fault's table of IP rules, if there is one."""
    _delete_table(sandbox, "ip", fault_id)


# ---- link


def set_carriers(sandbox: Sandbox, off: Collection[str]) -> None:
    """Switch exactly these ports of hosts off and all others on. A host sees the carrier of a port
    that is off as lost."""
    state = {link["ifname"]: "UP" in link["flags"] for link in _links(sandbox)}
    ports = (node.port(network) for node in sandbox.nodes for network in NETWORKS)
    changes = [
        f"link set dev {port} {'down' if port in off else 'up'}"
        for port in ports
        if port in state and state[port] == (port in off)
    ]
    if changes:
        batch(sandbox, changes)


def masters(sandbox: Sandbox) -> dict[str, str]:
    """Interfaces of the switch's namespace -> the bridge each is a port of, or an empty string."""
    return {link["ifname"]: link.get("master", "") for link in _links(sandbox)}


def batch(sandbox: Sandbox, lines: Sequence[str]) -> None:
    """Several `ip` commands in one go; stops at the first that fails."""
    run(sandbox, ["ip", "-batch", "-"], "\n".join([*lines, ""]))


def wire_ends(port: str) -> tuple[str, str]:
    """Names of the veth pair of a wire: the end on the bridge, the end of the wire process."""
    return f"{port}-w", f"{port}-x"


def _hook(name: str) -> str:
    return f"type filter hook {name} priority 0"


def _delete_table(sandbox: Sandbox, family: str, fault_id: str) -> None:
    table = f"table {family} {table_name(fault_id)}"
    run(sandbox, ["nft", "-f", "-"], f"add {table}\ndelete {table}\n")  # no error without it


def _names(sandbox: Sandbox, node: str, network: str) -> str:
    port = sandbox.node(node).port(network)
    return f'{{ "{port}", "{wire_ends(port)[0]}" }}'


def _links(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(sandbox, ["ip", "-json", "link", "show"]))
    return found
