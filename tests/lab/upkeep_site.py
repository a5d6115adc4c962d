"""A cluster with a job on every host, and what is asked of it while it is looked after."""

from __future__ import annotations

import sleeper
from end_state import consul
from harness import Lab
from leaders import judgements

from bob.clients.consul import Consul
from bob.errors import BobError
from bob.ops.consul_store import ConsulStore
from bob.ops.record import Operation
from bob.provision import agents
from bob.provision.secrets import Secrets, load
from bob.waiting import wait_for
from inventory import NetworkName

DEADLINE = 420.0  # generous: 30 s for a restart of every agent on an idle machine
NODES = ("n1", "n2", "n3")


def start_job(lab: Lab) -> None:
    sleeper.register(lab, len(NODES), apart=True)
    wait_for(lambda: len(pids(lab)) == 3, what="the job runs", deadline=DEADLINE, interval=1)


def pids(lab: Lab) -> dict[str, str]:
    """The process of the job on each host."""
    found = {
        node: lab.on(node, f"pgrep -xf '{sleeper.COMMAND}' || true", check=False).strip()
        for node in NODES
    }
    return {node: pid for node, pid in found.items() if pid}


def rested(lab: Lab) -> bool:
    """Healthy, nothing under way, and every server stable in every raft."""
    try:
        passing = consul(lab).http.request("GET", "/v1/health/service/bob?passing=1").json()
        return (
            not ConsulStore(consul(lab)).unfinished()
            and all(s.healthy and s.voter for one in judgements(lab) for s in one.servers)
            and len(passing) == len(NODES)
            and lab.healthy()
        )
    except BobError:
        return False


def known(lab: Lab) -> Secrets:
    return load(lab.folder / "secrets.json", lab.sandbox.name)


def with_token(lab: Lab, token: str) -> Consul:
    port = agents.consul_agent(NetworkName.MGMT).https_port
    urls = [f"https://{node.addresses['mgmt']}:{port}" for node in lab.sandbox.nodes]
    return Consul.any(urls, token, lab.folder / "pki/consul-ca.pem")


def newest(lab: Lab, kind: str) -> Operation:
    return [one for one in ConsulStore(consul(lab)).list() if one.kind == kind][-1]
