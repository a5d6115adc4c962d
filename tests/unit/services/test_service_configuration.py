"""Configure, restart and roll back on a fleet in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catalogue_world
import pytest
from service_world import World

from bob.errors import DeadlinePassed, Permanent, PreflightRefused, UsageError
from bob.ops.configuration.secrets import known_secrets, provide, reveal, set_secret
from bob.ops.configuration.store import KEPT, generation, history, newest
from bob.ops.kind import Request
from bob.ops.kinds.configure import Configure
from bob.ops.kinds.restart import Restart
from bob.ops.kinds.rollback import Rollback
from bob.ops.states import State
from bob.waiting import Deadline


@pytest.fixture
def world(tmp_path: Path) -> World:
    return catalogue_world.world(tmp_path)


def configured(service: str = "thing", **params: Any) -> Request:
    return Request("configure", service, params)


def configure(world: World, ident: str, request: Request) -> None:
    done = world.carry_out(Configure(world.catalogue), request, ident)
    assert done.state is State.DONE


def live(world: World, service: str) -> set[str]:
    return {a.id for a in world.nomad.state.allocations(service) if a.desired == "run"}


def kv(world: World, key: str) -> str | None:
    entry = world.consul.kv.get(f"config/thing/{key}")
    return entry.value.decode() if entry else None


def test_a_new_value_is_written_and_every_instance_replaced(world: World) -> None:
    world.deploy("thing")
    before, base = live(world, "thing"), live(world, "base")
    configure(world, "op1", configured(values={"size": "05"}))
    assert (kv(world, "params/size"), kv(world, "generation")) == ("5", "1")
    assert kv(world, "generations/1/params/size") == "5"
    assert not before & live(world, "thing")
    assert live(world, "base") == base
    assert world.job("thing")["Meta"]["bob_generation"] == "1"
    assert "generations/1/params/size" in world.job("thing")["Definition"]
    assert world.wish("thing").generation == 1


def test_the_generation_that_ran_before_is_never_changed(world: World) -> None:
    world.deploy("thing")
    configure(world, "op1", configured(values={"size": "5"}))
    configure(world, "op2", configured(values={"size": None}))
    assert kv(world, "generations/1/params/size") == "5"
    assert (kv(world, "params/size"), kv(world, "generations/2/params/size")) == (None, None)
    assert generation(world.consul, "thing", 1).values == {"size": "5"}


def test_a_live_parameter_is_written_and_nothing_is_replaced(world: World) -> None:
    world.deploy("thing")
    before = live(world, "thing")
    configure(world, "op1", configured(values={"greeting": "hello"}))
    assert kv(world, "params/greeting") == "hello"
    assert live(world, "thing") == before


def test_a_pinned_service_takes_it_over_at_the_next_restart(world: World) -> None:
    world.deploy("pinned")
    before = live(world, "pinned")
    configure(world, "op1", configured("pinned", values={"size": "5"}))
    assert live(world, "pinned") == before
    assert (world.wish("pinned").generation, newest(world.consul, "pinned").number) == (0, 1)
    world.carry_out(Restart(world.catalogue), Request("restart", "pinned"), "op2")
    assert not before & live(world, "pinned")
    assert world.wish("pinned").generation == 1


def test_what_is_not_deployed_is_configured_for_later(world: World) -> None:
    configure(world, "op1", configured(values={"size": "5"}))
    assert live(world, "thing") == set()
    world.deploy("thing")
    assert world.job("thing")["Meta"]["bob_generation"] == "1"


def test_the_same_values_again_change_nothing(world: World) -> None:
    world.deploy("thing")
    configure(world, "op1", configured(values={"size": "5"}))
    before = live(world, "thing")
    configure(world, "op2", configured(values={"size": "5"}))
    assert (kv(world, "generation"), live(world, "thing")) == ("1", before)


def test_a_replaced_template_goes_into_the_job(world: World) -> None:
    world.deploy("thing")
    text = 'mine = [[ parameter("size") ]]'
    configure(world, "op1", configured(texts={"thing.conf": text}))
    assert "mine = " in world.job("thing")["Definition"]
    assert kv(world, "templates/thing.conf") == text
    configure(world, "op2", configured(texts={"thing.conf": None}))
    assert "mine = " not in world.job("thing")["Definition"]
    assert kv(world, "templates/thing.conf") is None


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "no change was named"),
        ({"values": {"size": "10"}}, "size: 10 is above the maximum 9"),
        ({"values": {"size": "x", "colour": "red"}}, r"colour: there is no such(.|\n)*size: 'x'"),
        ({"values": {"password": "x"}}, "password: is secret"),
        ({"secrets": ["size"]}, "size: there is no such secret"),
        ({"texts": {"other.conf": "x"}}, "other.conf: there is no such template"),
        ({"texts": {"thing.conf": "x" * 70_000}}, "has 70000 bytes"),
        ({"texts": {"thing.conf": "\n[[ nix ]]"}}, r"templates/thing.conf:2: 'nix' is undefined"),
    ],
)
def test_what_is_not_allowed_is_told_before_anything_is_written(
    world: World, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        world.judge(Configure(world.catalogue), configured(**params))
    assert kv(world, "generation") is None


def test_an_earlier_configuration_comes_back_under_a_new_number(world: World) -> None:
    world.deploy("thing")
    configure(world, "op1", configured(values={"size": "5"}))
    configure(world, "op2", configured(values={"size": "6"}))
    configure(world, "op3", configured(to=1))
    assert (kv(world, "params/size"), kv(world, "generation")) == ("5", "3")
    assert [g.values["size"] for g in history(world.consul, "thing")] == ["5", "6", "5"]


def test_old_generations_are_forgotten_but_not_those_in_use(world: World) -> None:
    world.deploy("pinned")
    for number in range(KEPT + 4):
        configure(world, f"op{number + 1}", configured("pinned", values={"size": str(number)}))
    kept = [each.number for each in history(world.consul, "pinned")]
    assert kept == list(range(5, KEPT + 5))
    assert not world.consul.kv.list("config/pinned/generations/4/")


def test_an_unhealthy_instance_brings_the_version_before_back(world: World) -> None:
    world.deploy("thing")
    world.fleet.sick["thing"] = {1}
    kind, request = Configure(world.catalogue), configured(values={"size": "5"})
    engine = world.engine(kind, request, "op1")
    with pytest.raises(Permanent, match=r"is not healthy(.|\n)*version before is back"):
        engine.run("op1", world.context(request, "op1"))
    wish = world.wish("thing")
    assert (wish.generation, wish.job_version) == (0, 2)
    assert world.job("thing")["Version"] == 2
    assert "bob_generation" not in world.job("thing")["Meta"]
    assert newest(world.consul, "thing").number == 1  # until the operation is taken back
    kind.steps(request)[0].undo(world.context(request, "op1"), Deadline(10, world.clock))
    assert (kv(world, "params/size"), kv(world, "generation")) == (None, "2")


def test_an_instance_that_was_once_unhealthy_is_no_reason_to_take_anything_back(
    world: World,
) -> None:
    world.deploy("thing")
    configure(world, "op1", configured(values={"size": "5"}))
    world.fleet.sick["thing"] = {1}
    with pytest.raises(DeadlinePassed):
        world.deploy("thing", "op2")  # it waits for the instances, and changes nothing
    assert (world.wish("thing").generation, world.job("thing")["Version"]) == (1, 1)
    world.fleet.sick.clear()
    world.consul.kv.delete("bob/active/service/x")  # as if it had been aborted
    world.carry_out(Rollback(world.catalogue), Request("rollback", "thing"), "op3")
    assert world.wish("thing").generation == 0


def test_a_first_deployment_has_nothing_to_go_back_to(world: World) -> None:
    world.fleet.sick["pinned"] = {0}
    with pytest.raises(DeadlinePassed, match="pinned healthy"):
        world.deploy("pinned")
    assert world.wish("pinned").count == 1


def test_a_rolled_back_service_is_as_it_was_and_once_more_as_it_is(world: World) -> None:
    world.deploy("thing")
    definition = world.job("thing")["Definition"]
    configure(world, "op1", configured(values={"size": "5"}))
    newer = world.job("thing")["Definition"]
    back = Request("rollback", "thing")
    world.carry_out(Rollback(world.catalogue), back, "op2")
    assert world.job("thing")["Definition"] == definition
    assert world.wish("thing").generation == 0
    world.carry_out(Rollback(world.catalogue), back, "op3")
    assert world.job("thing")["Definition"] == newer
    assert world.wish("thing").generation == 1


def test_a_job_that_this_catalogue_no_longer_makes_comes_back_from_nomads_memory(
    world: World, tmp_path: Path
) -> None:
    world.deploy("pinned")
    older = world.job("pinned")["Definition"]
    text = (tmp_path / "pinned" / "job.nomad.hcl.j2").read_text()
    (tmp_path / "pinned" / "job.nomad.hcl.j2").write_text(text + "# newer\n")
    world.catalogue = type(world.catalogue)(tmp_path)
    world.deploy("pinned", "op1")
    assert "# newer" in world.job("pinned")["Definition"]
    world.carry_out(Rollback(world.catalogue), Request("rollback", "pinned"), "op2")
    assert world.job("pinned")["Definition"] == older


def test_a_restart_replaces_instances_and_keeps_an_older_job(world: World, tmp_path: Path) -> None:
    world.deploy("pinned")
    before, older = live(world, "pinned"), world.job("pinned")["Definition"]
    text = (tmp_path / "pinned" / "job.nomad.hcl.j2").read_text()
    (tmp_path / "pinned" / "job.nomad.hcl.j2").write_text(text + "# newer\n")
    world.catalogue = type(world.catalogue)(tmp_path)
    configure(world, "op1", configured("pinned", values={"size": "5"}))
    world.carry_out(Restart(world.catalogue), Request("restart", "pinned"), "op2")
    assert not before & live(world, "pinned")
    assert world.job("pinned")["Definition"] == older
    assert (world.wish("pinned").generation, world.wish("pinned").restarts) == (0, 1)


def test_what_never_changed_cannot_be_rolled_back(world: World) -> None:
    world.deploy("pinned")
    with pytest.raises(UsageError, match="no version before"):
        world.judge(Rollback(world.catalogue), Request("rollback", "pinned"))
    with pytest.raises(UsageError, match="thing is not deployed"):
        world.judge(Restart(world.catalogue), Request("restart", "thing"))


def test_secrets_are_made_up_once_shared_and_never_in_consul(world: World) -> None:
    world.deploy("thing")
    own = world.nomad.variables.get("nomad/jobs/thing")
    given = world.nomad.variables.get("nomad/jobs/base/base")
    assert own is not None
    assert given is not None
    password = own.items["password"]
    assert (len(password), given.items) == (32, {"thing": password})
    world.carry_out(Restart(world.catalogue), Request("restart", "thing"), "op2")
    assert world.nomad.variables.get("nomad/jobs/thing") == own
    assert not [e for e in world.consul.kv.list("") if password.encode() in e.value]
    assert password not in str(world.job("thing"))


def test_a_secret_that_is_set_reaches_its_copies_and_rolls(world: World) -> None:
    world.deploy("thing")
    before = live(world, "thing")
    service = world.catalogue.service("thing")
    set_secret(world.nomad.variables, service, "password", "geheim")
    configure(world, "op1", configured(secrets=["password"]))
    given = world.nomad.variables.get("nomad/jobs/base/base")
    assert given is not None
    assert given.items == {"thing": "geheim"}
    assert not before & live(world, "thing")
    assert reveal(world.nomad.variables, service, "password") == "geheim"
    assert known_secrets(world.nomad.variables, service) == {"password"}


def test_a_secret_that_only_an_operator_knows_is_asked_for(world: World) -> None:
    service = world.catalogue.service("thing")
    known = service.parameters["password"].model_copy(update={"generate": None})
    needy = service.model_copy(update={"parameters": {"password": known}})
    with pytest.raises(PreflightRefused, match="nobody has set: password"):
        provide(world.nomad.variables, world.consul, needy)
    with pytest.raises(UsageError, match="password of thing is not set"):
        reveal(world.nomad.variables, needy, "password")
    with pytest.raises(UsageError, match="no secret 'size'"):
        set_secret(world.nomad.variables, service, "size", "x")
