"""The models: frozen, with a digest that notices what matters, and passwords that stay hidden."""

from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import ValidationError

from inventory import Cluster, NetworkName, PasswordUnavailable, load
from tests.unit.inventory.files import GOOD


@pytest.fixture
def cluster(write) -> Cluster:
    return load(write(GOOD)).cluster


def test_nothing_can_be_changed(cluster):
    with pytest.raises(ValidationError):
        cluster.name = "other"
    with pytest.raises(TypeError):
        cluster.networks[NetworkName.TENANT] = cluster.networks[NetworkName.MGMT]
    with pytest.raises(TypeError):
        cluster.nodes[0].addresses["mgmt"] = None


def test_can_be_hashed_copied_and_pickled(cluster):
    assert {cluster, copy.deepcopy(cluster), pickle.loads(pickle.dumps(cluster))} == {cluster}


def test_node_is_found_by_name(cluster):
    assert str(cluster.node("n2").addresses[NetworkName.STORAGE]) == "10.102.0.12"
    with pytest.raises(KeyError):
        cluster.node("n9")


def test_addresses_of_a_network(cluster):
    assert {name: str(at) for name, at in cluster.addresses(NetworkName.MGMT).items()} == {
        "n1": "10.101.0.11",
        "n2": "10.101.0.12",
        "n3": "10.101.0.13",
    }


SAME = [
    ("cluster: c1", "# a comment\ncluster: 'c1'"),
    ("port: 22", "port: 2222"),
    ("user: root", "user: operator"),
    ("password_env: SECRET", "password: geheim"),
    ("servers: 3", "servers: 3\ntoolchain: {path: /opt}"),
    ("servers: 3", "servers: 3\nregistry: registry.example.net:5000"),
    ("{mgmt: 10.101.0.12, storage: 10.102.0.12}", "{storage: 10.102.0.12, mgmt: 10.101.0.12}"),
]
OTHER = [
    ("cluster: c1", "cluster: c2"),
    ("zone: b", "zone: c"),
    ("mgmt: 10.101.0.12", "mgmt: 10.101.0.22"),
    ("name: n2", "name: n4"),
    ("address: 10.101.0.111", "address: 10.101.0.112"),
    ("servers: 3", "versions: {nomad: 1.11.4}"),
    ("zone: b", "roles: [compute]\n    zone: b"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_digest_stays_when_only_the_way_in_changes(cluster, changed, old, new):
    assert load(changed((old, new))).cluster.digest() == cluster.digest()


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_digest_notices_another_cluster(cluster, changed, old, new):
    assert load(changed((old, new))).cluster.digest() != cluster.digest()


def _bmc(changed, new):
    bmc = load(changed(("password_env: SECRET", new))).cluster.node("n1").bmc
    assert bmc is not None
    return bmc


def test_password_from_the_environment(changed, monkeypatch):
    bmc = _bmc(changed, "password_env: BMC_TEST_PASSWORD")
    monkeypatch.delenv("BMC_TEST_PASSWORD", raising=False)
    with pytest.raises(PasswordUnavailable, match="BMC_TEST_PASSWORD is not set"):
        bmc.read_password()
    monkeypatch.setenv("BMC_TEST_PASSWORD", "geheim")
    assert bmc.read_password() == "geheim"


def test_password_from_a_file(changed, tmp_path):
    bmc = _bmc(changed, "password_file: bmc.pass")
    with pytest.raises(PasswordUnavailable, match=r"cannot read .*bmc\.pass"):
        bmc.read_password()
    (tmp_path / "bmc.pass").write_text("\n")
    with pytest.raises(PasswordUnavailable, match="is empty"):
        bmc.read_password()
    (tmp_path / "bmc.pass").write_text(" ge heim \n")
    assert bmc.read_password() == " ge heim "


def test_inline_password_is_read_but_never_shown(changed):
    bmc = _bmc(changed, "password: geheim")
    assert bmc.read_password() == "geheim"
    assert "geheim" not in repr(bmc) + bmc.model_dump_json()


def test_a_cluster_survives_its_own_json() -> None:
    cluster = Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "ssh": {"key": "/keys/id_ed25519"},
            "nodes": [{"name": "n1", "addresses": {"mgmt": "10.1.0.1"}}],
        }
    )
    again = Cluster.model_validate_json(cluster.model_dump_json(by_alias=True))
    assert again == cluster
