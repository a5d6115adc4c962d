"""Every law, each broken once in an otherwise good file: what is said, and where."""

from __future__ import annotations

import pytest

from tests.unit.inventory.files import GOOD, violations, warnings

BROKEN = [
    # text of the good file, what replaces it, line, key, part of the message
    ("cluster: c1", "cluster: My_Cloud", 1, "cluster", "not a DNS label"),
    ("cluster: c1", "cluster: " + "c" * 56, 1, "cluster", "<name>-storage must be a label too"),
    ("cluster: c1", "cluster: -c1", 1, "cluster", "not a DNS label"),
    ("name: n2", "name: N2", 12, "nodes[1].name", "not a DNS label"),
    ("name: n2", "name: " + "n" * 64, 12, "nodes[1].name", "not a DNS label"),
    ("name: n2", "name: n2.example", 12, "nodes[1].name", "not a DNS label"),
    ("name: n2", 'name: "n2\\n"', 12, "nodes[1].name", "not a DNS label"),
    ("zone: b", "zone: rack b", 13, "nodes[1].zone", "not a DNS label"),
    ("name: n3", "name: n1", 15, "nodes[2].name", "name n1 is used twice (first in line 8)"),
    ("mgmt: 10.101.0.13", "mgmt: 10.101.0.12", 17, "nodes[2].addresses.mgmt",
     "the address 10.101.0.12 is used twice (first in line 14)"),
    ("address: 10.101.0.111", "address: 10.101.0.13", 17, "nodes[2].addresses.mgmt",
     "the address 10.101.0.13 is used twice (first in line 11)"),
    ("mgmt: 10.101.0.13", "mgmt: 10.102.0.99", 17, "nodes[2].addresses.mgmt",
     "10.102.0.99 is not in 10.101.0.0/24 of the network mgmt"),
    ("mgmt: 10.101.0.13", "mgmt: 10.101.0.0", 17, "nodes[2].addresses.mgmt",
     "the address of the network 10.101.0.0/24 itself"),
    ("mgmt: 10.101.0.13", "mgmt: 10.101.0.255", 17, "nodes[2].addresses.mgmt", "broadcast"),
    ("address: 10.101.0.111", "address: 10.101.0.255", 11, "nodes[0].bmc.address", "broadcast"),
    ("mgmt: 10.101.0.13", "mgmt: fd00::1", 17, "nodes[2].addresses.mgmt", "not an IPv4 address"),
    ("mgmt: 10.101.0.13", "mgmt: 13", 17, "nodes[2].addresses.mgmt", "not an IPv4 address"),
    ("cidr: 10.102.0.0/24", "cidr: 10.100.0.0/14", 4, "networks.storage.cidr",
     "10.100.0.0/14 overlaps 10.101.0.0/24 of mgmt (first in line 3)"),
    ("cidr: 10.102.0.0/24", "cidr: 10.102.0.1/24", 4, "networks.storage.cidr",
     "did you mean 10.102.0.0/24?"),
    ("cidr: 10.102.0.0/24", "cidr: 10.102.0.0", 4, "networks.storage.cidr", "no prefix length"),
    ("cidr: 10.102.0.0/24", "cidr: 10.102.0.0/31", 4, "networks.storage.cidr", "/8 to /30"),
    ("cidr: 10.102.0.0/24", "cidr: 224.0.0.0/24", 4, "networks.storage.cidr", "multicast"),
    ("cidr: 10.102.0.0/24", "cidr: fd00::/64", 4, "networks.storage.cidr", "not an IPv4 range"),
    ("mgmt: 10.101.0.13, ", "", 17, "nodes[2].addresses", "no address on the network mgmt"),
    ("{mgmt: 10.101.0.13,", "{tenant: 10.3.0.1, mgmt: 10.101.0.13,", 17,
     "nodes[2].addresses.tenant", "the network tenant is not declared under networks"),
    ("servers: 3", "servers: 1", 6, "servers", "single_server: accept-no-redundancy"),
    ("servers: 3", "servers: 5", 6, "servers", "5 servers need 5 nodes, there are 3"),
    ("servers: 3", "servers: 2", 6, "servers", "must be 1, 3 or 5"),
    ("servers: 3", "servers: yes", 6, "servers", "not a number"),
    ("servers: 3", "single_server: yes", 6, "single_server", "must be 'accept-no-redundancy'"),
    (", password_env: SECRET", "", 11, "nodes[0].bmc", "no password"),
    ("password_env: SECRET", "password_env: SECRET, password_file: p", 11,
     "nodes[0].bmc.password_env", "password_file is given too"),
    ("password_env: SECRET", "password_env: A-B", 11, "nodes[0].bmc.password_env", "pattern"),
    ("port: 22", "port: 65536", 5, "ssh.port", "less than or equal to 65535"),
    ("user: root", 'user: ""', 5, "ssh.user", "must not be empty"),
    ("servers: 3", "versions: {consul: 1.22}", 6, "versions.consul", "put it in quotes"),
    ("servers: 3", "versions: {consul: latest}", 6, "versions.consul", "a version like"),
    ("servers: 3", "toolchain: {sha256: {nomad: abc}}", 6, "toolchain.sha256.nomad", "SHA-256"),
    ("servers: 3", "toolchain: {sha256: {vault: abc}}", 6, "toolchain.sha256.vault", "consul"),
    ("servers: 3", "toolchain: {mirror: ftp://x/}", 6, "toolchain.mirror", "http or https"),
    ("servers: 3", "registry: ftp://x", 6, "registry", "host:port"),
    ("servers: 3", "registry: host/path", 6, "registry", "host:port"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "key", "message"), BROKEN)
