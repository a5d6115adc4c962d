"""Are these hosts fit to become members? Pure: reports in, every finding out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bob.errors import BobError, PreflightRefused
from bob.provision import agents
from bob.provision.host_report import DISKS, HostReport
from inventory import Cluster, Node

SUPPORTED = ("debian 12", "debian 13")
ARCHITECTURES = ("x86_64", "aarch64")
NEEDED_COMMANDS = ("systemctl", "tar", "gzip", "sha256sum", "useradd", "ip", "bash")
PYTHON = (3, 11)  # what bob-agent needs at least
# Certificates, tokens and raft leases tolerate a few seconds; logs that must be compared do not.
MAX_CLOCK_SKEW = 5.0
# The three programs and their transfer take 0.4 GB; raft, logs and allocations need room to grow.
MIN_FREE = {"/opt": 1_000_000_000, "/var/lib": 2_000_000_000, "/etc": 10_000_000}


@dataclass(frozen=True)
class Finding:
    """Something that must be put right; `fatal` is False for a warning."""

    host: str
    problem: str
    cure: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.host}: {self.problem} ({self.cure})"


def unreachable(name: str, error: BobError) -> Finding:
    """The finding about a host that gave no answer."""
    problem = str(error).removeprefix(f"{name}: ")
    return Finding(name, problem, error.cure or "check the host and its network")


def cut_off(name: str, label: str) -> Finding:
    """The finding about a peer that a host cannot reach; `label` is peer/network."""
    peer, _, network = label.partition("/")
    problem = f"cannot reach {peer} on the {network} network"
    return Finding(name, problem, "check cables, VLAN, routes and firewall")


def refuse_unfit(findings: Iterable[Finding]) -> None:
    """Raise `PreflightRefused` with everything that must be put right."""
    fatal = [str(finding) for finding in findings if finding.fatal]
    if fatal:
        lines = "\n  ".join(fatal)
        raise PreflightRefused(
            f"the hosts are not fit, nothing was changed:\n  {lines}",
            cure="Put these right, then run the same command again.",
        )


def judge(
    cluster: Cluster,
    facts: Mapping[str, HostReport],
    claim: str,
    ports: Mapping[str, Iterable[agents.Listener]],
) -> tuple[Finding, ...]:
    """All findings about all hosts. `claim` is what our own hosts hold in their claim file."""
    findings = [
        finding
        for node in cluster.nodes
        for finding in judge_host(node, facts[node.name], claim, ports[node.name])
    ]
    return (*findings, *_clocks(facts), *_twins(facts))


def judge_host(
    node: Node, facts: HostReport, claim: str, ports: Iterable[agents.Listener]
) -> Iterator[Finding]:
    """All findings about one host by itself; `ports` are those that our units will open there."""
    name = node.name
    if facts.uid != 0:
        yield Finding(name, "no root rights", "set ssh.user to root or allow it sudo -n")
        return
    if facts.wiping:
        yield Finding(name, "is just being made bare", "wait until it is: some seconds")
        return
    if facts.claim and facts.claim != claim:
        yield Finding(
            name, f"already belongs to cluster {facts.claim.split()[0]!r}",
            "take it out of that cluster first, or re-install it",
        )  # fmt: skip
        return
    if not facts.os.startswith(SUPPORTED):
        yield Finding(name, f"runs {facts.os}", f"install one of: {', '.join(SUPPORTED)}")
    if facts.arch not in ARCHITECTURES:
        yield Finding(name, f"is a {facts.arch}", f"use one of: {', '.join(ARCHITECTURES)}")
    if facts.pid1 != "systemd":
        yield Finding(name, f"PID 1 is {facts.pid1}", "boot it with systemd")
    missing = [command for command in NEEDED_COMMANDS if command not in facts.commands]
    if missing:
        yield Finding(name, f"lacks {', '.join(missing)}", "install the packages that hold them")
    if not _recent(facts.python):
        least = ".".join(map(str, PYTHON))
        found = f"has Python {facts.python}" if facts.python else "has no complete Python"
        yield Finding(name, f"{found}, {least} or newer is needed", "apt install python3")
    if facts.hostname != name:
        yield Finding(name, f"calls itself {facts.hostname}", f"hostnamectl hostname {name}", False)
    if "docker" not in facts.commands:
        yield Finding(name, "has no docker", "apt install docker.io, to run docker jobs", False)
    yield from _disks(name, facts)
    yield from _addresses(node, facts)
    if not facts.claim:
        yield from _ports(name, facts, ports)


def _recent(python: str) -> bool:
    return bool(python) and tuple(map(int, python.split("."))) >= PYTHON


def _disks(name: str, facts: HostReport) -> Iterator[Finding]:
    for folder in DISKS:
        free = facts.disks.get(folder, 0)
        if folder not in facts.writable:
            yield Finding(name, f"{folder} cannot be written", "free the disk or remount it rw")
        elif free < MIN_FREE[folder]:
            need = MIN_FREE[folder] / 1e9
            yield Finding(
                name, f"{folder} has {free / 1e9:.2f} GB free", f"make room: {need:g} GB needed"
            )


def _addresses(node: Node, facts: HostReport) -> Iterator[Finding]:
    for network, address in node.addresses.items():
        if address not in facts.nics:
            yield Finding(
                node.name, f"has no NIC with its {network} address {address}",
                "configure the address on the host or correct the inventory",
            )  # fmt: skip


def _ports(name: str, facts: HostReport, ports: Iterable[agents.Listener]) -> Iterator[Finding]:
    ports = tuple(ports)
    for taken in sorted(facts.listeners, key=str):
        units = {
            use.unit: None  # a set that keeps the order
            for use in ports
            if (taken.protocol, taken.port) == (use.protocol, use.port)
            and (taken.address is None or str(taken.address) == use.address)
        }
        if units:
            yield Finding(
                name, f"port {taken.port}/{taken.protocol} of {', '.join(units)} is taken",
                f"stop the program that listens on {taken.address or '*'}:{taken.port}",
            )  # fmt: skip


def _clocks(facts: Mapping[str, HostReport]) -> Iterator[Finding]:
    """Clocks are compared with each other, not with ours: the operator's laptop may be off."""
    if not facts:
        return
    ordered = sorted(fact.clock_offset for fact in facts.values())
    middle = ordered[len(ordered) // 2]
    for name, fact in facts.items():
        yield from judge_clock(name, fact.clock_offset - middle)


def judge_clock(name: str, skew: float) -> Iterator[Finding]:
    """`skew` is how many seconds a host's clock is ahead of the cluster's."""
    if abs(skew) > MAX_CLOCK_SKEW:
        problem = f"its clock is {skew:+.0f} s off the others"
        yield Finding(name, problem, "start chrony or set the clock")


def _twins(facts: Mapping[str, HostReport]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, fact in facts.items():
        twin = seen.setdefault(fact.machine_id, name)
        if fact.machine_id and twin != name:
            yield Finding(
                name, f"has the same /etc/machine-id as {twin}: a cloned disk",
                "rm /etc/machine-id; systemd-machine-id-setup",
            )  # fmt: skip
