"""How an operator describes new nodes, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bob.commands._new_nodes import Options, block, new_nodes
from bob.errors import UsageError
from inventory import Cluster

DOCUMENT: dict[str, Any] = {
    "cluster": "c1",
    "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
    "ssh": {"user": "admin"},
    "nodes": [{"name": f"n{i}", "addresses": {"mgmt": f"10.1.0.{i}"}} for i in range(1, 6)],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT))
    return path


@pytest.fixture
def context(tmp_path: Path) -> Any:
    kept = Cluster.model_validate(DOCUMENT).model_dump_json(by_alias=True)
    (tmp_path / "inventory.json").write_text(kept)
    return SimpleNamespace(cluster="c1", folder=tmp_path)


def test_nodes_come_from_their_blocks(context: Any, file: Path) -> None:
    nodes, ssh = new_nodes(context, ["n5", "n4"], file, Options())
    assert [node.name for node in nodes] == ["n5", "n4"]
    assert ssh.user == "admin"


def test_one_node_comes_from_options_and_its_block_is_told(context: Any, tmp_path: Path) -> None:
    password = tmp_path / "password"
    options = Options(
        address=["mgmt=10.1.0.9"], zone="b", role=["compute"],
        bmc="root@10.1.0.109", bmc_password_file=password,
    )  # fmt: skip
    (node,), ssh = new_nodes(context, ["n9"], None, options)
    assert ssh.user == "admin"
    assert yaml.safe_load(block(node)) == [
        {
            "name": "n9",
            "zone": "b",
            "addresses": {"mgmt": "10.1.0.9"},
            "roles": ["compute"],
            "bmc": {"address": "10.1.0.109", "user": "root", "password_file": str(password)},
        }
    ]


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["n9", "n9"], Options(), "named twice"),
        (["n9"], Options(), "where are the new nodes described"),
        (["n8", "n9"], Options(address=["mgmt=10.1.0.9"]), "where are the new nodes described"),
        (["n9"], Options(zone="b"), "where are the new nodes described"),
        (["n9"], Options(address=["10.1.0.9"]), "'10.1.0.9' names no network"),
        (["n9"], Options(address=["mgmt=10.1.0.900"]), "addresses.mgmt: '10.1.0.900' is not"),
        (["n9"], Options(address=["lan=10.1.0.9"]), "addresses.lan"),
        (["N_9"], Options(address=["mgmt=10.1.0.9"]), "name: 'N_9' is not a DNS label"),
        (["n9"], Options(address=["mgmt=10.1.0.9"], zone="B 2"), "zone: 'B 2' is not"),
        (["n9"], Options(address=["mgmt=10.1.0.9"], bmc="10.1.0.1"), "a BMC needs a user"),
        (["n9"], Options(address=["mgmt=10.1.0.9"], bmc="a@10.1.0.1"), "a BMC needs a user"),
    ],
)
def test_mistakes_are_told_with_a_cure(
    context: Any, names: list[str], options: Options, message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        new_nodes(context, names, None, options)
    assert message in str(refused.value)
    assert refused.value.cure


def test_a_file_of_another_cluster_or_without_the_node_is_refused(context: Any, file: Path) -> None:
    with pytest.raises(UsageError, match="has no node n8, n9"):
        new_nodes(context, ["n4", "n8", "n9"], file, Options())
    context.cluster = "c2"
    with pytest.raises(UsageError, match="describes the cluster 'c1', not 'c2'"):
        new_nodes(context, ["n4"], file, Options())


def test_a_file_and_options_do_not_mix(context: Any, file: Path) -> None:
    with pytest.raises(UsageError, match="not from both"):
        new_nodes(context, ["n4"], file, Options(zone="b"))
