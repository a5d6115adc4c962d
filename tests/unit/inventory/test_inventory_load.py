"""From file to cluster: all violations at once, lines, YAML traps, paths."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from inventory import InventoryError, NetworkName, load
from tests.unit.inventory.files import GOOD, violations

MANY = """\
cluster: c1
colour: blue
networks:
  mgmt: {cidr: 10.101.0.0/24}
  storage: {cidr: 10.101.0.128/25}
ssh: {prot: 22}
nodes:
  - name: n1
    addresses: {mgmt: 10.101.0.300, storage: 10.101.0.130}
    bmc: {address: 10.9.0.1, user: admin}
  - name: n1
    zone: [a]
    addresses: {mgmt: 10.9.0.1}
  - addresses: {mgmt: 10.101.0.13, storage: 10.101.0.133}
"""


def test_every_violation_is_reported_at_once_also_in_half_broken_nodes(write):
    assert [(line, key) for line, key, _ in violations(write(MANY))] == [
        (2, "colour"),
        (5, "networks.storage.cidr"),  # overlaps
        (6, "ssh.prot"),
        (9, "nodes[0].addresses.mgmt"),  # no address; the node's other parts are still judged
        (10, "nodes[0].bmc"),  # no password
        (11, "nodes[1].name"),  # twice, although the first n1 is not a valid node
        (12, "nodes[1].zone"),
        (13, "nodes[1].addresses"),  # none on storage
        (13, "nodes[1].addresses.mgmt"),  # that of a BMC
        (13, "nodes[1].addresses.mgmt"),  # out of range
        (14, "nodes[2].name"),  # missing: the line of the node
    ]


def test_violation_reads_like_a_compiler_message(write):
    file = write(MANY)
    with pytest.raises(InventoryError) as caught:
        load(file)
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"{file}:2: colour: unknown key; known here: cluster, networks, ssh,")


def test_misspelt_key_is_recognised(changed):
    found = violations(changed(("password_env: SECRET", "pasword_env: SECRET")))
    assert (11, "nodes[0].bmc.pasword_env", "unknown key; did you mean password_env?") in found


def test_name_of_the_field_is_not_a_key_of_the_file(changed):
    found = violations(changed(("cluster: c1", "name: c1")))
    assert [(line, key) for line, key, _ in found] == [(1, "cluster"), (1, "name")]


UNREADABLE = [
    ("", 1, "the file is empty"),
    ("# only a comment\n", 1, "the file is empty"),
    ("a: 1\nb: [1\nc: 2\n", 3, "not valid YAML"),
    ("a: 1\n---\nb: 2\n", 2, "expected a single document"),
    ("a: \x01\n", 1, "not valid YAML"),
    ("a: *nowhere\n", 1, "undefined alias"),
    ("[" * 3000, 1, "not valid YAML"),
    ("- a\n- b\n", 1, "must hold keys with values"),
    ("just text", 1, "must hold keys with values"),
]


@pytest.mark.parametrize(("text", "line", "message"), UNREADABLE)
def test_file_without_usable_data_is_one_clear_violation(write, text, line, message):
    ((at, _, said),) = violations(write(text))
    assert at == line
    assert message in said


ODD = [
    ("servers: 3", "servers: 3\nservers: 5", 7, "servers", "given twice, first in line 6"),
    ("user: root", "user: root, user: bob", 5, "ssh.user", "given twice, first in line 5"),
    ("servers: 3", "servers: 3\n1: x", 7, "", "a key is not text"),
    ("servers: 3", "servers: 3\n[a]: x", 7, "", "a key is not text"),
    ("servers: 3", "servers: !!python/name:os.system", 6, "servers", "constructor for the tag"),
    ("zone: b", "zone: 2024-13-45", 13, "nodes[1].zone", "put it in quotes if it is text"),
    ("zone: b", "zone: no", 13, "nodes[1].zone", "put it in quotes"),
    ("zone: b", "zone:", 13, "nodes[1].zone", "has no value"),
    ("zone: b", "roles: compute", 13, "nodes[1].roles", "must be a list"),
    ("servers: 3", "servers: &x [*x]", 6, "servers[0]", "an alias of itself"),
    ("servers: 3", "<<: 3", 2, "", "for merging"),
    ("{user: root, port: 22}", "root@22", 5, "ssh", "must hold keys with values"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "message"), ODD)
def test_yaml_trap_is_explained(changed, old, new, line, key, message):
    found = violations(changed((old, new)))
    assert any(key == name and message in text for _, name, text in found), found
    assert any(at == line for at, name, _ in found if name == key) or key == ""


def test_alias_and_merge_save_repetition(changed):
    cluster = load(
        changed(
            ("bmc: {address", "bmc: &bmc {address"),
            ("zone: b", "zone: b\n    bmc: {<<: *bmc, address: 10.101.0.112}"),
        )
    ).cluster
    second = cluster.node("n2").bmc
    assert second is not None
    assert (str(second.address), second.user) == ("10.101.0.112", "admin")


def test_content_of_an_alias_stands_where_the_alias_is(changed):
    found = violations(
        changed(
            ("addresses: {mgmt: 10.101.0.11", "addresses: &first {mgmt: 10.101.0.11"),
            ("{mgmt: 10.101.0.12, storage: 10.102.0.12}", "*first"),
        )
    )
    assert [(line, key) for line, key, _ in found] == [
        (14, "nodes[1].addresses.mgmt"),
        (14, "nodes[1].addresses.storage"),
    ]


@pytest.mark.parametrize("what", ["missing", "folder", "binary"])
def test_file_that_cannot_be_read(tmp_path: Path, what: str):
    file = tmp_path / what
    if what == "folder":
        file.mkdir()
    elif what == "binary":
        file.write_bytes(b"\xff\xfe\x00")
    ((line, key, message),) = violations(file)
    assert (line, key) == (1, "")
    assert {"missing": "No such file", "folder": "directory", "binary": "UTF-8"}[what] in message


def test_relative_paths_count_from_the_file(changed, tmp_path, monkeypatch):
    file = changed(
        ("port: 22", "key: ssh/id, known_hosts: /etc/known"),
        ("password_env: SECRET", "password_file: bmc.pass"),
    )
    monkeypatch.chdir(tmp_path.parent)
    cluster = load(file.relative_to(tmp_path.parent)).cluster
    bmc = cluster.node("n1").bmc
    assert bmc is not None
    assert cluster.ssh.key == tmp_path / "ssh/id"
    assert cluster.ssh.known_hosts == Path("/etc/known")
    assert bmc.password_file == tmp_path / "bmc.pass"


def test_home_is_expanded(changed, monkeypatch):
    monkeypatch.setenv("HOME", "/home/operator")
    cluster = load(changed(("port: 22", "key: ~/.ssh/id"))).cluster
    assert cluster.ssh.key == Path("/home/operator/.ssh/id")


def test_networks_are_in_the_order_of_importance(write):
    swapped = GOOD.replace("mgmt: {cidr", "x: {cidr").replace("storage: {cidr", "mgmt: {cidr")
    swapped = swapped.replace("x: {cidr: 10.101", "storage: {cidr: 10.102", 1)
    swapped = swapped.replace("  mgmt: {cidr: 10.102", "  mgmt: {cidr: 10.101")
    cluster = load(write(swapped)).cluster
    assert list(cluster.networks) == ["storage", "mgmt"]
    assert cluster.network_names() == (NetworkName.MGMT, NetworkName.STORAGE)


@pytest.mark.parametrize("broken", ["password: geheim, port: x", "password: geheim: ["])
def test_no_error_quotes_a_password(changed, broken):
    with pytest.raises(InventoryError) as caught:
        load(changed(("password_env: SECRET", broken)))
    assert "geheim" not in "".join(traceback.format_exception(caught.value))
