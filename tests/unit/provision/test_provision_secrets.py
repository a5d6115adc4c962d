from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from provision_samples import describe

from bob.provision.private_files import Exposed, locked, read_private, write_private
from bob.provision.secrets import ROBOT_FIELDS, SecretsUnusable, load, load_or_create
from bob.provision.ssh_keys import public_line
from inventory.model import Cluster, NetworkName

RACE = """
import sys
from pathlib import Path
from provision_samples import describe
from bob.provision.secrets import load_or_create
print(load_or_create(Path(sys.argv[1]), describe()).nomad_management.get_secret_value())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "secrets.json"


def values(node: object) -> set[str]:
    """All strings at the leaves of a JSON document."""
    if isinstance(node, dict):
        return set().union(*(values(inner) for inner in node.values()))
    return {str(node)}


def test_second_call_returns_the_same(file: Path, cluster: Cluster) -> None:
    first = load_or_create(file, cluster)
    written = file.read_bytes()
    assert load_or_create(file, cluster) == first
    assert file.read_bytes() == written


def test_kinds_of_secrets(file: Path, cluster: Cluster) -> None:
    made = load_or_create(file, cluster)
    keys = [*made.consul_gossip.values(), made.nomad_gossip]
    assert len(keys) == 4
    for key in keys:
        assert len(base64.b64decode(key.get_secret_value())) == 32
    tokens = [
        *made.consul_management.values(),
        made.nomad_management,
        *(token for node in made.consul_agents.values() for token in node.values()),
        *made.nomad_agents.values(),
        made.dns,
        made.operator,
        *made.bob_agents.values(),
        *made.healthchecks.values(),
        *made.robot.values(),
        made.requests,
    ]
    assert (
        len({uuid.UUID(token.get_secret_value()) for token in tokens}) == 3 + 1 + 12 + 4 + 2 + 8 + 4
    )


def test_only_the_owner_can_read(file: Path, cluster: Cluster) -> None:
    load_or_create(file, cluster)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_nothing_shows_a_value(file: Path, cluster: Cluster) -> None:
    made = load_or_create(file, cluster)
    document = json.loads(file.read_text())
    public = {str(document[name]) for name in ("schema", "cluster", "generation")}
    secret = values(document) - public
    assert len(secret) == 4 + 22 + 8 + 4 + 1  # keys, tokens, of the robot, of healthchecks, SSH
    for shown in (repr(made), str(made), str(made.model_dump())):
        assert not [value for value in secret if value in shown]


def test_new_nodes_and_networks_are_added_and_the_rest_stays(file: Path) -> None:
    before = load_or_create(file, describe(nodes=3, networks=("mgmt",)))
    after = load_or_create(file, describe(nodes=4))
    assert after.nomad_gossip == before.nomad_gossip
    assert after.dns == before.dns and after.operator == before.operator
    assert after.consul_gossip[NetworkName.MGMT] == before.consul_gossip[NetworkName.MGMT]
    for name, tokens in before.consul_agents.items():
        assert after.consul_agents[name][NetworkName.MGMT] == tokens[NetworkName.MGMT]
    assert set(after.consul_agents["host4"]) == set(NetworkName)
    assert "host4" in after.nomad_agents


def test_an_older_file_is_completed_once_and_read_only_then(file: Path, cluster: Cluster) -> None:
    made = load_or_create(file, cluster)
    document = json.loads(file.read_text())
    for name in ROBOT_FIELDS:
        del document[name]
    write_private(file, json.dumps(document).encode())
    with pytest.raises(
        SecretsUnusable, match="older version of bob: it lacks bob_agents"
    ) as caught:
        load(file, "c1")
    assert "bob init" in (caught.value.cure or "")
    completed = load_or_create(file, cluster)
    assert completed == load_or_create(file, cluster) == load(file, "c1")
    assert completed.model_copy(update={n: getattr(made, n) for n in ROBOT_FIELDS}) == made
    assert set(completed.bob_agents) == set(made.bob_agents)


def test_the_key_of_the_robot_is_one_that_ssh_takes(file: Path, cluster: Cluster) -> None:
    made = load_or_create(file, cluster)
    key = file.with_name("key")
    write_private(key, made.ssh_key.get_secret_value().encode())
    said = subprocess.run(
        ["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True
    ).stdout
    assert public_line(made.ssh_key, "bob@c1") == f"{said.strip()} bob@c1"


def test_a_removed_node_keeps_its_secrets(file: Path) -> None:
    before = load_or_create(file, describe(nodes=4))
    assert load_or_create(file, describe(nodes=3)) == before


def test_two_processes_make_them_once(file: Path) -> None:
    folder = Path(__file__).parent
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(file)], stdout=subprocess.PIPE, text=True, cwd=folder
        )
        for _ in range(3)
    ]
    seen = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert len(seen) == 1 and uuid.UUID(seen.pop())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"schema": "bob/secrets/1", "cluster": "c1", "dns": "secret-value"}',
        b'{"schema": "bob/secrets/9", "cluster": "c1"}',
    ],
)
def test_a_damaged_file_is_refused_and_kept(file: Path, cluster: Cluster, content: bytes) -> None:
    write_private(file, content)
    with pytest.raises(SecretsUnusable) as caught:
        load_or_create(file, cluster)
    assert str(file) in caught.value.message and caught.value.cure
    assert "secret-value" not in caught.value.message
    assert file.read_bytes() == content


def test_a_file_of_another_cluster_is_refused(file: Path, cluster: Cluster) -> None:
    load_or_create(file, cluster)
    other = cluster.model_copy(update={"name": "c2"})
    with pytest.raises(SecretsUnusable, match="belongs to cluster 'c1', not to 'c2'"):
        load_or_create(file, other)


def test_a_file_that_others_can_read_is_refused(file: Path, cluster: Cluster) -> None:
    load_or_create(file, cluster)
    file.chmod(0o640)
    with pytest.raises(Exposed, match="0640"):
        load_or_create(file, cluster)


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    file = tmp_path / "value"
    write_private(file, b"old")
    with pytest.raises(TypeError):
        write_private(file, "not bytes")  # type: ignore[arg-type]
    assert read_private(file) == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["value"]


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path):
        pass
