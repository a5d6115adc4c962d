"""The shared address: what consul-template makes of a real catalog, and keepalived takes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendering import SECONDS, SHARED, deregister_all, register, render

from bob.catalogue import Catalogue
from bob.clients.consul import Consul

HOSTS = ("10.0.0.7", "10.0.0.8", "10.0.0.9")
GOAL = 1.0  # second without an answer when the host that has the address loses power
NIC = "ip link add nic0 type veth peer name nic1 && ip addr add 10.0.0.7/24 dev nic0"
ROOM = 0.2  # of it for what keepalived does then, and for the client


@pytest.fixture
def consul(brisk_consul: Consul) -> Iterator[Consul]:
    for address in HOSTS:
        register(brisk_consul, "keepalived", address)
    yield brisk_consul
    deregister_all(brisk_consul)


def conf(consul: Consul, folder: Path, host: str) -> Path:
    """The configuration of one host."""
    text = Catalogue().text("keepalived", "templates/keepalived.conf")
    text = text.replace('[[ value("router_id") ]]', "51")
    return render(consul, text, folder, {"HOST_ADDRESS": host})


def number(text: str, name: str) -> float:
    found = re.search(rf"^ *{name} ([0-9.]+)$", text, re.MULTILINE)
    assert found is not None, text
    return float(found.group(1))


def test_the_address_moves_in_time_and_never_to_two_hosts_at_once(
    consul: Consul, tmp_path: Path
) -> None:
    consul.kv.put(SHARED, "10.0.0.200")
    priorities = set()
    for host in HOSTS:
        text = conf(consul, tmp_path, host).read_text()
        interval, priority = number(text, "advert_int"), number(text, "priority")
        # RFC 5798, 6.1: Master_Down_Interval and Skew_Time.
        silence = 3 * interval + (256 - priority) * interval / 256
        assert silence <= GOAL - ROOM
        priorities.add(priority)
        peers = re.search(r"unicast_peer \{([^}]*)\}", text)
        assert peers is not None
        assert set(peers.group(1).split()) == {*HOSTS} - {host}
    assert len(priorities) == len(HOSTS)


def test_keepalived_takes_the_configuration(consul: Consul, tmp_path: Path) -> None:
    consul.kv.put(SHARED, "10.0.0.200")
    file = conf(consul, tmp_path, HOSTS[0])
    file.write_text(file.read_text().replace("INTERFACE", "nic0"))
    command = ["unshare", "--net", "sh", "-c", f"{NIC} && keepalived --config-test -f {file}"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert checked.returncode == 0, checked.stderr


def test_without_a_shared_address_there_is_nothing_to_move(consul: Consul, tmp_path: Path) -> None:
    assert "vrrp_instance" not in conf(consul, tmp_path, HOSTS[0]).read_text()
