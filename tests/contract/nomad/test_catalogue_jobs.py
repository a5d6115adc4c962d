"""Every job of the catalogue is one that the real Nomad takes; what Bob adds to it, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bob.catalogue import Catalogue, Service, Settings
from bob.catalogue.added import with_folder
from bob.clients.nomad import Nomad
from bob.ops.deploy.changes import unplaced
from bob.ops.services.jobs import definition, draft, register, register_as_planned
from bob.ops.services.wishes import Wanted

EXAMPLES = Path(__file__).parents[3] / "examples" / "catalogue"
CATALOGUE = with_folder(Catalogue(), EXAMPLES)
IMAGE = "registry.invalid:5000/bob/thing@sha256:" + "0" * 64
THING = """\
title: A thing
driver: raw_exec
count: 1
parameters:
  size: {type: integer, default: 1}
"""
JOB = """\
job "[[ service.name ]]" {
  datacenters = ["*"]
  group "[[ service.name ]]" {
    count = [[ service.count ]]
    update {
      min_healthy_time  = "0s"
      progress_deadline = "24h"
    }
    task "[[ service.name ]]" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["60[[ value("size") ]]"]
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
"""


def wanted(service: Service, **changes: object) -> Wanted:
    image = IMAGE if service.driver == "docker" else None
    return Wanted(count=1, image=image).model_copy(update=changes)


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_the_job_of_a_service_is_parsed_and_planned(real_nomad: Nomad, name: str) -> None:
    service = CATALOGUE.service(name)
    wish = wanted(service, nodes=("host11",), near=("host11",), far=("n2",), generation=1)
    made = draft(real_nomad, CATALOGUE, name, wish, settings=Settings(1))
    group = next(g for g in made.job["TaskGroups"] if g["Name"] == name)
    assert (made.plan.diff_type, made.plan.warnings, group["Count"]) == ("Added", "", 1)
    assert made.job["Meta"]["bob_generation"] == "1"
    for task in group["Tasks"]:
        texts = [template["EmbeddedTmpl"] for template in task["Templates"] or ()]
        reads = any(word in text for text in texts for word in ("key", "service", "node "))
        assert task["Consul"] is not None or not reads, task["Name"]
        for template in task["Templates"] or ():
            assert "nomadVar" not in template["EmbeddedTmpl"] or template["DestPath"].startswith(
                "secrets/"
            ), f"{task['Name']} writes a secret to a disk: {template['DestPath']}"


@pytest.fixture
def thing(real_nomad: Nomad, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "thing").mkdir()
    (folder / "thing" / "service.yaml").write_text(THING)
    (folder / "thing" / "job.nomad.hcl.j2").write_text(JOB)
    yield Catalogue(folder)
    if real_nomad.jobs.get("thing"):
        real_nomad.jobs.deregister("thing", purge=True)


def plan(nomad: Nomad, catalogue: Catalogue, settings: Settings, **changes: object) -> Wanted:
    wish = wanted(catalogue.service("thing"), **changes)
    register(nomad, draft(nomad, catalogue, "thing", wish, settings=settings))
    return wish


def test_a_registered_job_is_planned_as_unchanged(real_nomad: Nomad, thing: Catalogue) -> None:
    settings = Settings(1, {"size": "2"})
    digest = definition(thing, "thing", None)
    wish = plan(
        real_nomad, thing, settings, nodes=("host11",), near=("host11",), generation=1,
        definition=digest,
    )  # fmt: skip
    again = draft(real_nomad, thing, "thing", wish, settings=settings)
    assert not again.plan.changes, str(again.plan.diff)


@pytest.mark.parametrize("change", [{"generation": 2}, {"restarts": 1}])
def test_a_new_generation_and_a_restart_replace_every_instance(
    real_nomad: Nomad, thing: Catalogue, change: dict[str, int]
) -> None:
    digest = definition(thing, "thing", None)
    plan(real_nomad, thing, Settings(1), generation=1, definition=digest)
    wish = wanted(thing.service("thing"), generation=1, definition=digest).model_copy(update=change)
    made = draft(real_nomad, thing, "thing", wish, settings=Settings(wish.generation))
    assert made.plan.updates["thing"]["DestructiveUpdate"] == 1


def test_a_node_that_is_not_there_is_told_as_the_constraint_that_forbids(
    real_nomad: Nomad, thing: Catalogue
) -> None:
    wish = wanted(thing.service("thing"), nodes=("nowhere",))
    made = draft(real_nomad, thing, "thing", wish)
    assert "${node.unique.name} set_contains_any nowhere" in unplaced(made.plan)[0]


def test_an_earlier_version_comes_back_from_nomads_memory(
    real_nomad: Nomad, thing: Catalogue
) -> None:
    digest = definition(thing, "thing", None)
    plan(real_nomad, thing, Settings(1, {"size": "1"}), generation=1, definition=digest)
    plan(real_nomad, thing, Settings(2, {"size": "2"}), generation=2, definition=digest)
    versions = real_nomad.jobs.versions("thing")
    assert [job["Version"] for job in versions] == [1, 0]
    assert register_as_planned(real_nomad, versions[1]) == 2
    found = real_nomad.jobs.get("thing")
    assert found is not None
    assert found["TaskGroups"][0]["Tasks"][0]["Config"]["args"] == ["601"]
    assert real_nomad.jobs.versions("nix") == ()
