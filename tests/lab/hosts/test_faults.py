"""Every fault is seen by a probe that does not trust Bob, and its undo too."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from frames import ALL, BACK, arrived, carrier, lost, one_way, seen, wait_until_whole

import bob.sandbox
from bob.__main__ import run
from bob.sandbox.faults import actions, processes
from bob.sandbox.layout import NETWORKS
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

pytestmark = pytest.mark.lab


Command = Callable[..., int]


@pytest.fixture
def fault(sandbox: Sandbox) -> Iterator[Command]:
    """`fault("nic", "n1", "storage")` runs `bob sandbox fault …` and returns its exit code."""
    yield command_for(sandbox)
    actions.clear(sandbox)  # those of a test that failed


def command_for(sandbox: Sandbox) -> Command:
    return lambda *words: run(["sandbox", "fault", *words, "--name", sandbox.name])


NIC_CASES = [
    ((), ("n1>n2", "n2>n1", "n2>n3", "n3>n2"), False),
    (("--keep-carrier",), ("n1>n2", "n2>n1", "n2>n3", "n3>n2"), True),
    (("--direction", "in"), ("n1>n2", "n3>n2"), True),
    (("--direction", "out"), ("n2>n1", "n2>n3"), True),
]


@pytest.mark.parametrize(("options", "cut", "link"), NIC_CASES)
def test_a_cut_nic(sandbox, fault, options, cut, link):
    wait_until_whole(sandbox)
    assert fault("nic", "n2", "storage", *options) == 0
    assert seen(sandbox, "storage") == lost(*cut)
    assert seen(sandbox, "mgmt") == seen(sandbox, "tenant") == ALL
    assert carrier(sandbox, "n2", "storage") is link
    assert carrier(sandbox, "n1", "storage")
    assert fault("clear", "nic:n2:storage") == 0
    assert carrier(sandbox, "n2", "storage")
    wait_until_whole(sandbox, "storage")


def test_a_pair_that_is_parted_still_reaches_all_others(sandbox, fault):
    wait_until_whole(sandbox)
    assert fault("pair", "n3", "n1") == 0
    for network in NETWORKS:
        assert seen(sandbox, network) == lost("n1>n3", "n3>n1")
    assert fault("clear", "pair:n1:n3") == 0
    assert fault("pair", "n1", "n2", "--network", "tenant") == 0
    wait_until_whole(sandbox, "mgmt", "storage")
    assert seen(sandbox, "tenant") == lost("n1>n2", "n2>n1")
    assert fault("clear", "--all") == 0
    wait_until_whole(sandbox)


def test_a_network_that_is_down_and_a_nic_cut_on_it_do_not_undo_each_other(sandbox, fault):
    wait_until_whole(sandbox)
    assert fault("nic", "n1", "mgmt") == fault("network", "mgmt") == 0
    assert seen(sandbox, "mgmt") == dict.fromkeys(ALL, 0)
    assert seen(sandbox, "storage") == ALL
    assert not any(carrier(sandbox, node.name, "mgmt") for node in sandbox.nodes)
    assert sandbox.bmc("n1").is_on()  # the operator of the lab keeps the BMCs
    assert fault("clear", "network:mgmt") == 0
    assert [carrier(sandbox, node.name, "mgmt") for node in sandbox.nodes] == [False, True, True]
    assert seen(sandbox, "mgmt") == lost("n1>n2", "n1>n3", "n2>n1", "n3>n1")
    assert fault("network", "mgmt", "--keep-carrier") == 0
    assert carrier(sandbox, "n2", "mgmt")
    assert seen(sandbox, "mgmt") == dict.fromkeys(ALL, 0)
    assert fault("clear", "--all") == 0
    wait_until_whole(sandbox, "mgmt")


def test_loss_hits_its_share_of_one_nic_only(sandbox, fault):
    wait_until_whole(sandbox, "tenant")
    assert fault("loss", "n1", "tenant", "30") == 0
    for source, sink in (("n1", "n2"), ("n2", "n1")):  # 210 expected; 5 sigma are 40
        assert 170 <= arrived(sandbox, source, sink, "tenant", 300) <= 250
    assert arrived(sandbox, "n2", "n3", "tenant", 300) == 300
    assert fault("clear", "loss:n1:tenant") == 0
    wait_until_whole(sandbox, "tenant")


def test_delay_with_jitter_and_loss(sandbox, fault):
    wait_until_whole(sandbox, "tenant")
    assert min(one_way(sandbox, "n1", "n2")) < 30
    assert fault("delay", "n1", "tenant", "60") == 0
    assert min(one_way(sandbox, "n1", "n2") + one_way(sandbox, "n2", "n1")) >= 60
    assert min(one_way(sandbox, "n2", "n3")) < 30
    assert fault("delay", "n1", "tenant", "60", "--jitter", "30") == 0
    spread = one_way(sandbox, "n1", "n2")
    assert min(spread) >= 30
    assert max(spread) - min(spread) > 10
    assert fault("delay", "n1", "tenant", "0", "--loss", "30") == 0
    assert 170 <= arrived(sandbox, "n1", "n2", "tenant", 300) <= 250
    assert fault("clear", "delay:n1:tenant") == 0
    assert min(one_way(sandbox, "n1", "n2")) < 30
    wait_until_whole(sandbox, "tenant")


def ssh_answers(sandbox: Sandbox, node: str, seconds: float = 5.0) -> bool:
    with contextlib.suppress(OSError):
        address = (sandbox.node(node).addresses["mgmt"], 22)
        with socket.create_connection(address, timeout=seconds) as connection:
            return connection.recv(4) == b"SSH-"
    return False


def wait_for_ssh(sandbox: Sandbox, node: str) -> None:
    wait_for(lambda: ssh_answers(sandbox, node), what=f"ssh of {node}", deadline=BACK)


def listed(sandbox: Sandbox) -> list[str]:
    return [record.id for record in actions.in_force(sandbox)]


def boot_id(sandbox: Sandbox, node: str) -> str:
    return processes.execute(sandbox.node(node), ["cat", "/proc/sys/kernel/random/boot_id"])


def boots(sandbox: Sandbox, node: str, fault: Command, *words: str) -> bool:
    """Whether the command leads to a new boot of the host."""
    before = boot_id(sandbox, node)
    assert fault(*words) == 0
    wait_for_ssh(sandbox, node)
    return boot_id(sandbox, node) != before


def test_a_host_hangs_until_it_is_thawed_or_power_cycled(sandbox, fault):
    before = boot_id(sandbox, "n3")
    assert fault("hang", "n3") == 0
    assert sandbox.power("n3") == "hung"
    assert not ssh_answers(sandbox, "n3", 0.5)
    assert ssh_answers(sandbox, "n2")
    assert listed(sandbox) == ["hang:n3"]
    assert fault("process", "n3", "sshd", "freeze") == 2
    assert fault("clear", "hang:n3") == 0
    wait_for_ssh(sandbox, "n3")
    assert boot_id(sandbox, "n3") == before
    assert fault("hang", "n3") == fault("power", "n3", "cycle") == 0
    wait_for_ssh(sandbox, "n3")
    assert listed(sandbox) == []
    assert boot_id(sandbox, "n3") != before
    assert fault("clear", "hang:n3") == 0  # over, but clearing it is no error


def test_power_off_is_in_force_until_somebody_powers_on(sandbox, fault):
    assert fault("power", "n3", "off") == 0
    assert sandbox.power("n3") == "off"
    assert not ssh_answers(sandbox, "n3", 0.5)
    assert listed(sandbox) == ["power:n3"]
    assert fault("disk", "n3", "/srv") == fault("hang", "n3") == 2
    assert fault("power", "n3", "on") == 0
    wait_for_ssh(sandbox, "n3")
    assert fault("power", "n3", "off") == 0
    sandbox.bmc("n3").power("on")
    wait_for(lambda: listed(sandbox) == [], what="power found on", deadline=BACK)
    wait_for_ssh(sandbox, "n3")
    assert fault("power", "n3", "off") == fault("clear", "power:n3") == 0
    wait_for_ssh(sandbox, "n3")


def test_what_sits_in_the_switch_outlives_a_power_cycle(sandbox, fault):
    wait_until_whole(sandbox)
    assert fault("nic", "n3", "storage") == fault("pair", "n3", "n1", "--network", "mgmt") == 0
    assert fault("delay", "n3", "tenant", "60") == fault("disk", "n3", "/srv") == 0
    assert boots(sandbox, "n3", fault, "power", "n3", "cycle")
    assert listed(sandbox) == ["nic:n3:storage", "pair:n1:n3:mgmt", "delay:n3:tenant"]
    assert not carrier(sandbox, "n3", "storage")
    assert seen(sandbox, "mgmt") == lost("n1>n3", "n3>n1")
    assert min(one_way(sandbox, "n3", "n2")) >= 60
    assert fault("clear", "--all") == 0
    wait_until_whole(sandbox)
    assert min(one_way(sandbox, "n3", "n2")) < 30


def ipmi(sandbox: Sandbox, node: str) -> bool:
    """Whether an IPMI client of its own gets the power state."""
    host = sandbox.node(node)
    words = ["ipmitool", "-I", "lanplus", "-C", "3", "-N", "1", "-R", "1", "-H", host.bmc_address]
    words += ["-U", "admin", "-f", str(host.bmc_password_file), "chassis", "power", "status"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=3, check=False)
    except subprocess.TimeoutExpired:
        return False
    return "Power is on" in answer.stdout


@pytest.mark.parametrize("defect", ["dead", "hang"])
def test_a_bmc_fails_and_its_host_goes_on(sandbox, fault, defect):
    assert ipmi(sandbox, "n1")
    assert fault("bmc", "n1", defect) == 0
    assert not ipmi(sandbox, "n1")
    assert ipmi(sandbox, "n2")
    assert ssh_answers(sandbox, "n1")
    assert listed(sandbox) == ["bmc:n1"]
    assert fault("clear", "bmc:n1") == 0
    wait_for(lambda: ipmi(sandbox, "n1"), what="BMC back", deadline=BACK)


@pytest.mark.parametrize("pattern", ["ssh.service", "sshd"])
def test_a_frozen_process_of_one_host(sandbox, fault, pattern):
    assert fault("process", "n1", pattern, "freeze") == 0
    assert not ssh_answers(sandbox, "n1", 0.5)
    assert ssh_answers(sandbox, "n2")
    assert fault("clear", f"process:n1:{pattern}") == 0
    assert ssh_answers(sandbox, "n1")


def test_a_killed_unit_is_over_when_it_runs_again(sandbox, fault):
    n1 = sandbox.node("n1")
    assert fault("process", "n1", "ssh.service", "kill") == 0
    assert not ssh_answers(sandbox, "n1")
    assert ssh_answers(sandbox, "n2")
    assert fault("clear", "process:n1:ssh.service") == 0
    wait_for_ssh(sandbox, "n1")
    assert fault("process", "n1", "ssh.service", "kill") == 0
    processes.execute(n1, ["systemctl", "start", "ssh.service"])
    assert listed(sandbox) == []


def test_a_full_disk_gives_the_old_content_back_unharmed(sandbox, fault):
    n1 = sandbox.node("n1")

    def sh(script: str) -> str:
        return processes.execute(n1, ["sh", "-c", script]).strip()

    sh("mkdir -p /srv/db && cd /srv/db && echo old > kept && echo old > removed")
    assert fault("disk", "n1", "/srv/db") == 0
    assert sh("cat /srv/db/kept") == "old"
    assert "No space left" in sh("head -c 4096 /dev/zero 2>&1 > /srv/db/new || true")
    assert "No space left" in sh("cp /etc/passwd /srv/db/new 2>&1 || true")
    assert sh("df --output=pcent /srv/db | tail -1") == "100%"
    sh("rm /srv/db/removed && echo fine > /srv/elsewhere")
    assert fault("disk", "n1", "/srv/db", "--size", "1M") == 0
    assert sh("head -c 2000000 /dev/zero 2>/dev/null > /srv/db/new; stat -c %s /srv/db/new") == str(
        1 << 20
    )
    assert listed(sandbox) == ["disk:n1:/srv/db"]
    assert fault("clear", "disk:n1:/srv/db") == 0
    assert sh("cd /srv/db && ls && cat *") == "kept\nremoved\nold\nold"
    assert sh("echo new > /srv/db/kept && cat /srv/db/kept /srv/elsewhere") == "new\nfine"
    assert "disk:n1" not in sh("cat /proc/mounts")


BAD = [
    ("nic", "n9", "mgmt"),
    ("nic", "n1", "backup"),
    ("nic", "n1"),
    ("nic", "n1", "mgmt", "--direction", "up"),
    ("pair", "n1", "n1"),
    ("pair", "n1", "n2", "--network", "backup"),
    ("loss", "n1", "mgmt", "101"),
    ("delay", "n1", "mgmt", "-1"),
    ("network", "backup"),
    ("bmc", "n1", "slow"),
    ("power", "n9", "off"),
    ("process", "n1", "no-such-program", "kill"),
    ("disk", "n1", "/no/such/directory"),
    ("disk", "n1", "/"),
    ("clear", "nic:n1:mgmt"),
    ("clear",),
    ("meteor", "n1"),
]


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_what_does_not_exist_is_refused_and_not_recorded(sandbox, fault, words):
    assert fault(*words) == 2
    assert listed(sandbox) == []


def test_a_sandbox_full_of_faults_goes_down(sandbox_factory):
    broken = sandbox_factory("broken", 2)
    fault = command_for(broken)
    for words in (
        ("delay", "n1", "mgmt", "10"), ("network", "storage"), ("disk", "n1", "/var/lib"),
        ("hang", "n1"), ("bmc", "n1", "hang"), ("power", "n2", "off"), ("bmc", "n2", "dead"),
    ):  # fmt: skip
        assert fault(*words) == 0
    assert bob.sandbox.down(broken.name)
    assert not broken.hierarchies.unified_dir(broken.layout.cgroup).exists()
    assert not list(Path("/run/netns").glob(f"{broken.layout.netns}*"))
    assert f"/{broken.name}/" not in Path("/proc/mounts").read_text()
