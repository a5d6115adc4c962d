"""What `bob init` leaves behind, as facts that can be compared between two clusters."""

from __future__ import annotations

import json
from typing import Any

from harness import Lab

from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.provision import agents
from inventory import NetworkName

FILES = r"""
find /etc/bob /opt/bob /var/tmp -mindepth 1 ! -path '/var/tmp/systemd-private-*' \
  -printf '%p %y %m %u:%g %l\n' | sort
stat -c '%n %a %U:%G' /etc/resolv.conf /etc/systemd/system/*.service
cat /etc/bob/cluster
"""
LIVING = ("bob/history/", "bob/leader", "bob/facts/", "bob/tasks/")  # come and go by themselves
AGENTS = "'consul-*' nomad bob-agent healthcheck"
UNITS = f"for u in {AGENTS}; do systemctl list-units --all --plain --no-legend $u; done"
ENABLED = (
    "systemctl is-enabled consul-mgmt consul-storage consul-tenant nomad bob-agent healthcheck"
)


def end_state(lab: Lab) -> dict[str, Any]:
    """Everything that has to be the same after two installations of equal hosts."""
    facts = {
        "hosts": {node.name: host_facts(lab, node.name) for node in lab.sandbox.nodes},
        "consul": {network.value: consul_facts(lab, network) for network in NetworkName},
        "nomad": nomad_facts(lab),
        "operator": sorted(
            str(path.relative_to(lab.folder)) for path in lab.folder.rglob("[!.]*")
            if path.parent.name != "ops"
        ),
    }  # fmt: skip
    text = json.dumps(facts, sort_keys=True)
    identity = (lab.folder / "cluster-id").read_text().strip()
    facts = json.loads(text.replace(identity, "<id>").replace(lab.sandbox.name, "<cluster>"))
    return dict(facts)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two ends differ, and how: the first one's before the other's."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            found
            for key in sorted({*one, *other})
            for found in differences(one.get(key), other.get(key), f"{path}/{key}")
        ]
    if isinstance(one, list) and isinstance(other, list):
        lacks = [each for each in other if each not in one]
        more = [each for each in one if each not in other]
        if lacks or more:
            return [f"{path}: more {more}, lacks {lacks}"]
    return [] if one == other else [f"{path}: {one!r} instead of {other!r}"]


def host_facts(lab: Lab, node: str) -> dict[str, list[str]]:
    return {
        "files": lab.on(node, FILES).splitlines(),
        "units": [" ".join(line.split()[:4]) for line in lab.on(node, UNITS).splitlines()],
        "enabled": lab.on(node, ENABLED).split(),
    }


def consul_facts(lab: Lab, network: NetworkName) -> dict[str, Any]:
    """Rules, tokens (by purpose, with their number) and, on mgmt, the keys of the robot."""
    get = consul(lab, network).http.request
    policies = get("GET", "/v1/acl/policies").json()
    tokens = get("GET", "/v1/acl/tokens").json()
    facts = {
        "policies": sorted(f"{p['Name']}: {p['Description']}" for p in policies),
        "tokens": sorted(t["Description"] for t in tokens if not t.get("AuthMethod")),
        "roles": [role["Name"] for role in get("GET", "/v1/acl/roles").json()],
        "auth methods": [a["Name"] for a in get("GET", "/v1/acl/auth-methods").json()],
        "binding rules": sorted(
            f"{rule['BindType']} {rule['BindName']} {rule['Selector']}"
            for rule in get("GET", "/v1/acl/binding-rules").json()
        ),
    }
    if network is NetworkName.MGMT:
        keys = get("GET", "/v1/kv/bob/", params={"keys": ""}).json()
        facts["keys"] = sorted(key for key in keys if not key.startswith(LIVING))
    return facts


def nomad_facts(lab: Lab) -> dict[str, Any]:
    client = nomad(lab)
    return {
        "nodes": sorted(f"{node.name} {node.status}" for node in client.state.nodes()),
        "voters": sorted(client.operator.raft().voters),
        "tokens": [t["Name"] for t in client.http.request("GET", "/v1/acl/tokens").json()],
    }


def secrets(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab.folder / "secrets.json").read_text())
    return found


def consul(lab: Lab, network: NetworkName = NetworkName.MGMT) -> Consul:
    """The Consul API of a network with the management token."""
    port = agents.consul_agent(network).https_port
    token = secrets(lab)["consul_management"][network.value]
    return Consul.any(_urls(lab, port), token, lab.folder / "pki/consul-ca.pem")


def nomad(lab: Lab) -> Nomad:
    """The Nomad API with the management token."""
    token = secrets(lab)["nomad_management"]
    urls = _urls(lab, agents.NOMAD_HTTP_PORT)
    return Nomad.any(urls, token, lab.folder / "pki/nomad-ca.pem")


def _urls(lab: Lab, port: int) -> list[str]:
    return [f"https://{node.addresses['mgmt']}:{port}" for node in lab.sandbox.nodes]
