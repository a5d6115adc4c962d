"""The sandbox itself, with real hosts: power, watchdog, disks, and that nothing is ever left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bob.sandbox
from bob import paths
from bob.sandbox import lifecycle, network, readiness
from bob.sandbox.container import init_pid
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

pytestmark = pytest.mark.lab

Run = Callable[..., str]
Bob = Callable[..., subprocess.CompletedProcess[str]]


def bob_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bob", "sandbox", *arguments]


def run_bob(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        bob_command(*arguments), capture_output=True, text=True, check=False, timeout=120
    )


def boot_id(sandbox: Sandbox, node: str) -> str:
    """Empty while the host does not answer."""
    command = sandbox.ssh_command(node, ["cat", "/proc/sys/kernel/random/boot_id"])
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def leftovers(name: str) -> dict[str, list[str]]:
    """Everything on this machine that still belongs to a sandbox of that name."""
    own = f"bob-{name}"
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    folder = str(paths.sandbox_dir() / name) + "/"
    return {
        "namespaces": network.namespaces(name),
        "mounts": [line for line in mounts if folder in line],
        "processes": [line for line in processes.stdout.splitlines() if folder in line],
        "cgroups": [
            str(path)
            for top in Path("/sys/fs/cgroup").iterdir()
            for depth in ("", "*/", "*/*/")
            for path in top.glob(f"{depth}{own}")
        ],
        "files": [str(path) for path in paths.sandbox_dir().glob(f"{name}/*")],
        "links": sorted(set(network.interfaces()) - LINKS_BEFORE - links_of_others(name)),
    }


def links_of_others(name: str) -> set[str]:
    from bob.sandbox import record

    return {one.layout.machine_link for one in record.all_records() if one.name != name}


LINKS_BEFORE = set(network.interfaces())
PARTS = ("namespaces", "mounts", "processes", "cgroups", "files", "links")
NOTHING: dict[str, list[str]] = {part: [] for part in PARTS}
GET_WATCHDOG_IN_BAND = """
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/bmc/ipmi.sock")
s.send(b"6 25\\n")
print(s.makefile().readline())
"""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a sandbox that the test itself brings up."""
    name = f"test-own-{os.getpid()}"
    yield name
    bob.sandbox.down(name)


def test_hosts_are_bare_debian_machines(sandbox: Sandbox, in_host: Run) -> None:
    assert "VERSION_CODENAME=bookworm" in in_host("n1", "cat", "/etc/os-release")
    assert in_host("n1", "systemctl", "is-system-running").strip() == "running"
    assert in_host("n2", "hostname").strip() == "n2"
    assert in_host("n1", "sh", "-c", "ls /opt; pgrep -x consul\\|nomad\\|haproxy || true") == ""
    machine_ids = {in_host(node.name, "cat", "/etc/machine-id") for node in sandbox.nodes}
    assert len(machine_ids) == 3


def test_hosts_reach_each_other_on_every_network(sandbox: Sandbox, in_host: Run) -> None:
    for address in sandbox.node("n3").addresses.values():
        assert " 0% packet loss" in in_host("n1", "ping", "-c1", "-W2", address)


def test_docker_runs_a_container_with_a_memory_limit(in_host: Run) -> None:
    in_host("n1", "sh", "-c", "cd / && tar c bin/busybox | docker import - tiny")
    memory_eater = ["busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=128M", "count=1"]
    command = ["docker", "run", "--memory", "32m", "--name", "eater", "tiny", *memory_eater]
    with pytest.raises(subprocess.CalledProcessError):
        in_host("n1", *command)
    assert in_host("n1", "docker", "inspect", "-f", "{{.State.OOMKilled}}", "eater") == "true\n"
    in_host("n1", "docker", "rm", "eater")


def test_the_file_system_survives_a_power_cut_and_not_a_reinstallation(
    sandbox: Sandbox, in_host: Run
) -> None:
    in_host("n2", "sh", "-c", "echo kept > /root/note; sync")
    before = boot_id(sandbox, "n2")
    sandbox.bmc("n2").power("cycle")
    wait_for(lambda: boot_id(sandbox, "n2") not in ("", before), what="reboot of n2", deadline=30)
    assert in_host("n2", "cat", "/root/note").strip() == "kept"

    lifecycle.reinstall(sandbox, sandbox.node("n2"), lambda _: None)
    assert in_host("n2", "sh", "-c", "ls -A /root/note 2>/dev/null || echo gone").strip() == "gone"


def test_the_bmc_switches_the_host(sandbox: Sandbox) -> None:
    bmc = sandbox.bmc("n3")
    bmc.power("off")
    wait_for(lambda: not bmc.is_on(), what="off at the BMC", deadline=5, interval=0.01)
    assert sandbox.power("n3") == "off"
    address = (sandbox.node("n3").addresses["mgmt"], 22)
    with pytest.raises(OSError), socket.create_connection(address, timeout=0.5):
        pass
    again = run_bob("up", "--name", sandbox.name)  # a host that was switched off stays off
    assert again.returncode == 0, again.stderr
    assert sandbox.power("n3") == "off"
    bmc.power("on")
    readiness.wait_until_ready([sandbox.node("n3")], 30)
    assert bmc.is_on()


