"""The record, the inventory file, the status view, slots, and what is refused."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

import inventory
from bob.commands.sandbox import describe
from bob.errors import PreflightRefused, UsageError
from bob.sandbox import bmc, cluster_file, lifecycle, record, requirements
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.layout import Layout
from bob.sandbox.record import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setenv("BOB_SANDBOX", str(tmp_path / "sandboxes"))
    cgroups = tmp_path / "cgroups"
    cgroups.mkdir()
    made = Sandbox(Layout("demo", 1, 3), Hierarchies(cgroups, {"freezer": cgroups / "freezer"}))
    made.save()
    return made


def test_a_saved_sandbox_is_loaded_again(sandbox: Sandbox) -> None:
    again = Sandbox.load("demo")
    assert again.layout == sandbox.layout
    assert again.hierarchies.to_json() == sandbox.hierarchies.to_json()
    assert record.names() == ["demo"]


def test_an_unknown_sandbox_is_refused_with_the_command_that_makes_it(sandbox: Sandbox) -> None:
    with pytest.raises(UsageError) as refused:
        Sandbox.load("other")
    assert "demo" in str(refused.value)
    assert refused.value.cure == "bob sandbox up --name other"


def test_power_is_what_the_kernel_says(sandbox: Sandbox) -> None:
    group = sandbox.hierarchies.make_unified("bob-demo/n1")
    assert sandbox.power("n1") == "off"
    (group / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert sandbox.power("n1") == "on"
    state, frozen, _ = sandbox.hierarchies.freezer_file("bob-demo/n1")
    state.parent.mkdir(parents=True)
    state.write_text(f"{frozen}\n")
    assert sandbox.power("n1") == "hung"


def test_the_view_of_status(sandbox: Sandbox) -> None:
    record = {
        "id": "loss:n1:mgmt", "kind": "loss", "target": "n1 mgmt", "since": "2026-01-01T00:00Z",
        "arguments": {"node": "n1", "network": "mgmt", "percent": 30},
    }  # fmt: skip
    sandbox.layout.faults.write_text(json.dumps([record]))
    view = json.loads(json.dumps(describe(sandbox)))
    assert view["schema"] == "bob/sandbox/1"
    assert view["inventory"] == str(sandbox.layout.dir / "cluster.yaml")
    assert view["nodes"][0] == {
        "name": "n1",
        "power": "off",
        "addresses": {"mgmt": "10.111.0.11", "storage": "10.112.0.11", "tenant": "10.113.0.11"},
        "bmc": "10.111.0.111",
    }
    assert [fault["id"] for fault in view["faults"]] == ["loss:n1:mgmt"]


def test_the_inventory_file_is_one_that_bob_accepts(sandbox: Sandbox) -> None:
    layout = sandbox.layout
    for node in layout:
        node.bmc.mkdir(parents=True)
        node.bmc_password_file.touch(0o600)
        node.bmc_password_file.write_text("secret")
    layout.ssh_key.parent.mkdir()
    layout.ssh_key.touch(0o600)
    layout.known_hosts.touch()
    cluster_file.write(layout)
    loaded = inventory.load(layout.inventory)
    assert [node.name for node in loaded.cluster.nodes] == ["n1", "n2", "n3"]
    assert list(loaded.warnings) == []
    document: dict[str, Any] = yaml.safe_load(layout.inventory.read_text())
    assert document["ssh"]["key"] == "ssh/id_ed25519"
    assert document["nodes"][1]["bmc"]["password_file"] == "nodes/n2/bmc/password"


def test_a_command_reaches_the_host_word_by_word(sandbox: Sandbox) -> None:
    assert sandbox.ssh_command("n2", ["echo", "a  b"])[-2:] == ["root@10.111.0.12", "echo 'a  b'"]
    assert sandbox.ssh_command("n2")[-2:] == ["-t", "root@10.111.0.12"]


def test_the_lowest_free_slot_is_taken_and_ten_are_enough() -> None:
    assert lifecycle.free_slot([], []) == 0
    assert lifecycle.free_slot([0, 2], ["lo", "bob1"]) == 3
    with pytest.raises(UsageError):
        lifecycle.free_slot(list(range(10)), [])


def test_the_bmc_configuration_holds_what_ipmi_sim_needs(sandbox: Sandbox) -> None:
    node = sandbox.node("n2")
    text = bmc.configuration(node, "pass", "run board")
    assert "addr 10.111.0.112 623" in text
    assert "serial 15 127.0.0.1 9102 codec VM" in text
    assert 'startcmd "run board"' in text
    assert f"guid {node.guid}" in text


def test_a_process_that_inherited_the_number_of_a_bmc_is_not_taken_for_it(
    sandbox: Sandbox,
) -> None:
    node = sandbox.node("n1")
    node.bmc.mkdir(parents=True)
    assert not bmc.running(node)
    node.bmc_pid_file.write_text(str(os.getpid()))
    assert not bmc.running(node)


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "missing_packages", lambda: ["debootstrap", "nftables"])
    with pytest.raises(PreflightRefused) as refused:
        requirements.check()
    assert refused.value.cure.endswith("apt-get install --yes debootstrap nftables")
    assert refused.value.exit_code == 3


def test_a_program_that_is_not_there_is_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tool"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    evidence = {"has-it": "tool", "has-not": "no-such-tool", "no-file": "/no/such/file"}
    monkeypatch.setattr(requirements, "_EVIDENCE", evidence)
    monkeypatch.setattr(requirements, "PACKAGES", tuple(evidence))
    assert requirements.missing_packages() == ["has-not", "no-file"]


def test_root_is_needed_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PreflightRefused) as refused:
        requirements.check()
    assert "sudo" in refused.value.cure


def test_the_record_is_readable_and_never_half_written(sandbox: Sandbox) -> None:
    assert stat.S_IMODE(sandbox.layout.record.stat().st_mode) & 0o444
    assert not sandbox.layout.record.with_suffix(".new").exists()
