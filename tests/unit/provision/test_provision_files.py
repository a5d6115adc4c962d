from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from provision_samples import NETWORKS, SERVERS

from bob.errors import Permanent
from bob.provision import install, units
from bob.provision.access import consul_access
from bob.provision.agent_config import AgentConfig
from bob.provision.agents import consul_agent
from bob.provision.node_files import NodeFile, health_files, resolver_file
from bob.provision.private_files import write_private
from bob.provision.resolver import Resolver
from bob.provision.secrets import Secrets
from healthcheck.config import HealthConfig
from inventory.model import Cluster, NetworkName
from inventory.values import FrozenMapping

FilesOf = Callable[[str], tuple[NodeFile, ...]]


def secret_values(secrets: Secrets) -> set[bytes]:
    tables = (
        secrets.consul_gossip, secrets.consul_management, secrets.nomad_agents,
        secrets.bob_agents, secrets.healthchecks, secrets.robot,
    )  # fmt: skip
    found = {one.get_secret_value() for table in tables for one in table.values()}
    found |= {
        one.get_secret_value() for node in secrets.consul_agents.values() for one in node.values()
    }
    single = (secrets.nomad_gossip, secrets.nomad_management, secrets.dns, secrets.operator)
    return {value.encode() for value in found | {one.get_secret_value() for one in single}}


def test_the_same_inputs_give_the_same_files(files_of: FilesOf) -> None:
    assert files_of("host1") == files_of("host1")


def test_every_agent_has_its_files(files_of: FilesOf) -> None:
    paths = {file.path for file in files_of("host1")}
    for network in NETWORKS:
        for name in ("ca.pem", "agent.pem", "agent-key.pem", "consul.json"):
            assert f"/etc/bob/consul-{network}/{name}" in paths
        assert f"/etc/systemd/system/consul-{network}.service" in paths
    assert "/etc/bob/nomad/nomad.json" in paths
    assert "/etc/systemd/system/nomad.service" in paths
    assert "/etc/systemd/system/bob-agent.service" in paths
    assert "/etc/systemd/system/healthcheck.service" in paths


@pytest.mark.parametrize(("name", "leads"), [("host1", True), ("host4", False)])
def test_bob_agents_of_servers_hold_the_token_of_the_robot(
    files_of: FilesOf, some_secrets: Secrets, tmp_path: Path, name: str, leads: bool
) -> None:
    files = {file.path: file for file in files_of(name)}
    place = tmp_path / "agent.json"
    write_private(place, files["/etc/bob/agent/agent.json"].content)
    read = AgentConfig.load(place)
    assert (read.cluster, read.node, read.networks) == ("c1", name, tuple(NetworkName))
    assert read.token == some_secrets.bob_agents[name]
    assert read.robot == (some_secrets.robot if leads else {})


