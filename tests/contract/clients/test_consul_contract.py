"""What Bob relies on in Consul's API, asked of a real agent."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from loopback_agents import DATACENTER, GOSSIP_KEY, RunningAgent

from bob.clients.consul import (
    AuthMethod,
    BindingRule,
    Consul,
    MemberStatus,
    Policy,
    Role,
    Token,
)
from bob.clients.http import Refused, Unreachable
from bob.clients.quorum import AutopilotHealth
from bob.errors import Permanent
from bob.waiting import wait_for


def test_the_servers_are_described(consul: Consul) -> None:
    raft = consul.operator.raft()
    assert [(peer.name, peer.voter, peer.leader) for peer in raft.peers] == [("host11", True, True)]
    assert raft.leader == raft.peers[0]
    assert raft.voters == {"host11"}
    assert consul.leader() == raft.peers[0].address
    assert consul.operator.raft(stale=True) == raft


def test_autopilot_judges_the_servers(consul: Consul) -> None:
    first = consul.operator.autopilot()  # unhealthy (429) until autopilot's first rounds are over
    assert [server.name for server in first.servers] == ["host11"]
    (peer,) = consul.operator.raft().peers

    def healthy() -> AutopilotHealth | None:
        now = consul.operator.autopilot()
        return now if now.healthy else None

    autopilot = wait_for(healthy, what="autopilot is healthy", deadline=60)
    assert autopilot.failure_tolerance == 0
    assert [(s.name, s.id, s.voter, s.healthy) for s in autopilot.servers] == [
        ("host11", peer.id, True, True)
    ]


def test_the_node_is_in_gossip_and_in_the_catalog(consul: Consul) -> None:
    (member,) = consul.agent.members()
    assert (member.name, member.status, member.server) == ("host11", MemberStatus.ALIVE, True)
    assert [node.name for node in consul.catalog.nodes()] == ["host11"]
    assert "consul" in consul.catalog.services()
    (instance,) = consul.catalog.service("consul")
    assert instance.node == "host11"
    assert instance.passing
    assert consul.catalog.serf_health("host11") == "passing"
    assert consul.catalog.serf_health("nobody") == ""
    assert {check.node for check in consul.catalog.checks(stale=True)} == {"host11"}
    assert consul.agent.self()["Config"]["Datacenter"] == DATACENTER


def test_join_of_a_live_agent_succeeds_and_of_a_dead_one_fails(
    consul: Consul, consul_running: RunningAgent
) -> None:
    consul.agent.join(f"127.0.0.1:{consul_running.gossip_port}")
    with pytest.raises(Unreachable):
        consul.agent.join("127.0.0.1:1")


def test_the_keyring_holds_the_configured_key(consul: Consul) -> None:
    (ring,) = [ring for ring in consul.operator.keyrings() if not ring.wan]
    assert ring.primary == {GOSSIP_KEY: 1}
    assert ring.nodes == 1


def test_a_key_lives_from_put_to_delete(consul: Consul) -> None:
    assert consul.kv.get("test/life") is None
    assert consul.kv.put("test/life", '{"a": 1}', flags=7)
    entry = consul.kv.get("test/life")
    assert consul.kv.get("test/life", consistent=True) == entry
    assert entry is not None
    assert (entry.json(), entry.flags, entry.session) == ({"a": 1}, 7, "")
    assert consul.kv.delete("test/life", cas=entry.modify_index + 1) is False
    assert consul.kv.delete("test/life", cas=entry.modify_index) is True
    assert consul.kv.get("test/life") is None
    assert consul.kv.delete("test/life") is True


def test_an_empty_value_is_empty_bytes(consul: Consul) -> None:
    consul.kv.put("test/empty", b"")
    entry = consul.kv.get("test/empty")
    assert entry is not None
    assert entry.value == b""


def test_compare_and_set_lets_one_writer_win(consul: Consul) -> None:
    assert consul.kv.put("test/cas", "first", cas=0)
    assert consul.kv.put("test/cas", "second", cas=0) is False
    entry = consul.kv.get("test/cas")
    assert entry is not None
    assert consul.kv.put("test/cas", "third", cas=entry.modify_index)
    assert consul.kv.put("test/cas", "fourth", cas=entry.modify_index) is False


def test_a_folder_is_listed_and_deleted_whole(consul: Consul) -> None:
    for name in ("b", "a", "c/d"):
        consul.kv.put(f"test/folder/{name}", name)
    assert [entry.value for entry in consul.kv.list("test/folder/")] == [b"a", b"b", b"c/d"]
    assert consul.kv.keys("test/folder/") == (
        "test/folder/a", "test/folder/b", "test/folder/c/d",
    )  # fmt: skip
    assert consul.kv.delete("test/folder/", recurse=True)
    assert consul.kv.list("test/folder/") == ()
    assert consul.kv.keys("test/folder/") == ()


def test_a_blocking_read_returns_with_the_change(consul: Consul) -> None:
    consul.kv.put("test/watched", "old")
    before = consul.kv.read("test/watched")
    writer = threading.Timer(0.2, consul.kv.put, ("test/watched", "new"))
    writer.start()
    after = consul.kv.read("test/watched", index=before.index, wait=20)
    writer.join()
    assert after.value is not None
    assert after.value.value == b"new"
    assert after.index > before.index


def test_a_blocking_read_ends_when_nothing_changes(consul: Consul) -> None:
    consul.kv.put("test/quiet/key", "same")
    before = consul.kv.read_all("test/quiet/")
    start = time.monotonic()
    assert consul.kv.read_all("test/quiet/", index=before.index, wait=0.5) == before
    assert 0.5 <= time.monotonic() - start < 5


def test_a_transaction_happens_whole_or_not_at_all(consul: Consul) -> None:
    consul.kv.put("test/txn/record", "1")
    index = next(entry.modify_index for entry in consul.kv.list("test/txn/record"))
    done = consul.txn().cas("test/txn/record", "2", index).set("test/txn/other", "x").commit()
    assert done.ok
    assert [entry.key for entry in done.entries] == ["test/txn/record", "test/txn/other"]
    stale = consul.txn().cas("test/txn/record", "3", index).set("test/txn/third", "y").commit()
    assert not stale.ok
    assert "index is stale" in stale.errors[0]
    assert consul.kv.get("test/txn/third") is None


def test_a_transaction_checks_index_absence_and_session(consul: Consul) -> None:
    (entry,) = consul.txn().set("test/check", "1").commit().entries
    assert consul.txn().check_index("test/check", entry.modify_index).commit().ok
    assert not consul.txn().check_index("test/check", entry.modify_index + 1).commit().ok
    assert not consul.txn().check_absent("test/check").commit().ok
    refused = consul.txn().check_session("test/check", str(uuid.uuid4())).commit()
    assert not refused.ok
    assert "failed session check" in refused.errors[0]
    assert consul.txn().delete_cas("test/check", entry.modify_index).delete("test/no").commit().ok
    assert consul.txn().check_absent("test/check").commit().ok


def test_the_token_is_recognised(consul: Consul, consul_running: RunningAgent) -> None:
    mine = consul.acl.self()
    assert mine is not None
    assert mine.policies == ("global-management",)
    unknown = Consul(consul_running.address, str(uuid.uuid4()), consul_running.ca_file)
    assert unknown.acl.self() is None


def test_policy_role_and_token_are_written_once(
    consul: Consul, consul_running: RunningAgent
) -> None:
    policy = Policy("readers", 'key_prefix "shared/" { policy = "read" }', "may read")
    assert [consul.acl.ensure_policy(policy) for _ in range(2)] == [True, False]
    writers = Policy("readers", 'key_prefix "shared/" { policy = "write" }', "may write")
    assert [consul.acl.ensure_policy(writers) for _ in range(2)] == [True, False]
    role = Role("reader-role", ("readers",))
    assert [consul.acl.ensure_role(role) for _ in range(2)] == [True, False]
    secret = str(uuid.uuid4())
    token = Token(str(uuid.uuid4()), secret, "a reader", policies=("readers",))
    assert [consul.acl.ensure_token(token) for _ in range(2)] == [True, False]
    wider = Token(token.accessor_id, secret, "a reader", roles=("reader-role",))
    assert [consul.acl.ensure_token(wider) for _ in range(2)] == [True, False]

    theirs = Consul(consul_running.address, secret, consul_running.ca_file)
    mine = theirs.acl.self()
    assert mine is not None
    assert (mine.accessor_id, mine.policies, mine.roles) == (
        token.accessor_id, (), ("reader-role",),
    )  # fmt: skip
    assert theirs.kv.put("shared/x", "1")
    with pytest.raises(Refused, match="403 Permission denied") as refusal:
        theirs.kv.put("elsewhere", "1")
    assert refusal.value.status == 403
    assert "policy" in refusal.value.cure
    assert secret not in str(refusal.value)


def test_all_accessors_are_listed(consul: Consul) -> None:
    before = consul.acl.accessors()
    token = Token(str(uuid.uuid4()), str(uuid.uuid4()), "one more")
    consul.acl.ensure_token(token)
    assert consul.acl.accessors() - before == {token.accessor_id}


def test_a_deleted_token_and_policy_are_gone_and_may_be_deleted_again(consul: Consul) -> None:
    policy = Policy("passing-by", 'key "passing" { policy = "read" }', "goes soon")
    token = Token(str(uuid.uuid4()), str(uuid.uuid4()), "goes soon", (policy.name,))
    consul.acl.ensure_policy(policy)
    consul.acl.ensure_token(token)
    for _ in range(2):
        consul.acl.delete_token(token.accessor_id)
        consul.acl.delete_policy(policy.name)
        assert token.accessor_id not in consul.acl.accessors()
    assert consul.acl.ensure_policy(policy)
    consul.acl.delete_policy(policy.name)


def test_a_node_that_is_gone_is_forgotten(consul: Consul) -> None:
    body = {"Node": "ghost", "Address": "192.0.2.7", "Service": {"Service": "haunting"}}
    consul.http.request("PUT", "/v1/catalog/register", body=body)
    assert "haunting" in consul.catalog.services()
    for _ in range(2):
        consul.catalog.deregister("ghost")
        assert "haunting" not in consul.catalog.services()
        assert "ghost" not in {node.name for node in consul.catalog.nodes()}
    consul.agent.force_leave("ghost")
    assert "ghost" not in {member.name for member in consul.agent.members()}


def test_the_agent_works_on_with_a_renewed_token(
    consul: Consul, consul_running: RunningAgent
) -> None:
    consul.agent.renew_token("agent", consul_running.token)
    assert [member.name for member in consul.agent.members()] == ["host11"]
    with pytest.raises(Refused, match="Token"):
        consul.agent.renew_token("no-such-purpose", consul_running.token)


def test_a_token_with_another_secret_is_reported(consul: Consul) -> None:
    accessor = str(uuid.uuid4())
    consul.acl.ensure_token(Token(accessor, str(uuid.uuid4()), "first"))
    with pytest.raises(Permanent, match="another secret"):
        consul.acl.ensure_token(Token(accessor, str(uuid.uuid4()), "first"))


def test_the_anonymous_token_takes_a_policy(consul: Consul) -> None:
    anonymous = "00000000-0000-0000-0000-000000000002"
    consul.acl.ensure_policy(Policy("nothing-secret", 'key_prefix "open/" { policy = "read" }'))
    token = Token(anonymous, "", "Anonymous Token", policies=("nothing-secret",))
    assert [consul.acl.ensure_token(token) for _ in range(2)] == [True, False]


def public_key() -> str:
    """A key that signs nothing: the auth method only has to be stored."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_auth_method_and_binding_rule_are_written_once(consul: Consul) -> None:
    config = {
        "JWTValidationPubKeys": [public_key()],
        "BoundAudiences": ["consul.io"],
        "ClaimMappings": {"nomad_job_id": "nomad_job_id"},
    }
    method = AuthMethod("workloads", "jwt", config, "tasks log in")
    assert not consul.acl.has_auth_method("workloads")
    assert [consul.acl.ensure_auth_method(method) for _ in range(2)] == [True, False]
    other = AuthMethod("workloads", "jwt", {**config, "BoundAudiences": ["other"]}, "tasks log in")
    assert [consul.acl.ensure_auth_method(other) for _ in range(2)] == [True, False]
    assert consul.acl.has_auth_method("workloads")
    name, selector = "${value.nomad_job_id}", "value.nomad_job_id == a"
    rule = BindingRule("workloads", "service", name, selector)
    assert [consul.acl.ensure_binding_rule(rule) for _ in range(2)] == [True, False]
    changed = BindingRule("workloads", "service", name, "value.nomad_job_id == b", "narrower")
    assert [consul.acl.ensure_binding_rule(changed) for _ in range(2)] == [True, False]
    role = BindingRule("workloads", "role", "tasks", selector)
    assert [consul.acl.ensure_binding_rule(role) for _ in range(2)] == [True, False]


def test_without_a_token_nothing_is_told(consul_running: RunningAgent) -> None:
    stranger = Consul(consul_running.address, "", consul_running.ca_file)
    with pytest.raises(Refused) as refusal:
        stranger.operator.raft()
    assert refusal.value.status == 403
    assert stranger.agent.members() == ()
    assert stranger.kv.list("") == ()


def test_a_foreign_authority_is_not_trusted(
    consul_running: RunningAgent, nomad_running: RunningAgent, tmp_path: Path
) -> None:
    for ca_file in (nomad_running.ca_file, None):
        stranger = Consul(consul_running.address, consul_running.token, ca_file)
        with pytest.raises(Permanent, match="not trusted"):
            stranger.leader()
