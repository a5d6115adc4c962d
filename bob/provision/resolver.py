"""How a host comes to ask Consul for `*.consul`, with and without systemd-resolved."""

from __future__ import annotations

from dataclasses import dataclass

from bob.provision.agents import LOOPBACK
from bob.provision.templates import render

RESOLV_CONF = "/etc/resolv.conf"
RESOLVED_DROP_IN = "/etc/systemd/resolved.conf.d/bob.conf"

MAX_NAMESERVERS = 3  # libc ignores further ones (MAXNS in resolv.h)


@dataclass(frozen=True)
class Resolver:
    """How a host resolved names before ours took over."""

    upstream: tuple[str, ...] = ()
    """Addresses of its resolvers, best first."""
    search: tuple[str, ...] = ()
    """Its search domains."""
    resolved: bool = False
    """/etc/resolv.conf is a link to systemd-resolved."""

    def recursors(self) -> tuple[str, ...]:
        """Resolvers to which Consul forwards: never itself, and no more than `file` keeps.

        So a look at the host after our change gives the same answer as one before it.
        """
        others = dict.fromkeys(one for one in self.upstream if one != LOOPBACK)
        return tuple(others)[: MAX_NAMESERVERS - 1]

    def file(self) -> tuple[str, str]:
        """Path and content of the file that makes libc ask Consul.

        With systemd-resolved: a drop-in that takes effect when that service restarts; only
        `*.consul` goes to Consul, the rest as before. Without: /etc/resolv.conf with Consul first,
        and behind it the former resolvers for the time when Consul is down.
        """
        if self.resolved:
            return RESOLVED_DROP_IN, render("resolved.conf.j2", address=LOOPBACK)
        servers = (LOOPBACK, *self.recursors())
        return RESOLV_CONF, render("resolv.conf.j2", search=self.search, servers=servers)