@pytest.mark.parametrize("content", [b"", b"{", b'{"token": "secret-value"}'])
def test_a_damaged_configuration_of_bob_agent_is_refused(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "agent.json"
    write_private(place, content)
    with pytest.raises(Permanent, match="is damaged") as caught:
        AgentConfig.load(place)
    assert "secret-value" not in caught.value.message


def test_files_that_the_configuration_names_are_there(files_of: FilesOf) -> None:
    files = {file.path: file for file in files_of("host4")}
    named = set()
    for network in NETWORKS:
        config = json.loads(files[f"/etc/bob/consul-{network}/consul.json"].content)
        named |= {config["tls"]["defaults"][key] for key in ("ca_file", "cert_file", "key_file")}
    tls = json.loads(files["/etc/bob/nomad/nomad.json"].content)["tls"]
    named |= {tls[key] for key in ("ca_file", "cert_file", "key_file")}
    assert len(named) == 12 and named <= files.keys()


@pytest.mark.parametrize("name", ["host1", "host4"])
def test_no_secret_is_readable_by_others(
    files_of: FilesOf, some_secrets: Secrets, name: str
) -> None:
    secret = secret_values(some_secrets) | {b"PRIVATE KEY"}
    holding = [file for file in files_of(name) if any(value in file.content for value in secret)]
    assert len(holding) == 10  # one key and one configuration per agent, and those of Bob's own
    for file in holding:
        consul = "/consul-" in file.path
        owner = ("root", "consul", 0o640) if consul else ("root", "root", 0o600)
        assert (file.owner, file.group, file.mode) == owner


@pytest.mark.parametrize(("name", "watches"), [("host1", True), ("host4", False)])
def test_the_healthcheck_reads_what_was_written_for_it(
    files_of: FilesOf, some_secrets: Secrets, tmp_path: Path, name: str, watches: bool
) -> None:
    files = {file.path: file for file in files_of(name)}
    place = tmp_path / "healthcheck.json"
    place.write_bytes(files["/etc/bob/healthcheck/healthcheck.json"].content)
    place.chmod(0o600)
    read = HealthConfig.load(place)
    assert read.token == some_secrets.healthchecks[name].get_secret_value()
    assert read.watches_cluster is watches
    assert [network.name for network in read.networks] == list(NETWORKS)
    assert read.units == ("consul-mgmt", "consul-storage", "consul-tenant", "nomad", "bob-agent")
    assert {read.nomad_ca, read.consul_ca} <= files.keys()
    assert read.token not in repr(read)


def test_a_cluster_from_before_has_no_healthcheck(
    files_of: FilesOf, some_secrets: Secrets, cluster: Cluster
) -> None:
    older = some_secrets.model_copy(update={"healthchecks": FrozenMapping({})})
    access = consul_access(cluster, NetworkName.MGMT, SERVERS, older)
    assert not [token for token in access.tokens if "healthcheck" in token.description]
    assert health_files(cluster, cluster.node("host1"), SERVERS, older) == ()


def test_a_node_does_not_learn_the_secrets_of_others(
    files_of: FilesOf, some_secrets: Secrets
) -> None:
    content = b"".join(file.content for file in files_of("host4"))
    foreign = {
        some_secrets.nomad_management,
        some_secrets.operator,
        some_secrets.nomad_gossip,
        *some_secrets.consul_management.values(),
        *some_secrets.consul_agents["host1"].values(),
        some_secrets.nomad_agents["host1"],
        some_secrets.bob_agents["host1"],
        some_secrets.healthchecks["host1"],
        *some_secrets.robot.values(),
        some_secrets.requests,
        some_secrets.ssh_key,
    }
    assert not [one for one in foreign if one.get_secret_value().encode() in content]


def test_repr_of_a_file_does_not_show_its_content(files_of: FilesOf) -> None:
    assert "PRIVATE" not in repr(files_of("host1"))


def test_consul_unit_may_bind_port_53_on_mgmt_only() -> None:
    mgmt, storage = (
        units.consul_unit(consul_agent(network))
        for network in (NetworkName.MGMT, NetworkName.STORAGE)
    )
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in mgmt
    assert "CAP_NET" not in storage and "CapabilityBoundingSet=\n" in storage
    for text in (mgmt, storage):
        assert "Type=notify\n" in text and "User=consul\n" in text
    assert (
        "ExecStart=/opt/bob/bin/consul agent -config-file=/etc/bob/consul-mgmt/consul.json\n"
        in mgmt
    )
    assert "StateDirectory=bob/consul-storage\n" in storage


def test_nomad_unit_waits_for_consul_and_keeps_tasks() -> None:
    text = units.nomad_unit()
    for line in (
        "After=network.target consul-mgmt.service docker.service",
        "ExecStartPre=/opt/bob/bin/wait-for-consul",
        "KillMode=process",
        "SuccessExitStatus=1",
        "StateDirectory=bob/nomad",
    ):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize(
    "text",
    [units.bob_unit(), units.nomad_unit(), units.consul_unit(consul_agent(NetworkName.MGMT))],
)
def test_units_have_settings_and_comments_only(text: str) -> None:
    for line in text.splitlines():
        assert not line or line.startswith(("#", "[")) or "=" in line
    assert "{" not in text


def test_resolv_conf_asks_consul_first_and_libc_reads_all_of_it() -> None:
    resolver = Resolver(
        upstream=("127.0.0.1", "10.0.0.53", "10.0.0.54", "10.0.0.53", "10.0.0.55"),
        search=("example.org",),
    )
    file = resolver_file(resolver)
    assert file.path == "/etc/resolv.conf" and file.mode == 0o644
    assert file.content.decode().splitlines()[1:] == [
        "search example.org",
        "nameserver 127.0.0.1",
        "nameserver 10.0.0.53",
        "nameserver 10.0.0.54",
        "options timeout:1 attempts:2",
    ]
    assert resolver.recursors() == ("10.0.0.53", "10.0.0.54")


def test_a_second_look_at_the_host_changes_nothing() -> None:
    before = Resolver(upstream=("10.0.0.53", "10.0.0.54", "10.0.0.55"))
    lines = resolver_file(before).content.decode().splitlines()
    found = tuple(line.split()[1] for line in lines if line.startswith("nameserver"))
    after = Resolver(upstream=found)
    assert after.recursors() == before.recursors()
    assert resolver_file(after) == resolver_file(before)


def test_a_host_without_resolvers() -> None:
    text = resolver_file(Resolver()).content.decode()
    assert text.count("nameserver") == 1 and "search" not in text


def test_systemd_resolved_gets_a_drop_in() -> None:
    file = resolver_file(Resolver(upstream=("127.0.0.53",), resolved=True))
    assert file.path == "/etc/systemd/resolved.conf.d/bob.conf"
    assert "DNS=127.0.0.1\nDomains=~consul\n" in file.content.decode()


@contextmanager
def leader_answers(*answers: bytes) -> Iterator[int]:
    """A Consul that gives these answers to /v1/status/leader, the last one for ever."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v1/status/leader"
            body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def run_wait_script(folder: Path, port: int, seconds: int) -> subprocess.CompletedProcess[str]:
    script = folder / "wait"
    # The port comes last: one like 46012 holds the number of seconds too.
    text = units.wait_script().replace("60", str(seconds)).replace("/8500", f"/{port}")
    script.write_text(text)
    script.chmod(0o755)
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [script], capture_output=True, text=True, timeout=30, check=False, env=environment
    )


def test_the_wait_ends_when_consul_has_a_leader(tmp_path: Path) -> None:
    with leader_answers(b'""', b"No cluster leader", b'"10.101.0.1:8300"') as port:
        done = run_wait_script(tmp_path, port, 20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("listening", [True, False])
def test_the_wait_gives_up_and_lets_nomad_start(tmp_path: Path, listening: bool) -> None:
    with leader_answers(b'""') as port:
        used = port
        if listening:
            done = run_wait_script(tmp_path, used, 1)
    if not listening:
        done = run_wait_script(tmp_path, used, 1)
    assert done.returncode == 0 and "no leader for 1 s" in done.stdout


@pytest.mark.parametrize("state", ["fine", "stale", "stopped"])
@pytest.mark.parametrize("unit", ["first", "second"])
def test_units_run_when_each_of_them_does(tmp_path: Path, unit: str, state: str) -> None:
    stale = tmp_path / "stale"
    stale.mkdir()
    if state == "stale":
        (stale / unit).touch()
    stopped = unit if state == "stopped" else "-"
    fake = tmp_path / "systemctl"
    fake.write_text(f'#!/bin/sh\n[ "$3" != "{stopped}" ]\n')
    fake.chmod(0o755)
    script = install.running_script(["first", "second"]).replace(install.STALE, str(stale))
    done = subprocess.run(
        ["/bin/sh", "-c", script], check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    )
    assert (done.returncode == 0) == (state == "fine")
