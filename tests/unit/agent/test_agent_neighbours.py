"""The kernel's patience with silent neighbours, on the NICs of the cluster alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bob.agent.machine import Machine, Ran
from bob.agent.neighbours import FOLDER, SETTINGS, quicken
from bob.provision.agents import consul_agent
from inventory import NetworkName

NICS = [
    {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]},
    {"ifname": "eth0", "addr_info": [{"local": "192.0.2.7"}, {"local": "10.0.0.11"}]},
    {"ifname": "eth1", "addr_info": [{"local": "10.0.1.11"}]},
    {"ifname": "docker0", "addr_info": [{"local": "172.17.0.1"}]},
]


class Host(Machine):
    def __init__(self, root: Path, answer: Ran) -> None:
        super().__init__(root)
        self._answer = answer

    def run(self, *argv: str, timeout: float) -> Ran:
        return self._answer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for network, address in ((NetworkName.MGMT, "10.0.0.11"), (NetworkName.STORAGE, "10.0.1.11")):
        folder = tmp_path / consul_agent(network).config_dir.relative_to("/")
        folder.mkdir(parents=True)
        (folder / "consul.json").write_text(json.dumps({"bind_addr": address}))
    for nic in NICS:
        (tmp_path / FOLDER.relative_to("/") / str(nic["ifname"])).mkdir(parents=True)
    return tmp_path


def test_the_nics_of_the_cluster_are_quickened(root: Path) -> None:
    assert quicken(Host(root, Ran(0, json.dumps(NICS)))) == ("eth0", "eth1")
    folder = root / FOLDER.relative_to("/")
    for nic in ("eth0", "eth1"):
        for name, value in SETTINGS.items():
            assert (folder / nic / name).read_text() == f"{value}\n"
    assert not list((folder / "docker0").iterdir())


@pytest.mark.parametrize("answer", [Ran(127, "ip: not found"), Ran(0, "no JSON")])
def test_a_host_that_does_not_tell_its_nics_is_left_alone(root: Path, answer: Ran) -> None:
    assert quicken(Host(root, answer)) == ()


def test_a_host_that_does_not_let_us_works_all_the_same(root: Path) -> None:
    (root / FOLDER.relative_to("/") / "eth0").rmdir()
    assert quicken(Host(root, Ran(0, json.dumps(NICS)))) == ("eth0", "eth1")
