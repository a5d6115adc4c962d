"""`bob service` and `bob config` on a fleet in memory: what they print, refuse, and record."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from service_world import World, inventory

from bob.__main__ import run
from bob.catalogue import Catalogue
from bob.clients.http import Refused
from bob.context import Context
from bob.ops import known, sense
from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Request
from bob.ops.kinds.configure import Configure
from bob.ops.services.plans import plan_services

SECRET = "very-secret-word"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    for name in ("BOB_CLUSTER", "BOB_CATALOGUE", "BOB_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    Context.of(inventory(), ("n1", "n2", "n3")).save()
    monkeypatch.setattr(known, "refresh", lambda context: context)
    monkeypatch.setattr(Context, "consul", lambda self, network="mgmt": made.consul)
    monkeypatch.setattr(Context, "requests", lambda self: made.consul)
    monkeypatch.setattr(Context, "nomad", lambda self: made.nomad)
    monkeypatch.setattr(sense, "sense", lambda networks, nomad: made.view())
    return made


def asked(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert run([*words, "-o", "json"]) == code
    return json.loads(capsys.readouterr().out)


def recorded(world: World) -> Any:
    return ConsulStore(world.consul).unfinished()[-1]


def test_the_list_says_what_runs_and_what_could(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.deploy("haproxy")
    found = asked(capsys, "service", "ls")
    rows = {row["name"]: row for row in found["services"]}
    assert rows["haproxy"]["instances"] == {"wanted": 2, "healthy": 2}
    assert rows["mariadb"]["instances"] is None
    assert set(rows) == set(Catalogue().names())
    deployed = asked(capsys, "service", "ls", "--deployed")["services"]
    assert [row["name"] for row in deployed] == ["haproxy"]
    assert run(["service", "ls"]) == 0
    assert "2 of 2" in capsys.readouterr().out


def test_an_instance_that_was_late_counts(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.deploy("haproxy")
    world.fleet.late.add("haproxy")
    assert {a.healthy for a in world.view().jobs["haproxy"].allocations} == {False}
    (row,) = asked(capsys, "service", "ls", "--deployed")["services"]
    assert row["instances"] == {"wanted": 2, "healthy": 2}
    shown = asked(capsys, "service", "show", "haproxy")
    assert shown["instances"] == {"wanted": 2, "healthy": 2}


def test_one_service_is_shown_with_its_nodes_and_what_the_catalogue_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.deploy("haproxy")
    found = asked(capsys, "service", "show", "haproxy")
    assert found["nodes"] == ["n1", "n2"]
    assert found["catalogue"]["driver"] == "raw_exec"
    assert run(["service", "show", "mariadb"]) == 0
    assert "not deployed" in capsys.readouterr().out
    assert run(["service", "show", "nix"]) == 2


def test_the_plan_tells_changes_and_missing_places_and_ends_with_4(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.deploy("haproxy")
    assert asked(capsys, "service", "plan", "haproxy")["services"][0]["changes"] == []
    found = asked(capsys, "service", "plan", "haproxy", "memcached", "vm", code=4)
    rows = {row["name"]: row for row in found["services"]}
    assert rows["memcached"]["changes"][0] == "new job"
    assert "no host for 1 instance" in rows["vm"]["unplaced"][0]
    assert run(["service", "plan"]) == 4
    shown = capsys.readouterr().out
    assert "haproxy: as it is deployed" in shown
    assert "memcached: new job" in shown


def test_a_plan_asks_consul_for_nothing_that_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.deploy("haproxy")
    view, names = world.view(), Catalogue().names()
    monkeypatch.setattr(world, "consul", None)  # nobody set a value: there is none to read either
    plans = plan_services(world.nomad, world.consul, Catalogue(), names, view)
    assert [each.service for each in plans] == list(names)
    assert not any(each.error for each in plans)
    assert next(each for each in plans if each.service == "haproxy").changes == ()


def test_an_operators_folder_is_planned_without_being_kept(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "own" / "web"
    folder.mkdir(parents=True)
    (folder / "service.yaml").write_text("title: Ours\ndriver: raw_exec\ncount: 1\n")
    (folder / "job.nomad.hcl.j2").write_text('job "web" {\n  group "web" {\n  }\n}\n')
    words = ("service", "plan", "web", "--catalogue", str(folder.parent))
    assert asked(capsys, *words, code=4)["services"][0]["changes"][0] == "new job"
    assert world.view().catalogue == {}
    (folder / "service.yaml").write_text("title: Ours\ndriver: java\ncount: 1\n")
    assert run([*words]) == 1
    assert "web/service.yaml:2: driver" in capsys.readouterr().err


def test_the_configuration_shows_values_ranges_and_no_secret(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.nomad.variables.put("nomad/jobs/redis", {"password": SECRET})
    capsys.readouterr()
    assert run(["config", "get", "redis"]) == 0
    shown = capsys.readouterr().out
    assert SECRET not in shown
    assert "integer from 16 to 65536 MiB" in shown
    rows = {row["name"]: row for row in asked(capsys, "config", "get", "redis")["parameters"]}
    assert (rows["password"]["value"], rows["password"]["set"]) == ("(set)", True)
    assert (rows["memory"]["value"], rows["memory"]["set"]) == ("64", False)
    assert run(["config", "get", "redis", "--reveal", "password"]) == 0
    assert capsys.readouterr().out == f"{SECRET}\n"
    assert run(["config", "get", "redis", "--reveal", "memory"]) == 2


def test_without_the_right_no_secret_is_shown_and_all_else_is(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, **_: object) -> None:
        raise Refused("Permission denied", status=403)

    monkeypatch.setattr(world.nomad.variables, "get", refuse)
    rows = {row["name"]: row for row in asked(capsys, "config", "get", "redis")["parameters"]}
    assert rows["password"]["value"] == "(you may not know)"
    assert rows["memory"]["value"] == "64"
    assert run(["config", "get", "redis", "--reveal", "password"]) == 1
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["memory=8"], "memory: 8 is below the minimum 16 MiB"),
        (["memory"], "'memory' is given no value"),
        (["memory=64", "memory=65"], "memory is given twice"),
        (["colour=red"], "there is no such parameter"),
        (["password=x"], "set it with --secret password"),
        (["--secret", "memory"], "memory: there is no such secret"),
        (["--template", "start.py=/nowhere"], "/nowhere is no readable text"),
        (["--template", "start.py"], "names no file"),
        ([], "no change was named"),
    ],
)
def test_a_wrong_change_is_exit_2_and_nothing_is_recorded(
    world: World, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert run(["config", "set", "redis", *words, "--yes"]) == 2
    assert reason in capsys.readouterr().err
    assert ConsulStore(world.consul).list() == []


def test_a_change_is_recorded_for_the_robot(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["config", "set", "redis", "memory=128", "--unset", "down_after", "--yes", "--detach"]
    assert run(words) == 8
    found = recorded(world)
    assert (found.kind, found.target) == ("configure", "redis")
    assert found.params["values"] == {"memory": "128", "down_after": None}


def test_a_secret_comes_from_standard_input_and_goes_to_nomad_alone(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert run(["config", "set", "redis", "--secret", "password", "--yes", "--detach"]) == 8
    found = world.nomad.variables.get("nomad/jobs/redis")
    assert found is not None
    assert found.items == {"password": SECRET}
    assert SECRET not in repr(found)
    assert recorded(world).params["secrets"] == ["password"]
    assert not [e for e in world.consul.kv.list("") if SECRET.encode() in e.value]
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err


def test_what_differs_from_the_newest_and_what_was_before(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = Configure(world.catalogue)
    for number, size in enumerate(("128", "256"), start=1):
        request = Request("configure", "mariadb", {"values": {"buffer_pool": size}})
        world.carry_out(kind, request, f"op{number}")
    rows = asked(capsys, "config", "history", "mariadb")["generations"]
    assert [row["number"] for row in rows] == [2, 1]
    assert rows[0]["changes"] == ["buffer_pool: 128 -> 256"]
    assert rows[1]["changes"] == ["buffer_pool: 64 (default) -> 128"]
    assert asked(capsys, "config", "diff", "mariadb")["differences"] == []
    assert run(["config", "rollback", "mariadb", "--yes", "--detach"]) == 8
    assert recorded(world).params == {"to": 1}
    assert run(["config", "rollback", "mariadb", "--to", "9", "--yes"]) == 1
    assert "has no configuration 9" in capsys.readouterr().err


def test_the_difference_of_a_pinned_service_ends_with_4(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = '{"count": 1, "image": "x:1"}'
    world.consul.kv.put("bob/services/mariadb", wish)
    request = Request("configure", "mariadb", {"values": {"buffer_pool": "128"}})
    world.carry_out(Configure(world.catalogue), request, "op1")
    found = asked(capsys, "config", "diff", "mariadb", code=4)
    assert found["differences"] == ["buffer_pool: 64 (default) -> 128"]
    assert (found["running"], found["newest"]) == (0, 1)


def test_restart_rollback_and_scale_are_recorded(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.deploy("haproxy")
    assert run(["service", "restart", "haproxy", "--yes", "--detach"]) == 8
    assert recorded(world).kind == "restart"
    assert run(["service", "rollback", "haproxy", "--yes", "--detach"]) == 2
    assert "no version before this one" in capsys.readouterr().err
    assert run(["service", "scale", "memcached", "many", "--yes"]) == 2
    assert "'many' is no number of instances" in capsys.readouterr().err
