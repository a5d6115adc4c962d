"""What was seen of a node at one moment, before anybody judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bob.clients.consul import Member


@dataclass(frozen=True, slots=True)
class Leg:
    """A NIC that carries a bond together with others."""

    name: str
    carrier: bool


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC. `changes`: how often its link has come and gone since the boot."""

    name: str
    on: bool
    carrier: bool
    changes: int
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """A neighbour answered. Seconds: the way there and back, and how far its clock is ahead.

    `fresh`: when it was asked last; else a moment before, and the last answer is missing.
    """

    took: float
    ahead: float
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Pool:
    """A network as its Consul agent here sees it. `error`: why the agent could not be asked.

    `members` are then the last ones that are known.
    """

    members: tuple[Member, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system in use. `wants_readonly`: the host's own table of mounts says so."""

    place: str
    kind: str
    readonly: bool = False
    wants_readonly: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """Of a file system: bytes and inodes, in all and free for us. `hangs`: it did not answer."""

    mount: Mount
    size: int = 0
    free: int = 0
    inodes: int = 0
    inodes_free: int = 0
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """What a disk says of itself (SMART). `passed` is None when it says nothing."""

    name: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `killed`: processes that the kernel has ended for want of memory since the boot."""

    total: int
    available: int
    killed: int


@dataclass(frozen=True, slots=True)
class Clock:
    """What the kernel says of its clock: `disciplined` by a time service, `error` in seconds."""

    disciplined: bool
    error: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of systemd. `restarts`: how often systemd has started it again since the boot."""

    name: str
    state: str
    restarts: int
    result: str = ""


Missing = Mapping[str, str]
"""Names of probes, and why each tells nothing."""


@dataclass(frozen=True)
class NodeFacts:
    """Everything; None is what has not been seen yet. `recent` counts events of ten minutes.

    Keys of `recent`: ("link", network), ("killed", ""), ("restarts", unit).
    """

    node: str
    addresses: Mapping[str, str]
    """Own address on each network."""
    nics: Mapping[str, Nic | None] | None = None
    pools: Mapping[str, Pool] | None = None
    echoes: Mapping[tuple[str, str], Echo] | None = None
    """By network and node."""
    spaces: tuple[Space, ...] | None = None
    disks: tuple[Disk, ...] | None = None
    memory: Memory | None = None
    clock: Clock | None = None
    units: tuple[Unit, ...] | None = None
    recent: Mapping[tuple[str, str], int] = field(default_factory=dict)
    missing: Missing = field(default_factory=dict)
