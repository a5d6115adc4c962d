"""`bob plan` and `bob apply`: what is shown, the order, the first failure, what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from operator_world import Move, World, cluster

from bob.__main__ import run
from bob.commands import add_node, apply, upgrade
from bob.ops import kind
from bob.ops.kind import Request
from bob.ops.record import Operation
from bob.ops.removal import local
from bob.ops.states import State
from bob.ops.submit import submit
from bob.ops.view import ClusterView

HEAD = """\
cluster: c1
networks: {{mgmt: {{cidr: 10.77.0.0/24}}}}
server_grace: {grace}
nodes:
"""


class Fake(Move):
    """A kind of operation with the test's steps and no refusals."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]

    def check(self, request: Request, view: ClusterView) -> None:
        pass

    def done(self, request: Request, view: ClusterView) -> str:
        return ""

    def guards(self, request: Request, view: ClusterView) -> Any:
        return ()


@pytest.fixture(autouse=True)
def kinds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: Fake(name) for name in ("add-node", "remove-node", "settings")}
    monkeypatch.setattr(kind, "kinds", lambda: known)
    monkeypatch.setattr(local, "forget_here", lambda *_: None)
    monkeypatch.setattr(apply, "LOOK_SECONDS", 0.0)

    def joined(context: Any, view: ClusterView, nodes: Any, ssh: Any, *, yes: bool) -> Any:
        requests = [Request("add-node", node.name) for node in nodes]
        return {r.target: submit(world.store, r, view).operation for r in requests}

    monkeypatch.setattr(add_node, "bring_in", joined)
    world.lead()


def inventory(folder: Path, *numbers: int, grace: int = cluster().server_grace) -> list[str]:
    """The option that names a file with these nodes."""
    lines = [f"  - {{name: n{n}, addresses: {{mgmt: 10.77.0.{n}}}}}" for n in numbers]
    path = folder / "cluster.yaml"
    path.write_text(HEAD.format(grace=grace) + "\n".join(lines) + "\n")
    return ["-f", str(path)]


def ends(world: World, *states: State) -> None:
    """The robot brings the next operations to these ends, each when somebody waits for it."""
    for state in states:
        world.works(state)


def made(world: World) -> list[tuple[str, str, str]]:
    return [(o.kind, o.target, o.state.value) for o in world.store.list()]


def test_a_cluster_as_the_file_says(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", *inventory(tmp_path, 1, 2, 3)]) == 0
    assert "Cluster c1 is as" in capsys.readouterr().out
    assert run(["apply", *inventory(tmp_path, 1, 2, 3)]) == 0
    assert "Nothing to do." in capsys.readouterr().out


def test_a_plan_changes_nothing_and_ends_with_4(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    file = inventory(tmp_path, 1, 2, 3, 4, grace=60)
    assert run(["plan", *file]) == 4
    said = capsys.readouterr().out
    assert "+ add n4 (10.77.0.4, zone default)" in said
    assert "~ set server_grace 60" in said
    assert run(["plan", *file, "-o", "json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert [o["kind"] for o in found["operations"]] == ["add-node", "settings"]
    assert (found["schema"], found["by_hand"]) == ("bob/plan/1", [])
    assert world.store.list() == []


def test_all_is_done_in_order(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ends(world, State.DONE, State.DONE, State.DONE)
    file = inventory(tmp_path, 1, 2, 3, 4, grace=60)
    assert run(["apply", *file, "--yes", "-o", "json"]) == 0
    assert made(world) == [("add-node", "n4", "done"), ("settings", "c1", "done")]
    found = json.loads(capsys.readouterr().out)
    assert [o["kind"] for o in found["operations"]] == ["add-node", "settings"]
    assert found["left"] == []


def test_it_stops_at_the_first_failure_and_says_what_is_left(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ends(world, State.DONE, State.FAILED)
    file = inventory(tmp_path, 1, 2, 4, grace=60)
    assert run(["apply", *file, "--yes"]) == 1
    assert [state for *_, state in made(world)] == ["done", "failed"]
    said = capsys.readouterr()
    assert "left: set server_grace 60" in said.out
    assert "left: remove n3" in said.out
    assert "settings c1 failed" in said.err


def test_apply_asks(tmp_path: Path, world: World) -> None:
    assert run(["apply", *inventory(tmp_path, 1, 2, 3, 4)]) == 2  # no terminal
    assert world.store.list() == []


def test_what_the_robot_does_meanwhile_is_waited_for(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from operator_world import view

    other: Operation = submit(world.store, Request("remove-node", "n3", {"x": 1}), view()).operation

    def passes(*_: object) -> None:
        operation, version = world.store.read(other.id)
        if operation.state is not State.DONE:
            world.store.write(operation.model_copy(update={"state": State.DONE}), version)

    monkeypatch.setattr(apply, "pause", passes)
    ends(world, State.DONE, State.DONE)
    assert run(["apply", *inventory(tmp_path, 1, 2, 4), "--yes"]) == 0
    assert "waiting: node/n3 is held by remove-node n3" in capsys.readouterr().err
    assert [state for *_, state in made(world)] == ["done"] * 3


def test_a_difference_that_no_operation_makes_stays_pending(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    file = inventory(tmp_path, 1, 2, 3)
    path = Path(file[1])
    path.write_text(path.read_text().replace("name: n3,", "name: n3, zone: r2,"))
    assert run(["apply", *file]) == 4
    assert "n3: zone changed" in capsys.readouterr().out


def test_the_file_of_another_cluster_is_refused(tmp_path: Path, world: World) -> None:
    file = inventory(tmp_path, 1, 2, 3)
    path = Path(file[1])
    path.write_text(path.read_text().replace("cluster: c1", "cluster: c9"))
    assert run(["plan", *file]) == 2


def test_programs_are_brought_before_they_are_put_to_work(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dict.fromkeys(("upgrade",), Fake("upgrade"))
    monkeypatch.setattr(kind, "kinds", lambda: known)
    places = {"programs": {"nomad": "/opt/bob/store/nomad-1/nomad"}, "others": {}}

    def staged(context: Any, wanted: Any, accepted: Any) -> dict[str, Any]:
        assert not world.store.list()
        return {"versions": {"nomad": wanted.versions.nomad}, **places}

    monkeypatch.setattr(upgrade, "staged", staged)
    ends(world, State.DONE)
    file = inventory(tmp_path, 1, 2, 3)
    path = Path(file[1])
    path.write_text(f"versions: {{nomad: 1.12.0}}\n{path.read_text()}")
    assert run(["apply", *file, "--yes"]) == 0
    (operation,) = world.store.list()
    assert operation.params == {"versions": {"nomad": "1.12.0"}, **places}
