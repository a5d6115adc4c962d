"""Everything that still knows a node, asked from every server; and what is left on a host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from end_state import secrets
from harness import LONG, Lab, await_none

from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.provision import agents
from inventory import NetworkName

FORGETTING_SECONDS = 60.0

# The leftovers of a host that is not bare. Tasks of Nomad live in its cgroups.
LEFT_ON_HOST = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run/log -o -path /var/log \) -prune -o \
  \( -iname '*bob*' -o -iname '*consul*' -o -iname '*nomad*' \) -print
ls -d /run/bob* 2>/dev/null
grep -e /var/lib/bob -e /opt/bob /proc/self/mounts | grep -v '^overlay / '
ps axo pid,args | grep -E '/opt/bob|/etc/bob|bob\.agent' | grep -v grep
systemctl list-units --all --plain --no-legend '*consul*' '*nomad*' '*bob*'
ss -Hlntu | awk '{ print $5 }' | grep -E ':(53|4646|4647|4648|83[0-9]{2}|85[0-9]{2})$'
docker ps -aq --filter label=com.hashicorp.nomad.alloc_id
getent passwd consul
grep -e 127.0.0.1 -e Bob /etc/resolv.conf
grep bob- /root/.ssh/authorized_keys
cat /etc/bob/cluster 2>/dev/null
:
"""


def ghosts(lab: Lab, node: str) -> list[str]:
    """Where the cluster and the operator's machine still know the node."""
    address = lab.sandbox.node(node).addresses["mgmt"]
    found = [where for server in servers(lab) for where in _on_server(lab, server, node)]
    return [*found, *_in_kv(lab, node, address), *_at_operator(lab, node, address)]


def forgotten(lab: Lab, node: str) -> None:
    """Nobody knows the node.

    The robot has seen to it on its own host. The other servers hear of it by gossip, within 12 s,
    or prune it themselves at their next look.
    """
    await_none(lambda: ghosts(lab, node), f"who still knows {node}", LONG)


def left_on(lab: Lab, node: str) -> list[str]:
    """What of Bob's is on a host."""
    return lab.on(node, LEFT_ON_HOST).splitlines()


def servers(lab: Lab) -> list[str]:
    """The servers as the operator's machine knows them."""
    nodes = json.loads((lab.folder / "context.json").read_text())["nodes"]
    return [node["name"] for node in nodes if node["server"]]


def consul_of(lab: Lab, server: str, network: NetworkName = NetworkName.MGMT) -> Consul:
    """One server's own agent, with the right to see everything."""
    port = agents.consul_agent(network).https_port
    token = secrets(lab)["consul_management"][network.value]
    return Consul(_url(lab, server, port), token, lab.folder / "pki/consul-ca.pem")


def nomad_of(lab: Lab, server: str) -> Nomad:
    """One server of Nomad; for seconds it does not answer while its gossip forgets a member."""
    token = secrets(lab)["nomad_management"]
    url = _url(lab, server, agents.NOMAD_HTTP_PORT)
    return Nomad(url, token, lab.folder / "pki/nomad-ca.pem", FORGETTING_SECONDS)


def _on_server(lab: Lab, server: str, node: str) -> Iterator[str]:
    for network in NetworkName:
        lists = _consul_lists(consul_of(lab, server, network))
        yield from (f"{server} {network} {what}" for what, names in lists.items() if node in names)
    nomad = nomad_of(lab, server)
    running = nomad.http.request("GET", "/v1/allocations").json()
    lists = {
        "nodes": [known.name for known in nomad.state.nodes(stale=True)],
        "servers": [known.name for known in nomad.state.servers()],
        "raft": [peer.name for peer in nomad.operator.raft(stale=True).peers],
        "allocations": [
            a["NodeName"] for a in running if a["ClientStatus"] in ("pending", "running", "unknown")
        ],
    }
    yield from (f"{server} Nomad {what}" for what, names in lists.items() if node in names)


def _consul_lists(consul: Consul) -> dict[str, list[str]]:
    def get(path: str) -> Any:
        return consul.http.request("GET", path, params={"stale": ""}).json()

    return {
        "members": [member.name for member in consul.agent.members()],
        "raft": [peer.name for peer in consul.operator.raft(stale=True).peers],
        "catalog": [known.name for known in consul.catalog.nodes(stale=True)],
        "services": [
            instance.node
            for name in consul.catalog.services(stale=True)
            for instance in consul.catalog.service(name, stale=True)
        ],
        "checks": [check.node for check in consul.catalog.checks(stale=True)],
        "sessions": [session["Node"] for session in get("/v1/session/list")],
        "tokens": [token["Description"].split(" ")[-1] for token in get("/v1/acl/tokens")],
        "policies": [policy["Name"].split("-")[-1] for policy in get("/v1/acl/policies")],
    }


def _in_kv(lab: Lab, node: str, address: str) -> Iterator[str]:
    """Keys and values; PEM files may hold the name by chance, between + and /."""
    named = re.compile(rf"(?<![\w+/=.-]){node}(?![\w+/=.-])|\b{re.escape(address)}\b".encode())
    for entry in consul_of(lab, servers(lab)[0]).kv.list(""):
        if entry.key.startswith("bob/history/"):
            continue
        if node in re.split(r"[/.]", entry.key) or named.search(entry.value):
            yield f"key {entry.key}"


def _at_operator(lab: Lab, node: str, address: str) -> Iterator[str]:
    for name in ("context.json", "inventory.json", "secrets.json", "known_hosts"):
        path = lab.folder / name
        text = path.read_text() if path.exists() else ""
        if f'"{node}"' in text or re.search(rf"\b{re.escape(address)}\b", text):
            yield f"operator's {name}"
    if (lab.folder / "pki" / node).exists():
        yield "operator's certificates"


def _url(lab: Lab, server: str, port: int) -> str:
    return f"https://{lab.sandbox.node(server).addresses['mgmt']}:{port}"