def test_broken_law_is_named_with_its_line(changed, old, new, line, key, message):
    found = violations(changed((old, new)))
    assert any((line, key) == (at, name) and message in text for at, name, text in found), found


def test_good_file_has_nothing_to_say(write):
    assert warnings(write(GOOD)) == []


def test_mgmt_is_required(changed):
    file = changed(
        ("  mgmt: {cidr: 10.101.0.0/24}\n", ""),
        *((f"mgmt: 10.101.0.1{n}, ", "") for n in (1, 2, 3)),
    )
    assert violations(file) == [(2, "networks", "the network mgmt is required")]


def test_default_of_three_servers_needs_three_nodes(changed):
    third = GOOD[GOOD.index("  - name: n3") :]
    found = violations(changed(("servers: 3\n", ""), (third, "")))
    assert found == [(6, "nodes", "3 servers need 3 nodes, there are 2")]


def test_empty_list_of_nodes(changed):
    nodes = GOOD[GOOD.index("nodes:") :]
    assert (7, "nodes", "must not be empty") in violations(changed((nodes, "nodes: []\n")))


def test_one_server_with_the_word_is_accepted(changed):
    word = "servers: 1\nsingle_server: accept-no-redundancy"
    second_and_third = GOOD[GOOD.index("  - name: n2") :]
    assert warnings(changed(("servers: 3", word), (second_and_third, ""))) == []


def test_five_servers_that_cannot_be_spread_are_refused(changed):
    more = "".join(
        f"  - {{name: n{n}, zone: c, addresses: {{mgmt: 10.101.0.{n}, storage: 10.102.0.{n}}}}}\n"
        for n in (4, 5, 6)
    )
    found = violations(changed(("servers: 3", "servers: 5"), ("nodes:\n", "nodes:\n" + more)))
    ((line, key, message),) = found
    assert (line, key) == (6, "servers")
    assert "the zone c would hold a majority of the 5 servers" in message


CAUTIONED = [
    ("zone: c", "zone: b", 7, "nodes", "the loss of b stops the cluster"),
    ("    zone: c\n", "", 15, "nodes[2]", "no zone, while other nodes have one"),
    ("password_env: SECRET", "password: geheim", 11, "nodes[0].bmc.password", "use password_file"),
    ("password_env: SECRET", "password_file: gone", 11, "nodes[0].bmc.password_file",
     "does not exist"),
    ("port: 22", "port: 22, key: gone", 5, "ssh.key", "does not exist"),
    ("servers: 3", "single_server: accept-no-redundancy", 6, "single_server", "without effect"),
    ("servers: 3", "toolchain: {path: gone}", 6, "toolchain.path", "does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "key", "message"), CAUTIONED)
def test_caution_is_a_warning_with_its_line(changed, old, new, line, key, message):
    ((at, name, text),) = warnings(changed((old, new)))
    assert (at, name) == (line, key)
    assert message in text


def test_one_zone_for_all_is_no_reason_for_a_word(changed):
    assert warnings(changed(("zone: b", "zone: a"), ("zone: c", "zone: a"))) == []


def test_password_file_that_others_can_read_is_a_warning(changed, tmp_path):
    secret = tmp_path / "bmc.pass"
    secret.write_text("geheim\n")
    file = changed(("password_env: SECRET", "password_file: bmc.pass"))
    secret.chmod(0o640)
    assert warnings(file) == [
        (11, "nodes[0].bmc.password_file", f"others may use {secret}: run chmod 600 {secret}")
    ]
    secret.chmod(0o600)
    assert warnings(file) == []
