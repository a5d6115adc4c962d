"""What this machine keeps of a cluster follows the cluster, and loses nothing of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_consul import FakeConsul, Fault, Line
from fake_consul_state import ConsulState
from operator_world import cluster
from pydantic import SecretStr
from sim_clock import SimClock

from bob.context import Context
from bob.ops import known
from bob.ops.cluster_records import public_inventory
from bob.ops.known import merged_inventory, merged_secrets, refresh
from bob.ops.view import NodeWish
from bob.provision.secrets import Secrets, complete, dump, load
from inventory import Bmc, Cluster, NetworkName, Ssh

MGMT = NetworkName.MGMT


class Kept:
    """A cluster of n1 to n3 as this machine knows it, and its Consul."""

    def __init__(self, folder: Path) -> None:
        self.line = Line(ConsulState(SimClock()))
        self.kv = FakeConsul(self.line.state).kv
        self.context = Context.of(cluster(), ("n1", "n2", "n3"))
        self.context.save()
        self.secrets = complete(None, cluster())
        self.write("secrets.json", dump(self.secrets))
        self.write("inventory.json", cluster().model_dump_json(indent=2, by_alias=True).encode())
        self.record(cluster(), self.secrets, n1="server", n2="server", n3="server")

    def write(self, name: str, content: bytes) -> None:
        path = self.context.folder / name
        path.touch(0o600)
        path.write_bytes(content)

    def record(self, wanted: Cluster, secrets: Secrets, **roles: str) -> None:
        """The cluster says this of itself."""
        self.kv.put("bob/cluster", json.dumps(public_inventory(wanted)))
        self.kv.put("bob/secret/secrets.json", dump(secrets))
        self.kv.delete("bob/nodes/", recurse=True)
        for name, role in roles.items():
            self.kv.put(f"bob/nodes/{name}", NodeWish(role=role, zone="z").model_dump_json())

    def files(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.context.folder.glob("*.json")}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    made = Kept(tmp_path)
    consul = FakeConsul(made.line.state, line=made.line)
    monkeypatch.setattr(known.Consul, "any", lambda *_: consul)
    return made


def grown() -> Cluster:
    """The cluster with a fourth node."""
    extra = cluster().nodes[0].model_copy(update={"name": "n4"})
    return cluster().model_copy(update={"nodes": (*cluster().nodes[1:], extra)})


def test_what_is_the_same_is_not_written(kept: Kept) -> None:
    before = kept.files()
    assert refresh(kept.context) == kept.context
    assert kept.files() == before


def test_other_nodes_servers_and_tokens_are_taken_over(kept: Kept) -> None:
    Context.of(cluster().model_copy(update={"name": "other"}), ("n1",)).save()
    rotated = complete(kept.secrets, grown()).model_copy(update={"operator": SecretStr("new")})
    kept.record(grown(), rotated, n2="server", n3="client", n4="server")
    found = refresh(kept.context)
    assert [node.name for node in found.servers] == ["n2", "n4"]
    assert Context.load("c1") == found
    assert Context.load().cluster == "other"  # looking makes no cluster the current one
    assert load(kept.context.folder / "secrets.json", "c1") == rotated
    inventory = Cluster.model_validate_json(kept.files()["inventory.json"])
    assert [node.name for node in inventory.nodes] == ["n2", "n3", "n4"]


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.REQUEST_LOST])
def test_without_consul_all_stays(kept: Kept, fault: Fault) -> None:
    before = kept.files()
    kept.line.faults.append(fault)
    assert refresh(kept.context) == kept.context
    assert kept.files() == before


@pytest.mark.parametrize("key", ["bob/cluster", "bob/nodes/", "bob/secret/secrets.json"])
def test_half_a_description_does_not_break_what_is_known(kept: Kept, key: str) -> None:
    before = kept.files()["context.json"]
    kept.kv.delete(key, recurse=True)
    assert refresh(kept.context) == kept.context
    assert kept.files()["context.json"] == before


def test_another_cluster_at_the_same_address_is_not_taken_for_ours(kept: Kept) -> None:
    other = cluster().model_copy(update={"name": "c2"})
    kept.record(other, kept.secrets, n1="server")
    before = kept.files()
    assert refresh(kept.context) == kept.context
    assert kept.files() == before


def test_secrets_that_init_made_and_did_not_record_yet_are_kept() -> None:
    recorded = complete(None, cluster())
    local = complete(recorded, grown())
    rotated = recorded.model_copy(update={"dns": SecretStr("new")})
    merged = merged_secrets(local, rotated)
    assert merged.dns == SecretStr("new")
    assert merged.consul_agents["n4"] == local.consul_agents["n4"]
    assert merged.consul_agents["n1"] == recorded.consul_agents["n1"]


def test_logins_are_a_matter_of_this_machine() -> None:
    bmc = {"address": "10.9.0.1", "user": "root"}
    plain, secret = Bmc.model_validate(bmc), Bmc.model_validate({**bmc, "password_env": "BMC"})

    def with_bmc(made: Bmc, **changes: object) -> Cluster:
        first = cluster().nodes[0].model_copy(update={"bmc": made})
        return cluster().model_copy(update={"nodes": (first, *cluster().nodes[1:]), **changes})

    merged = merged_inventory(with_bmc(secret, ssh=Ssh(user="ann")), with_bmc(plain))
    assert merged.ssh.user == "ann"
    assert merged.nodes[0].bmc == secret
    moved = Bmc.model_validate({"address": "10.9.0.7", "user": "root"})
    assert merged_inventory(with_bmc(secret), with_bmc(moved)).nodes[0].bmc == moved
    assert merged_inventory(None, grown()) == grown()
