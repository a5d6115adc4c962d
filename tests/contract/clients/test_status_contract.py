"""`bob status` and `bob shellenv` against real agents, with one server that hangs."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from loopback_agents import RunningAgent

from bob import toolchain
from bob.clients.nomad import Nomad
from bob.commands import shellenv
from bob.context import Context, KnownNode
from bob.provision.secrets import Secrets
from bob.status.decide import decide
from bob.status.sense import sense
from bob.status.view import AgentState, NomadState
from inventory import NetworkName

MGMT = NetworkName.MGMT


class LoopbackContext(Context):
    """A cluster whose agents listen on ports of their own instead of the usual ones."""

    consul_urls: dict[str, str]
    nomad_urls: dict[str, str]
    known_secrets: Secrets

    def consul_url(self, node: KnownNode, network: NetworkName = MGMT) -> str:
        return self.consul_urls[node.name]

    def nomad_url(self, node: KnownNode) -> str:
        return self.nomad_urls[node.name]

    def secrets(self) -> Secrets:
        return self.known_secrets


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes connections and says nothing, like a frozen host."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def context(
    consul_running: RunningAgent, nomad_running: RunningAgent, nomad: Nomad, hanging: str
) -> LoopbackContext:
    node = {"zone": "rack1", "server": True, "addresses": {MGMT: IPv4Address("127.0.0.1")}}
    return LoopbackContext(
        cluster="c1",
        datacenters={MGMT: "test"},
        nodes=(KnownNode(name="host10", **node), KnownNode(name="host11", **node)),
        consul_ca=consul_running.ca_file,
        nomad_ca=nomad_running.ca_file,
        consul_urls={"host10": hanging, "host11": consul_running.address},
        nomad_urls={"host10": hanging, "host11": nomad_running.address},
        known_secrets=Secrets(
            cluster="c1",
            consul_gossip={},
            nomad_gossip="unused",
            consul_management={},
            nomad_management=nomad_running.token,
            consul_agents={},
            nomad_agents={},
            dns="unused",
            operator=consul_running.token,
            bob_agents={},
            robot={},
            requests="unused",
            ssh_key="unused",
        ),
    )


def test_the_state_is_seen_in_time_though_a_server_hangs(context: LoopbackContext) -> None:
    start = time.monotonic()
    status = decide(context, sense(context, context.secrets()))
    assert time.monotonic() - start < 5
    hung, good = status.nodes
    assert (good.name, good.networks[MGMT], good.nomad) == (
        "host11", AgentState.ALIVE, NomadState.READY,
    )  # fmt: skip
    assert (good.server, good.consul_voter, good.nomad_voter) == (True, True, True)
    assert (status.consul_leaders[MGMT], status.nomad_leader) == ("host11", "host11")
    assert (hung.networks[MGMT], hung.nomad) == (AgentState.ABSENT, NomadState.ABSENT)
    assert "host10: absent on mgmt" in status.reasons


def test_the_stock_programs_work_in_the_environment(
    context: LoopbackContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    environment = shellenv.values(context)
    tools = toolchain.ensure(["consul", "nomad"])
    for program, arguments, expected in (
        (tools.consul.path, ["members"], "host11"),
        (tools.consul.path, ["operator", "raft", "list-peers"], "leader"),
        (tools.nomad.path, ["node", "status"], "ready"),
    ):
        done = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
