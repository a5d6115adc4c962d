"""What a bare host says about itself: one shell script, one frozen answer.

The script needs nothing but a POSIX shell and coreutils; listening ports come from /proc, so a
host without `ss` is fine. Its output is one `key<TAB>value` line per fact.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from bob.clients.ssh import Host
from bob.provision.resolver import Resolver

COMMANDS = ("systemctl", "tar", "gzip", "sha256sum", "useradd", "ip", "bash", "docker")
CLAIM_FILE = "/etc/bob/cluster"
WIPE_UNIT = "bob-wipe"  # runs while a host that was removed becomes bare
# Debian's python3-minimal has no ssl: it counts as no Python.
PYTHON_VERSION = 'import ssl, sys; print("%d.%d" % sys.version_info[:2])'
DISKS = ("/opt", "/var/lib", "/etc")

SCRIPT = rf"""
LC_ALL=C; export LC_ALL
say() {{ printf '%s\t%s\n' "$1" "$2"; }}
say clock "$(date +%s.%N)"
say uid "$(id -u)"
say os "$(. /etc/os-release; echo "$ID $VERSION_ID")"
say arch "$(uname -m)"
say hostname "$(cat /proc/sys/kernel/hostname)"
say machine_id "$(cat /etc/machine-id 2>/dev/null)"
say pid1 "$(cat /proc/1/comm)"
say claim "$(cat {CLAIM_FILE} 2>/dev/null)"
say wiping "$(systemctl is-active {WIPE_UNIT} 2>/dev/null)"
say python "$(/usr/bin/python3 -I -S -c '{PYTHON_VERSION}' 2>/dev/null)"
say resolved "$(readlink /etc/resolv.conf 2>/dev/null)"
for c in {" ".join(COMMANDS)}; do command -v "$c" >/dev/null && say command "$c"; done
for d in {" ".join(DISKS)}; do
  say disk "$d $(df -Pk "$d" | awk 'NR == 2 {{ print $4 }}')"
  t=$(mktemp "$d/.bob.XXXXXX" 2>/dev/null) && echo x >"$t" 2>/dev/null && say writable "$d"
  [ -n "$t" ] && rm -f "$t"
done
[ -e /etc/resolv.conf ] && awk '
  $1 == "nameserver" {{ print "nameserver\t" $2 }}
  $1 == "search" {{ for (i = 2; i <= NF; i++) print "search\t" $i }}' /etc/resolv.conf
ip -o -4 address show 2>/dev/null |
  awk '{{ split($4, a, "/"); print "address\t" $2 " " a[1] }}'
for p in tcp tcp6; do
  awk -v p=$p 'NR > 1 && $4 == "0A" {{ print "listen\t" p " " $2 }}' /proc/net/$p 2>/dev/null
done
for p in udp udp6; do
  awk -v p=$p 'NR > 1 && $4 == "07" {{ print "listen\t" p " " $2 }}' /proc/net/$p 2>/dev/null
done
true
"""


@dataclass(frozen=True)
class Listener:
    """A port somebody listens on. `address` is None for all addresses."""

    protocol: str
    address: IPv4Address | None
    port: int


@dataclass(frozen=True)
class HostReport:
    """One host as it was found. `clock_offset` is its clock minus ours, in seconds; `disks` maps
    a folder to its free bytes; `nics` maps an address to the name of its NIC. `python` is like
    3.11, empty when there is none with its whole standard library. `wiping`: what a cluster left
    there is being deleted right now."""

    name: str
    uid: int
    os: str
    arch: str
    hostname: str
    machine_id: str
    pid1: str
    claim: str
    python: str
    clock_offset: float
    commands: frozenset[str]
    disks: dict[str, int]
    writable: frozenset[str]
    nics: dict[IPv4Address, str]
    listeners: frozenset[Listener]
    resolver: Resolver
    wiping: bool = False


def gather(host: Host) -> HostReport:
    """Ask one host. Raises what `Host.run` raises."""
    host.run(":")  # connects, so that the time it takes does not look like a clock that is ahead
    sent = time.time()
    answer = host.run(SCRIPT, timeout=30).stdout
    return parse(host.name, answer, sent)


def parse(name: str, answer: str, sent: float) -> HostReport:
    """Read the script's output. `sent` is our clock (Unix seconds) when the script was sent."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in answer.splitlines():
        key, _, value = line.partition("\t")
        found[key].append(value.strip())

    def one(key: str) -> str:
        return found[key][0] if found[key] else ""

    nics = (entry.split() for entry in found["address"])
    disks = (entry.split() for entry in found["disk"])
    return HostReport(
        name=name,
        uid=int(one("uid") or -1),
        os=one("os"),
        arch=one("arch"),
        hostname=one("hostname"),
        machine_id=one("machine_id"),
        pid1=one("pid1"),
        claim=one("claim"),
        python=one("python"),
        clock_offset=float(one("clock") or sent) - sent,
        commands=frozenset(found["command"]),
        disks={entry[0]: int(entry[1]) * 1024 for entry in disks if len(entry) == 2},
        writable=frozenset(found["writable"]),
        nics={IPv4Address(address): nic for nic, address in nics},
        listeners=frozenset(_listeners(found["listen"])),
        resolver=Resolver(
            upstream=tuple(found["nameserver"]),
            search=tuple(found["search"]),
            resolved="systemd/resolve" in one("resolved"),
        ),
        wiping=one("wiping") in ("active", "activating"),
    )


def _listeners(entries: Iterable[str]) -> Iterable[Listener]:
    """Decode /proc/net: `tcp 0100007F:1F90` is 127.0.0.1:8080, in host (little) byte order.

    Addresses of tcp6 are taken only when they are the wildcard: it also covers IPv4.
    """
    for entry in entries:
        protocol, _, place = entry.partition(" ")
        raw, _, port = place.partition(":")
        address = IPv4Address(bytes.fromhex(raw)[::-1]) if len(raw) == 8 else None
        if address is None and raw.strip("0"):
            continue
        wildcard = address is None or int(address) == 0
        yield Listener(protocol[:3], None if wildcard else address, int(port, 16))


def reach_script(peers: Iterable[tuple[str, IPv4Address]], port: int, patience: int = 8) -> str:
    """A script that prints `no<TAB>label` for each peer it cannot reach by TCP on `port`.

    A refused connection is an answer too; ICMP is not used because many sites drop it.
    """
    lines = [
        "LC_ALL=C; export LC_ALL",
        "d=$(mktemp -d) && trap 'rm -rf \"$d\"' EXIT || exit 1",
        "try() {",
        f'  timeout {patience} bash -c \'exec 3<>/dev/tcp/\'"$2/{port}" 2>"$d/$3" && return',
        '  grep -q refused "$d/$3" || printf \'no\\t%s\\n\' "$1"',
        "}",
        *(f"try {label} {address} {number} &" for number, (label, address) in enumerate(peers)),
        "wait",
    ]
    return "\n".join(lines) + "\n"


def unreachable(host: Host, peers: list[tuple[str, IPv4Address]], port: int) -> tuple[str, ...]:
    """Labels of the peers that this host cannot reach."""
    if not peers:
        return ()
    answer = host.run(reach_script(peers, port), timeout=30).stdout
    lines = (line.partition("\t") for line in answer.splitlines())
    return tuple(label for word, _, label in lines if word == "no")
