"""Names: a host asks Consul for `*.consul`, and its former resolvers for the rest."""

from __future__ import annotations

from bob.clients.ssh import Host
from bob.provision import install
from bob.provision.node_files import resolver_file
from bob.provision.resolver import Resolver
from bob.waiting import Deadline, wait_for

KNOWN_NAME = "consul.service.consul"  # Consul registers itself, so it exists in every cluster


def resolves(host: Host, resolver: Resolver) -> bool:
    """Whether libc gives the answer, as every program on the host gets it, and as we want it."""
    if install.differing(host, [resolver_file(resolver)]):
        return False
    return host.run(f"getent hosts {KNOWN_NAME}", check=False).code == 0


def ask_consul(host: Host, resolver: Resolver, deadline: Deadline) -> None:
    """Make the host ask Consul, and wait until that gives an answer."""
    install.send_files(host, [resolver_file(resolver)])
    if resolver.resolved:
        host.run("systemctl restart systemd-resolved")
    wait_for(
        lambda: resolves(host, resolver),
        what=f"{host.name} resolves {KNOWN_NAME}",
        deadline=deadline,
        cure=f"See journalctl -u consul-mgmt on {host.name}.",
    )
