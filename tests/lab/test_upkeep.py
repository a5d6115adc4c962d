"""Rotated keys, a backup that is put back, and upgrades, while a job runs on every host.

The tests share one cluster and follow each other; each leaves it healthy.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from end_state import consul, nomad
from harness import LONG, Factory, Lab

from bob.clients.consul import Consul
from bob.clients.http import Refused
from bob.clients.keyring import ConsulKeyring, Keyring, NomadKeyring
from bob.errors import BobError
from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Request
from bob.ops.record import Operation
from bob.ops.sense import sense
from bob.ops.submit import submit
from bob.provision import agents
from bob.provision.install import STORE
from bob.provision.secrets import Secrets, load
from bob.toolchain import ensure
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

DEADLINE = 420.0  # generous: 30 s for a restart of every agent on an idle machine
FAILURE, USAGE, GUARD = 1, 2, 6
WITHOUT_LEADER = 20.0  # seconds that an election may take on a loaded machine; 2 to 4 are usual
PASSPHRASE = "correct horse battery"
NODES = ("n1", "n2", "n3")

JOB = """
job "sleeper" {
  datacenters = ["*"]
  group "main" {
    count = 3
    constraint {
      distinct_hosts = true
    }
    task "sleep" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["100000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""
BROKEN = (
    '#!/bin/sh\ncase "$*" in *version*) echo "Nomad v{version}";; *) echo oh dear; exit 7;; esac\n'
)


@pytest.fixture(scope="module")
def three(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(sandbox_factory("upkeep", len(NODES)), tmp_path_factory.mktemp("upkeep"))
    lab.init()
    return lab


@pytest.fixture(autouse=True)
def at_rest(three: Lab) -> None:
    start_job(three)
    wait_for(lambda: rested(three), what="healthy, and nothing under way", deadline=DEADLINE,
             interval=1)  # fmt: skip


# ---- rotate


def test_every_network_and_nomad_speak_with_a_new_gossip_key(three: Lab) -> None:
    before, were = gossip_keys(three), pids(three)
    with watched(three) as gaps:
        three.bob("rotate", "gossip", "--yes")
    after = gossip_keys(three)
    assert all(after[pool] != before[pool] for pool in before)
    for pool, keyring in keyrings(three):
        ring = keyring.ring()
        assert dict(ring.keys) == {after[pool]: len(NODES)}
        assert ring.uses(after[pool]) in (True, None)
    for node in NODES:
        written = three.on(node, "cat /etc/bob/consul-*/consul.json /etc/bob/nomad/nomad.json")
        assert all(key in written for key in after.values())
        assert not any(key in written for key in before.values())
    assert max(gaps) < WITHOUT_LEADER
    assert pids(three) == were
    three.sandbox.bmc("n3").power("cycle")
    wait_for(lambda: not reaches(three, "n3"), what="n3 goes", deadline=60, interval=0.2)
    wait_for(lambda: rested(three), what="n3 is back", deadline=DEADLINE, interval=1)


def test_every_agent_shows_a_new_certificate(three: Lab) -> None:
    before, were = serials(three), pids(three)
    noted = until(three)
    with watched(three) as gaps:
        three.bob("rotate", "certificates", "--yes")
    after = serials(three)
    assert not set(before.values()) & set(after.values())
    assert len(set(after.values())) == len(after) == 4 * len(NODES)
    assert until(three) > noted
    assert max(gaps) < WITHOUT_LEADER
    assert pids(three) == were


def test_tokens_are_replaced_as_often_as_one_likes(three: Lab) -> None:
    for _ in range(2):
        old, were = known(three), pids(three)
        accessors = {net: consul(three, net).acl.accessors() for net in NetworkName}
        three.bob("rotate", "tokens", "--yes")
        new = known(three)
        assert new.generation == old.generation + 1
        for network in NetworkName:
            left = accessors[network] & consul(three, network).acl.accessors()
            assert len(left) == 2  # anonymous and management
        for token in (old.operator, old.requests, old.robot[NetworkName.MGMT]):
            with pytest.raises(Refused):
                with_token(three, token.get_secret_value()).kv.get("bob/cluster")
        assert with_token(three, new.operator.get_secret_value()).kv.get("bob/cluster")
        for node in NODES:
            written = three.on(node, "cat /etc/bob/consul-mgmt/*.json /etc/bob/agent/agent.json")
            assert new.bob_agents[node].get_secret_value() in written
            assert old.bob_agents[node].get_secret_value() not in written
        wait_for(lambda: rested(three), what="healthy", deadline=DEADLINE, interval=1)
        assert pids(three) == were


# ---- backup and restore


def test_a_backup_brings_back_what_was_deleted_and_keeps_what_was_rotated(
    three: Lab, tmp_path: Path
) -> None:
    file, good, wrong = tmp_path / "c.backup", tmp_path / "good", tmp_path / "wrong"
    good.write_text(PASSPHRASE + "\n")
    wrong.write_text("another passphrase\n")
    with_good = (str(file), "--passphrase-file", str(good))
    consul(three).kv.put("test/kept", "yes")
    three.bob("backup", *with_good)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert not any(word.encode() in content for word in (*values(three), "sleeper", "test/kept"))
    assert "exists" in three.bob("backup", *with_good, code=USAGE).stderr

    consul(three).kv.delete("test/kept")
    nomad(three).http.request("DELETE", "/v1/job/sleeper", params={"purge": "true"})
    three.bob("rotate", "tokens", "--yes")
    refused = three.bob("restore", str(file), "--passphrase-file", str(wrong), "--yes", code=USAGE)
    assert "another passphrase" in refused.stderr
    refused = three.bob("restore", *with_good, "--yes", code=GUARD)
    assert "--accept data-loss" in refused.stderr
    identity = three.folder / "cluster-id"
    own = identity.read_text()
    identity.write_text("01ANOTHERCLUSTERALTOGETHER\n")
    refused = three.bob("restore", *with_good, "--yes", "--accept", "data-loss", code=USAGE)
    assert "another cluster" in refused.stderr
    identity.write_text(own)
    assert consul(three).kv.get("test/kept") is None

    three.bob("restore", *with_good, "--yes", "--accept", "data-loss")
    kept = consul(three).kv.get("test/kept")
    assert kept is not None
    assert kept.value == b"yes"
    wait_for(lambda: len(pids(three)) == 3, what="the job runs", deadline=DEADLINE, interval=1)
    wait_for(lambda: rested(three), what="healthy", deadline=DEADLINE, interval=1)
    three.bob("maintain", "n3", "--yes")
    three.bob("maintain", "n3", "--off", "--yes")

    fresh = three.environment | {"BOB_STATE": str(tmp_path / "fresh")}
    for words in (("restore", *with_good), ("status",)):
        ran = subprocess.run(
            three.command(*words), env=fresh, capture_output=True, text=True, timeout=LONG
        )
        assert ran.returncode in (0, 9), ran.stderr
    assert three.sandbox.name in ran.stdout
    made = tmp_path / "fresh" / "clusters" / three.sandbox.name / "secrets.json"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


# ---- upgrade


def test_an_upgrade_that_does_not_start_is_taken_back_and_a_good_one_goes_on(
    three: Lab, tmp_path: Path
) -> None:
    was = links(three)
    broken, good = toolchain(tmp_path / "broken"), toolchain(tmp_path / "good")
    version = nomad_version(three)
    (broken / "nomad").write_text(BROKEN.format(version=version))
    three.bob("upgrade", "-f", inventory(three, broken), "--yes", code=FAILURE)
    failed = newest(three, "upgrade")
    assert failed.step("upgrade-nomad").state == "failed"
    assert "oh dear" in failed.step("upgrade-nomad").error
    assert "former version runs again" in three.bob("op", "show", failed.id).stdout
    assert links(three) == was
    three.bob("op", "abort", failed.id, "--yes")
    wait_for(lambda: rested(three), what="healthy", deadline=DEADLINE, interval=1)

    with (good / "nomad").open("ab") as program:
        program.write(b"\n")
    were = pids(three)
    with watched(three) as gaps, watched_restarts(three) as missing:
        three.bob("upgrade", "-f", inventory(three, good), "--yes")
    now = links(three)
    assert len(set(now.values())) == 1
    assert not set(now.values()) & set(was.values())
    for node in NODES:
        assert STORE in three.on(
            node, "readlink /proc/$(systemctl show -p MainPID --value nomad)/exe"
        )
        running = three.on(node, "readlink /proc/$(systemctl show -p MainPID --value nomad)/exe")
        assert running.strip() == now[node]
    assert max(gaps) < WITHOUT_LEADER
    assert max(missing) <= 1
    assert pids(three) == were


def test_versions_that_do_not_follow_are_refused_before_anything_travels(three: Lab) -> None:
    was, path = links(three), three.inventory.with_name("versions.yaml")
    for version, code, word in (("1.10.0", USAGE, "cannot go back"),
                                ("1.14.0", GUARD, "--accept version-skew")):  # fmt: skip
        path.write_text(f"versions: {{nomad: {version}}}\n{three.inventory.read_text()}")
        assert word in three.bob("upgrade", "-f", str(path), "--yes", code=code).stderr
    assert links(three) == was


def test_a_bob_that_does_not_start_is_taken_back_too(three: Lab) -> None:
    was = {node: three.on(node, f"readlink {agents.BIN_DIR}/bob-agent") for node in NODES}
    place = f"{STORE}/bob-broken/bob-agent"
    for node in NODES:
        three.on(node, f"mkdir -p {STORE}/bob-broken; printf '#!/bin/sh\nexit 7\n' >{place}; "
                       f"chmod 755 {place}")  # fmt: skip
    view = sense({net: consul(three, net) for net in NetworkName}, nomad(three))
    request = Request("upgrade", three.sandbox.name, {"programs": {"bob-agent": place}})
    made = submit(ConsulStore(consul(three)), request, view).operation
    wait_for(lambda: newest(three, "upgrade").state.value == "failed", what="it is given up",
             deadline=DEADLINE, interval=1)  # fmt: skip
    assert newest(three, "upgrade").id == made.id
    assert "the former version runs again" in newest(three, "upgrade").step("upgrade-bob").error
    assert {node: three.on(node, f"readlink {agents.BIN_DIR}/bob-agent") for node in NODES} == was
    three.bob("op", "abort", made.id, "--yes")


# ---- helpers


def start_job(lab: Lab) -> None:
    jobs = nomad(lab).jobs
    jobs.register(jobs.parse(JOB))
    wait_for(lambda: len(pids(lab)) == 3, what="the job runs", deadline=DEADLINE, interval=1)


def pids(lab: Lab) -> dict[str, str]:
    """The process of the job on each host."""
    found = {
        node: lab.on(node, "pgrep -xf '/bin/sleep 100000' || true", check=False).strip()
        for node in NODES
    }
    return {node: pid for node, pid in found.items() if pid}


def rested(lab: Lab) -> bool:
    """Healthy, nothing under way, and every server stable in every raft."""
    try:
        judged = [consul(lab, net).operator.autopilot() for net in NetworkName]
        judged.append(nomad(lab).operator.autopilot())
        passing = consul(lab).http.request("GET", "/v1/health/service/bob?passing=1").json()
        return (
            not ConsulStore(consul(lab)).unfinished()
            and all(s.healthy and s.voter for one in judged for s in one.servers)
            and len(passing) == len(NODES)
            and lab.healthy()
        )
    except BobError:
        return False


def reaches(lab: Lab, node: str) -> bool:
    command = lab.sandbox.ssh_command(node, ["true"])
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def known(lab: Lab) -> Secrets:
    return load(lab.folder / "secrets.json", lab.sandbox.name)


def values(lab: Lab) -> list[str]:
    secrets = known(lab)
    found = (secrets.nomad_management, secrets.operator, secrets.nomad_gossip)
    return [each.get_secret_value() for each in found]


def with_token(lab: Lab, token: str) -> Consul:
    port = agents.consul_agent(NetworkName.MGMT).https_port
    urls = [f"https://{node.addresses['mgmt']}:{port}" for node in lab.sandbox.nodes]
    return Consul.any(urls, token, lab.folder / "pki/consul-ca.pem")


def gossip_keys(lab: Lab) -> dict[str, str]:
    secrets = known(lab)
    keys = {net.value: key.get_secret_value() for net, key in secrets.consul_gossip.items()}
    return {**keys, "nomad": secrets.nomad_gossip.get_secret_value()}


def keyrings(lab: Lab) -> Iterator[tuple[str, Keyring]]:
    for network in NetworkName:
        yield network.value, ConsulKeyring(consul(lab, network).http)
    yield "nomad", NomadKeyring(nomad(lab).http)


def serials(lab: Lab) -> dict[tuple[str, int], int]:
    """The certificate that each agent shows on its own port."""
    ports = [agents.consul_agent(network).https_port for network in NetworkName]
    found = {}
    for node in lab.sandbox.nodes:
        for port in (*ports, agents.NOMAD_HTTP_PORT):
            shown = ssl.get_server_certificate((str(node.addresses["mgmt"]), port), timeout=30)
            found[node.name, port] = x509.load_pem_x509_certificate(shown.encode()).serial_number
    return found


def until(lab: Lab) -> float:
    entry = consul(lab).kv.get("bob/certificates")
    return float(entry.json()["until"]) if entry else 0.0


def newest(lab: Lab, kind: str) -> Operation:
    return [one for one in ConsulStore(consul(lab)).list() if one.kind == kind][-1]


def links(lab: Lab) -> dict[str, str]:
    return {node: lab.on(node, f"readlink {agents.BIN_DIR}/nomad").strip() for node in NODES}


def toolchain(folder: Path) -> Path:
    """A folder with copies of the programs as they are."""
    folder.mkdir()
    for tool in ensure():
        shutil.copy(tool.path, folder / tool.name)
    return folder


def nomad_version(lab: Lab) -> str:
    agent: dict[str, Any] = nomad(lab).http.request("GET", "/v1/agent/self").json()
    return str(agent["config"]["Version"]["Version"])


def inventory(lab: Lab, programs: Path) -> str:
    """The inventory with another place to take programs from."""
    path = lab.inventory.with_name("upgrade.yaml")
    path.write_text(f"toolchain: {{path: {json.dumps(os.fspath(programs))}}}\n"
                    f"{lab.inventory.read_text()}")  # fmt: skip
    return str(path)


@contextmanager
def watched(lab: Lab) -> Iterator[list[float]]:
    """Look for leaders all the time; the list has the seconds of each time without one."""

    def led() -> bool:
        try:
            return bool(consul(lab).leader() and nomad(lab).leader())
        except BobError:
            return False

    gaps, since = [0.0], [0.0]

    def look() -> None:
        now = time.monotonic()
        since[0] = 0.0 if led() else since[0] or now
        gaps.append(now - since[0] if since[0] else 0.0)

    with repeated(look):
        yield gaps


@contextmanager
def watched_restarts(lab: Lab) -> Iterator[list[int]]:
    """How many servers did not answer at the same time, look by look."""
    port = agents.NOMAD_HTTP_PORT
    missing = [0]

    def answers(address: str) -> bool:
        try:
            ssl.get_server_certificate((address, port), timeout=10)
        except OSError:
            return False
        return True

    def look() -> None:
        addresses = [str(node.addresses["mgmt"]) for node in lab.sandbox.nodes]
        missing.append(sum(not answers(address) for address in addresses))

    with repeated(look):
        yield missing


@contextmanager
def repeated(look: Any) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.3):
            look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
