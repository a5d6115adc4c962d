"""Hosts that `bob init` must not touch, what it says about them, and one that dies under it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import Factory, Lab

from bob.ops.record import Operation
from bob.ops.states import StepState
from bob.sandbox import readiness
from bob.sandbox.faults import actions, registry
from bob.waiting import wait_for

pytestmark = pytest.mark.lab

FAILED, REFUSED, HELD, GUARDED = 1, 3, 5, 6
# A silent host is given up after 15 s and looked for once more; the rest is a slow test machine.
DEATH_NOTICED = 90.0

Inventory = dict[str, Any]
Trouble = Callable[["Operator"], AbstractContextManager[object]]


@dataclass(frozen=True)
class Operator(Lab):
    """An operator with an inventory of his own."""

    file: Path

    @property
    def inventory(self) -> Path:
        return self.file

    def edit(self, change: Callable[[Inventory], object]) -> None:
        document = yaml.safe_load(self.file.read_text())
        change(document)
        self.file.write_text(yaml.safe_dump(document))

    def record(self) -> Operation | None:
        """The newest operation."""
        paths = sorted((self.folder / "ops").glob("0*.json"))
        return (
            Operation.model_validate(json.loads(paths[-1].read_text())["operation"])
            if paths
            else None
        )

    def untouched(self) -> dict[str, str]:
        """Every file of the running hosts that an installation could change."""
        script = (
            "find /etc /opt /usr/local -xdev ! -type d -printf '%p %m %u %l\n';"
            "find /etc /opt -xdev -type f -exec sha256sum {} +; ls -A /var/tmp /var/lib"
        )
        names = [node.name for node in self.sandbox.nodes if self.sandbox.power(node.name) == "on"]
        return {name: self.on(name, script, check=False) for name in names}


@pytest.fixture(scope="module")
def bare(sandbox_factory: Factory) -> Any:
    return sandbox_factory("refuse", 3)


@pytest.fixture
def operator(bare: Any, tmp_path: Path) -> Iterator[Operator]:
    document = yaml.safe_load(bare.layout.inventory.read_text())
    home = bare.layout.inventory.parent
    document["ssh"] |= {key: str(home / document["ssh"][key]) for key in ("key", "known_hosts")}
    for node in document["nodes"]:
        node["bmc"]["password_file"] = str(home / node["bmc"]["password_file"])
    file = tmp_path / "cluster.yaml"
    file.write_text(yaml.safe_dump(document))
    yield Operator(bare, tmp_path / "state", file)
    actions.clear(bare)
    readiness.wait_until_ready(bare.nodes, 60)


# ---- troubles


@contextlib.contextmanager
def shell(operator: Operator, node: str, before: str, after: str) -> Iterator[None]:
    """Something is wrong on a host."""
    operator.on(node, before)
    try:
        yield
    finally:
        operator.on(node, after)


@contextlib.contextmanager
def fault(operator: Operator, kind: str, **arguments: str) -> Iterator[None]:
    record = actions.inject(operator.sandbox, registry.make(kind, arguments))
    assert record is not None
    try:
        yield
    finally:
        actions.clear(operator.sandbox, [record.id])


@contextlib.contextmanager
def wrong_key(operator: Operator) -> Iterator[None]:
    key = operator.file.with_name("stranger")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    operator.edit(lambda document: document["ssh"].update(key=str(key)))
    yield


@contextlib.contextmanager
def without_root(operator: Operator) -> Iterator[None]:
    operator.edit(lambda document: document["ssh"].update(user="clerk"))
    with ExitStack() as stack:
        for node in operator.sandbox.nodes:
            home = (
                "useradd --create-home clerk; cp -r /root/.ssh ~clerk/; chown -R clerk ~clerk/.ssh"
            )
            stack.enter_context(shell(operator, node.name, home, "userdel --remove clerk"))
        yield


@contextlib.contextmanager
def changed_host_key(operator: Operator) -> Iterator[None]:
    first, second = (node.addresses["mgmt"] for node in operator.sandbox.nodes[:2])
    lines = operator.sandbox.layout.known_hosts.read_text().splitlines()
    stranger = next(line for line in lines if line.startswith(second)).partition(" ")[2]
    known = operator.file.with_name("known_hosts")
    kept = [line for line in lines if not line.startswith(first)]
    known.write_text("\n".join([*kept, f"{first} {stranger}", ""]))
    operator.edit(lambda document: document["ssh"].update(known_hosts=str(known)))
    yield


@contextlib.contextmanager
def power_off(operator: Operator) -> Iterator[None]:
    with fault(operator, "power", node="n3", action="off"):
        yield
    readiness.wait_until_ready([operator.sandbox.node("n3")], 60)


@contextlib.contextmanager
def foreign_address(operator: Operator) -> Iterator[None]:
    address = operator.sandbox.node("n1").addresses["tenant"].rpartition(".")[0] + ".77"
    operator.edit(lambda document: document["nodes"][0]["addresses"].update(tenant=address))
    yield


def taken_port(operator: Operator) -> AbstractContextManager[None]:
    squat = "systemd-run --quiet --unit=squatter python3 -m http.server 8300"
    listening = "until grep -q ':206C ' /proc/net/tcp; do sleep 0.05; done"
    return shell(operator, "n1", f"{squat}; {listening}", "systemctl stop squatter")


def clock_off(operator: Operator) -> AbstractContextManager[None]:
    """All emulated hosts share one clock, so its reading is changed."""
    wrapper = "/usr/local/bin/date"
    script = '#!/bin/sh\\nexec /bin/date -d "60 seconds" "$@"\\n'
    make = f"printf '{script}' >{wrapper}; chmod 755 {wrapper}"
    return shell(operator, "n2", make, f"rm {wrapper}")


def cut_network(operator: Operator) -> AbstractContextManager[None]:
    return fault(operator, "nic", node="n2", network="storage")


def full_disk(operator: Operator) -> AbstractContextManager[None]:
    return fault(operator, "disk", node="n2", path="/opt")


def other_cluster(operator: Operator) -> AbstractContextManager[None]:
    claim = "mkdir -p /etc/bob; echo elsewhere 01JZ >/etc/bob/cluster"
    return shell(operator, "n3", claim, "rm -r /etc/bob")


def cloned_disk(operator: Operator) -> AbstractContextManager[None]:
    clone = operator.on("n1", "cat /etc/machine-id").strip()
    keep = f"cp /etc/machine-id /root/own; echo {clone} >/etc/machine-id"
    return shell(operator, "n2", keep, "cat /root/own >/etc/machine-id; rm /root/own")


# ---- preflight

UNITS = "consul-mgmt, consul-storage, consul-tenant"

TABLE: list[tuple[Trouble, list[tuple[str, str]]]] = [
    (wrong_key, [(f"n{i}: .* the host refused the SSH key", "authorized_keys") for i in (1, 2, 3)]),
    (without_root, [(f"n{i}: clerk has no root rights", "sudo without a pass") for i in (1, 2, 3)]),
    (changed_host_key, [("n1: .* its host key differs from the pinned one", "remove its line")]),
    (power_off, [("n3: .* not reachable by SSH", "the host is on")]),
    (
        cut_network,
        [
            ("n1: cannot reach n2 on the storage network", "check cables"),
            ("n2: cannot reach n1 on the storage network", "check cables"),
            ("n2: cannot reach n3 on the storage network", "check cables"),
            ("n3: cannot reach n2 on the storage network", "check cables"),
        ],
    ),
    (taken_port, [(f"n1: port 8300/tcp of {UNITS} is taken", "stop the program")]),
    (clock_off, [(r"n2: its clock is \+6[0-9] s off the others", "start chrony")]),
    (full_disk, [("n2: /opt cannot be written", "free the disk")]),
    (other_cluster, [("n3: already belongs to cluster 'elsewhere'", "out of that cluster")]),
    (cloned_disk, [("n2: has the same /etc/machine-id as n1", "systemd-machine-id-setup")]),
    (foreign_address, [("n1: has no NIC with its tenant address", "correct the inventory")]),
]
COUNTS = dict(TABLE)


def check_refused(operator: Operator, findings: list[tuple[str, str]]) -> None:
    """The run is refused for these reasons and no other, and no host was changed."""
    before = operator.untouched()
    said = operator.init(code=REFUSED).stderr
    assert operator.untouched() == before
    found = re.findall(r"^ +(n\d: .*)$", said, re.MULTILINE)
    for problem, cure in findings:
        assert any(re.match(f"{problem}.*{cure}", line) for line in found), said
    assert len(found) == len(findings), said
    assert "nothing was changed" in said
    assert "Traceback" not in said
    log = re.search(r"log: (\S+)", said)
    assert log
    assert "PreflightRefused" in Path(log[1]).read_text()


@pytest.mark.parametrize(
    ("trouble", "findings"), TABLE, ids=[trouble.__name__ for trouble, _ in TABLE]
)
def test_unfit_hosts_are_refused_and_stay_as_they_were(
    operator: Operator, trouble: Trouble, findings: list[tuple[str, str]]
) -> None:
    with trouble(operator):
        check_refused(operator, findings)


def test_everything_that_is_wrong_is_said_at_once(operator: Operator) -> None:
    # The host of another cluster is left alone: it is not even asked whom it reaches.
    troubles = [taken_port, clock_off, full_disk, other_cluster, cut_network]
    findings = [finding for trouble in troubles for finding in COUNTS[trouble]]
    with ExitStack() as stack:
        for trouble in troubles:
            stack.enter_context(trouble(operator))
        check_refused(
            operator,
            [
                f
                for f in findings
                if "cannot reach n3" not in f[0] and not f[0].startswith("n3: cannot")
            ],
        )


# ---- an installation with troubles; the hosts are not bare after it


def test_a_host_that_dies_under_init_and_a_changed_inventory(operator: Operator) -> None:
    process = subprocess.Popen(
        operator.command("init", "-f", str(operator.file), "--yes"), env=operator.environment,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def copying() -> bool:
        record = operator.record()
        return record is not None and record.step("binaries").state is StepState.RUNNING

    wait_for(copying, what="init copies binaries", deadline=120, interval=0.01)
    actions.inject(operator.sandbox, registry.make("power", {"node": "n3", "action": "off"}))
    off = time.monotonic()

    second = operator.init(code=HELD).stderr
    assert "another bob init" in second
    assert "Wait for it" in second

    _, said = process.communicate(timeout=DEATH_NOTICED)
    assert process.returncode == FAILED, said
    assert time.monotonic() - off < DEATH_NOTICED
    assert re.search(r"error: n3: .*(not reachable|connection lost|answer)", said), said
    assert "Check that the host is on" in said
    assert "Traceback" not in said

    operator.edit(lambda document: document["nodes"][0].update(zone="cellar"))
    guarded = operator.init(code=GUARDED).stderr
    assert "the inventory" in guarded
    assert "--accept inventory-change" in guarded

    actions.clear(operator.sandbox)
    readiness.wait_until_ready(operator.sandbox.nodes, 60)
    operator.init("--accept", "inventory-change")
    record = operator.record()
    assert record is not None
    assert record.accepted == ("inventory-change",)
    assert operator.sound()["nodes"][0]["zone"] == "cellar"

    stranger = Operator(operator.sandbox, operator.state.with_name("stranger"), operator.file)
    name = re.escape(operator.sandbox.name)
    taken = [(f"n{i}: already belongs to cluster '{name}'", "out of") for i in (1, 2, 3)]
    check_refused(stranger, taken)
    operator.sound()
