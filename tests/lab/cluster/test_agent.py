"""bob-agent on real hosts: seen in Consul, led by one, obedient to the leader alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import Lab

from bob.clients.consul import Check, Consul, KvEntry
from bob.context import Context
from bob.election import LEADER_KEY
from bob.errors import Temporary
from bob.ops.node_material import encode_files
from bob.ops.tasks import PAYLOADS, TASKS, Task, TaskState
from bob.provision.node_files import NodeFile
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = pytest.mark.lab

SOON = 60.0  # seconds, on a busy machine; each of these takes one or two
FAILOVER = 120.0  # a frozen leader loses its session after 10 to 20 s
UNIT = "bob-agent"
METRICS = "http://127.0.0.1:8590/metrics"


@pytest.fixture
def consul(cluster: Lab, monkeypatch: pytest.MonkeyPatch) -> Consul:
    """Consul with the right to do everything."""
    monkeypatch.setenv("BOB_STATE", str(cluster.state))
    found = Context.load(cluster.sandbox.name)
    token = found.secrets().robot[NetworkName.MGMT].get_secret_value()
    urls = [found.consul_url(server) for server in found.servers]
    return Consul.any(urls, token, found.consul_ca_file)


@pytest.fixture
def hand_out(consul: Consul) -> Iterator[Callable[..., Task]]:
    """`hand_out("n1", "configure", payload, restart=[…])`: the task when it is over."""
    keys: list[str] = []

    def run(node: str, kind: str, payload: bytes | None = None, **args: Any) -> Task:
        key = f"{TASKS}{node}/test.{len(keys)}"
        keys.append(key)
        if payload is not None:
            consul.kv.put(PAYLOADS + key.removeprefix(TASKS), payload)
        task = Task(kind=kind, args=args, operation="test", epoch=held(consul).lock_index)
        consul.kv.put(key, task.model_dump_json())

        def over() -> Task | None:
            entry = read(consul, key)
            if entry is None:
                return None
            found = Task.model_validate_json(entry.value)
            return found if found.state in (TaskState.DONE, TaskState.FAILED) else None

        return wait_for(over, what=f"{kind} on {node}", deadline=FAILOVER)

    yield run
    for key in keys:
        consul.kv.delete(key)
        consul.kv.delete(PAYLOADS + key.removeprefix(TASKS))


def read(consul: Consul, key: str) -> KvEntry | None:
    """The entry; None also while Consul has no leader, since these tests take it away."""
    try:
        return consul.kv.get(key)
    except Temporary:
        return None


def held(consul: Consul) -> KvEntry:
    """The lock, when somebody holds it."""

    def taken() -> KvEntry | None:
        entry = read(consul, LEADER_KEY)
        return entry if entry and entry.session else None

    return wait_for(taken, what="a leader", deadline=FAILOVER)


def named(entry: KvEntry) -> str:
    """The node that leads."""
    return str(json.loads(entry.value)["node"])


def check_of(consul: Consul, node: str) -> Check | None:
    checks = consul.catalog.node_checks(node)
    return next((check for check in checks if check.id == "bob"), None)


def await_check(consul: Consul, node: str, status: str, beginning: str) -> None:
    def seen() -> bool:
        check = check_of(consul, node)
        return bool(check and check.status == status and check.output.startswith(beginning))

    wait_for(seen, what=f"{node}: {status}: {beginning}", deadline=SOON)


def process(lab: Lab, node: str) -> str:
    return lab.on(node, f"systemctl show -P MainPID {UNIT}").strip()


def metric(lab: Lab, node: str, name: str) -> float:
    script = f"import urllib.request as u; print(u.urlopen('{METRICS}').read().decode())"
    lines = lab.run(node, ["python3", "-c", script]).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_every_node_says_in_consul_how_it_is(cluster: Lab, consul: Consul) -> None:
    leader = named(held(consul))
    for node in cluster.sandbox.nodes:
        beginning = "leader epoch" if node.name == leader else f"follows, {leader} leads"
        await_check(consul, node.name, "passing", beginning)
        assert metric(cluster, node.name, "bob_agent_leader") == (node.name == leader)


def test_a_killed_leader_goes_on_as_the_same(cluster: Lab, consul: Consul) -> None:
    before = held(consul)
    leader = named(before)
    cluster.on(leader, f"kill -KILL {process(cluster, leader)}")

    def renamed() -> bool:  # the new process writes its own name into the lock
        return held(consul).value != before.value

    wait_for(renamed, what="the next process", deadline=SOON)
    after = held(consul)
    assert (after.session, after.lock_index, named(after)) == (
        before.session, before.lock_index, leader,
    )  # fmt: skip
    await_check(consul, leader, "passing", "leader epoch")


def test_a_stopped_leader_makes_room_at_once(cluster: Lab, consul: Consul) -> None:
    before = held(consul)
    leader = named(before)
    cluster.on(leader, f"systemctl stop {UNIT}")
    try:
        check = check_of(consul, leader)
        assert check
        assert (check.status, check.output) == ("critical", "stopped")
        wait_for(lambda: named(held(consul)) != leader, what="another leader", deadline=SOON)
    finally:
        cluster.on(leader, f"systemctl start {UNIT}")
    await_check(consul, leader, "passing", "follows")


def test_a_thawed_leader_has_no_effect(cluster: Lab, consul: Consul) -> None:
    before = held(consul)
    leader = named(before)
    frozen = process(cluster, leader)
    cluster.on(leader, f"kill -STOP {frozen}")
    try:

        def another() -> bool:
            return named(held(consul)) != leader

        wait_for(another, what="another leader", deadline=FAILOVER)
        after = held(consul)
    finally:
        cluster.on(leader, f"kill -CONT {frozen}")
    await_check(consul, leader, "passing", f"follows, {named(after)} leads")
    assert process(cluster, leader) == frozen
    assert metric(cluster, leader, "bob_agent_leader") == 0
    now = held(consul)
    assert (now.session, now.lock_index) == (after.session, after.lock_index)
    assert after.lock_index > before.lock_index


def test_files_are_replaced_and_units_restarted(
    cluster: Lab, hand_out: Callable[..., Task]
) -> None:
    node, path = "n2", "/etc/bob/consul-tenant/extra"
    started = cluster.on(node, "systemctl show -P ExecMainStartTimestampMonotonic consul-tenant")
    units = ["consul-storage", "consul-tenant"]
    file = encode_files([NodeFile(path, b"1\n", 0o640, group="consul")])
    try:
        done = hand_out(node, "configure", file, restart=units)
        assert (done.error, done.result) == (
            "", {"changed": [path], "restarted": ["consul-tenant"], "stale": []},
        )  # fmt: skip
        assert cluster.on(node, f"stat -c '%a %U %G' {path}").split() == ["640", "root", "consul"]
        now = cluster.on(node, "systemctl show -P ExecMainStartTimestampMonotonic consul-tenant")
        assert now != started
        again = hand_out(node, "configure", file, restart=units)
        assert again.result == {"changed": [], "restarted": [], "stale": []}
    finally:
        cluster.on(node, f"rm -f {path}")
    wait_for(cluster.healthy, what="a healthy cluster", deadline=FAILOVER, interval=0.5)


def test_a_task_that_takes_consul_away_tells_its_outcome(
    cluster: Lab, hand_out: Callable[..., Task]
) -> None:
    cluster.on("n3", "touch /run/bob/stale/consul-mgmt")
    done = hand_out("n3", "configure", restart=["consul-mgmt"])
    assert done.result["restarted"] == ["consul-mgmt"], done.error
    wait_for(cluster.healthy, what="a healthy cluster", deadline=FAILOVER, interval=0.5)


def test_a_new_configuration_of_the_agent_is_taken_up(
    cluster: Lab, consul: Consul, hand_out: Callable[..., Task]
) -> None:
    node, path = "n1", "/etc/bob/agent/agent.json"
    content = cluster.on(node, f"cat {path}").encode()
    before = process(cluster, node)
    done = hand_out(node, "configure", encode_files([NodeFile(path, content + b"\n", 0o600)]))
    assert done.result == {"changed": [path], "restarted": [], "stale": [UNIT]}
    wait_for(lambda: process(cluster, node) not in (before, "0"), what="a restart", deadline=SOON)
    hand_out(node, "configure", encode_files([NodeFile(path, content, 0o600)]))
    await_check(consul, node, "passing", "")
    assert cluster.on(node, "ls /run/bob/stale") == ""


def test_a_task_of_a_newer_bob_asks_for_an_upgrade(hand_out: Callable[..., Task]) -> None:
    assert "knows no task 'fly'" in hand_out("n1", "fly").error


def test_nothing_secret_is_in_the_journal(cluster: Lab) -> None:
    for node in cluster.sandbox.nodes:
        token = json.loads(cluster.on(node.name, "cat /etc/bob/agent/agent.json"))["token"]
        assert token not in cluster.on(node.name, f"journalctl -u {UNIT} -o cat --no-pager")