def test_a_soft_shutdown_and_a_reboot_from_inside(sandbox: Sandbox, in_host: Run) -> None:
    before = boot_id(sandbox, "n3")
    in_host("n3", "systemctl", "reboot")
    wait_for(lambda: boot_id(sandbox, "n3") not in ("", before), what="reboot of n3", deadline=30)
    sandbox.bmc("n3").power("soft")
    bmc = sandbox.bmc("n3")
    wait_for(lambda: not bmc.is_on(), what="off at the BMC", deadline=30)
    assert sandbox.power("n3") == "off"
    bmc.power("on")
    readiness.wait_until_ready([sandbox.node("n3")], 30)


def test_the_watchdog_resets_a_hanging_host_that_armed_it(sandbox: Sandbox, in_host: Run) -> None:
    before = boot_id(sandbox, "n1")
    in_host("n1", "sh", "-c", "printf 1 > /dev/watchdog")  # closed without V: stays armed
    file, frozen, _ = sandbox.hierarchies.freezer_file(sandbox.node("n1").cgroup)
    file.write_text(frozen)
    assert sandbox.power("n1") == "hung"
    wait_for(lambda: boot_id(sandbox, "n1") not in ("", before), what="reset of n1", deadline=40)
    assert "Watchdog2 | Hard reset" in sandbox.bmc("n1").run("sel", "list")


def test_a_disarmed_watchdog_is_harmless(sandbox: Sandbox, in_host: Run) -> None:
    before = boot_id(sandbox, "n1")
    in_host("n1", "sh", "-c", "printf 1V > /dev/watchdog")
    disarmed = in_host("n1", "python3", "-c", GET_WATCHDOG_IN_BAND)
    completion, use, action = disarmed.split()[:3]
    assert (completion, use, action) == ("00", "04", "00")
    assert boot_id(sandbox, "n1") == before


def test_status_and_shell(sandbox: Sandbox) -> None:
    view = json.loads(run_bob("status", "-o", "json", "--name", sandbox.name).stdout)
    assert view["schema"] == "bob/sandbox/1"
    assert [node["power"] for node in view["nodes"]] == ["on", "on", "on"]
    assert Path(view["inventory"]).is_file()
    assert view["faults"] == []
    words = ["shell", "--name", sandbox.name, "n1", "--", "sh", "-c", "echo 'a  b'; exit 7"]
    done = run_bob(*words)
    assert (done.stdout, done.returncode) == ("a  b\n", 7)


def test_up_twice_changes_nothing_and_more_nodes_are_added(name: str) -> None:
    first = bob.sandbox.up(name, 1)
    before = boot_id(first, "n1")
    assert bob.sandbox.up(name, 1).layout == first.layout
    second = bob.sandbox.up(name, 2)
    assert boot_id(second, "n2")
    assert boot_id(second, "n1") == before
    fewer = run_bob("up", "--name", name, "--nodes", "1")
    assert fewer.returncode == 2
    assert "bob sandbox down" in fewer.stderr


def test_down_leaves_nothing_even_of_a_frozen_host(name: str) -> None:
    sandbox = bob.sandbox.up(name, 2)
    file, frozen, _ = sandbox.hierarchies.freezer_file(sandbox.node("n1").cgroup)
    file.write_text(frozen)
    assert run_bob("down", "--name", name).returncode == 0
    assert leftovers(name) == NOTHING
    again = run_bob("down", "--name", name)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["record", "host", "booting"])
def test_an_interrupted_up_removes_what_it_made(
    name: str, number: signal.Signals, moment: str
) -> None:
    process = start_up_until(name, moment)
    process.send_signal(number)
    assert process.wait(30) == 130
    assert leftovers(name) == NOTHING


@pytest.mark.parametrize("moment", ["record", "host", "booting"])
def test_down_after_up_was_killed_leaves_nothing(name: str, moment: str) -> None:
    process = start_up_until(name, moment)
    process.kill()
    process.wait(10)
    assert bob.sandbox.down(name)
    assert leftovers(name) == NOTHING


def test_up_after_up_was_killed_completes_it(name: str) -> None:
    process = start_up_until(name, "host")
    process.kill()
    process.wait(10)
    sandbox = bob.sandbox.up(name, 2)
    assert boot_id(sandbox, "n1")
    assert boot_id(sandbox, "n2")


def test_a_mainboard_that_dies_takes_its_host_along_at_the_next_power_on(name: str) -> None:
    sandbox = bob.sandbox.up(name, 1)
    node = sandbox.node("n1")
    before = boot_id(sandbox, "n1")
    supervisor = int(node.host_pid_file.read_text())
    assert init_pid(supervisor)
    parent = Path(f"/proc/{supervisor}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)
    wait_for(lambda: not sandbox.bmc("n1").is_on(), what="off at the BMC", deadline=5)
    sandbox.bmc("n1").power("on")
    wait_for(lambda: boot_id(sandbox, "n1") not in ("", before), what="n1 back", deadline=30)


def start_up_until(name: str, moment: str) -> subprocess.Popen[bytes]:
    """Start `bob sandbox up` and return when it has come to that moment."""
    folder = paths.sandbox_dir() / name
    signs = {
        "record": folder / "sandbox.json",
        "host": folder / "nodes/n1/upper",
        "booting": folder / "nodes/n1/host.pid",
    }
    process = subprocess.Popen(bob_command("up", "--name", name, "--nodes", "2"))
    wait_for(signs[moment].exists, what=str(signs[moment]), deadline=60, interval=0.001)
    return process
