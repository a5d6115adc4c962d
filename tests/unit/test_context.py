"""What is kept of a cluster goes only when none of its hosts is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob import context, paths
from bob.context import Context
from bob.errors import UsageError
from inventory import Cluster

HOSTS = {"n1": "10.1.0.1", "n2": "10.1.0.2", "n3": "10.1.0.3"}


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    cluster = Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "nodes": [{"name": n, "addresses": {"mgmt": a}} for n, a in HOSTS.items()],
        }
    )
    made = Context.of(cluster, ("n1", "n2", "n3"))
    made.save()
    return made


def test_a_cluster_of_removed_hosts_is_forgotten() -> None:
    assert context.forget("c1", HOSTS)
    assert not paths.cluster_dir("c1").exists()
    with pytest.raises(UsageError, match="no cluster is known here"):
        Context.load()


def test_it_may_have_been_made_of_some_of_them() -> None:
    assert context.forget("c1", {**HOSTS, "n4": "10.1.0.4"})


@pytest.mark.parametrize(
    "hosts", [{}, {"n1": "10.1.0.1"}, {**HOSTS, "n2": "10.9.9.9"}], ids=["none", "some", "moved"]
)
def test_a_cluster_with_any_other_host_stays(hosts: dict[str, str], known: Context) -> None:
    assert not context.forget("c1", hosts)
    assert Context.load() == known


def test_an_unknown_cluster_is_no_error() -> None:
    assert not context.forget("c2", HOSTS)
    assert Context.load().cluster == "c1"
