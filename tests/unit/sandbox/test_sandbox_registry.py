"""The registry of a sandbox: where it is, who trusts it, and how it is told apart."""

from __future__ import annotations

import json
import os
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from bob.sandbox import recipe, registry
from bob.sandbox.layout import SLOTS, Layout


@pytest.mark.parametrize("slot", SLOTS)
def test_the_hosts_of_every_slot_trust_their_own_registry(slot: int) -> None:
    host, _, port = Layout("demo", slot, 1).registry_address.partition(":")
    trusted = json.loads(recipe.FILES["etc/docker/daemon.json"])["insecure-registries"]
    assert port == "5000"
    assert any(ip_address(host) in ip_network(each) for each in trusted)


def test_no_host_and_no_bmc_has_its_address() -> None:
    layout = Layout("demo", 0, 89)
    host = layout.registry_address.partition(":")[0]
    taken = {node.addresses["mgmt"] for node in layout} | {node.bmc_address for node in layout}
    assert host not in taken | {layout.machine_address}


def test_the_configuration_names_address_and_data(tmp_path: Path) -> None:
    text = registry.configuration("10.101.0.254:5000", tmp_path, "secret")
    document = yaml.safe_load(text)
    assert document["http"] == {"addr": "10.101.0.254:5000", "secret": "secret"}
    assert document["storage"]["filesystem"] == {"rootdirectory": str(tmp_path)}


def test_sandboxes_share_their_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOB_CACHE", str(tmp_path))
    assert registry.data() == tmp_path / "registry"


def test_a_process_that_inherited_its_number_is_not_taken_for_it(tmp_path: Path) -> None:
    layout = Layout("demo", 0, 1, tmp_path)
    assert not registry.running(layout)
    layout.registry.mkdir(parents=True)
    (layout.registry / "pid").write_text(str(os.getpid()))
    assert not registry.running(layout)


def test_where_nobody_listens_no_registry_answers() -> None:
    assert not registry.answers("127.0.0.1:1")
