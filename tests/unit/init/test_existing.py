"""What `bob init` does about a cluster that has changed since it was made."""

from __future__ import annotations

import pytest

from bob.errors import GuardRefused
from bob.ops.init import existing
from bob.ops.init.existing import Existing
from bob.ops.record import Operation
from bob.ops.states import State
from inventory import Cluster


def make_cluster(nodes: int = 4) -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "nodes": [
                {"name": f"n{i}", "addresses": {"mgmt": f"10.1.0.{i}"}} for i in range(1, nodes + 1)
            ],
        }
    )


def found(
    *kinds: str, servers: tuple[str, ...] = ("n1", "n2", "n3"), state: State = State.DONE
) -> Existing:
    operations = tuple(
        Operation(id=kind, kind=kind, target="n4", scopes=("node/n4",), state=state)
        for kind in kinds
    )
    return Existing(make_cluster().digest(), frozenset(servers), operations)


@pytest.mark.parametrize(
    ("existing_cluster", "reason"),
    [
        (found("init"), ""),
        (found("init", "deploy", "scale", "maintain", "undeploy"), ""),
        (found("init", "configure", "restart", "rollback"), ""),
        (found("init", "add-node", "scale"), "add-node n4"),
        (found("init", "add-node", state=State.ABORTED), ""),
        (found("init", "something-new", state=State.RUNNING), "something-new n4"),
        (found(servers=("n1", "n2", "n4")), "its servers are n1, n2, n4"),
    ],
)
def test_what_the_robot_made_otherwise_is_left_alone(
    existing_cluster: Existing, reason: str
) -> None:
    existing.refuse_changed(make_cluster(), existing_cluster)
    assert existing.reshaped(make_cluster(), existing_cluster) == reason


@pytest.mark.parametrize("nodes", [3, 5])
def test_another_inventory_is_refused_and_says_how_to_apply_it(nodes: int) -> None:
    with pytest.raises(GuardRefused, match="c1 exists and looks after itself") as refusal:
        existing.refuse_changed(make_cluster(nodes), found("init"))
    assert "bob plan" in refusal.value.cure


def test_a_cluster_that_is_not_known_here_is_to_be_made(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    assert existing.look("c1") is None
