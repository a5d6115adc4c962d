"""A world of services whose catalogue uses all of the format."""

from __future__ import annotations

from pathlib import Path

from service_world import World

from bob.catalogue import Catalogue

JOB = """\
job "[[ service.name ]]" {
  group "[[ service.name ]]" {
    count = [[ service.count ]]
    task "[[ service.name ]]" {
      driver = "[[ service.driver ]]"
      template { data = [[ template("thing.conf") | hcl ]] }
    }
  }
}
"""
BARE = JOB.replace('      template { data = [[ template("thing.conf") | hcl ]] }\n', "")
BASE = """\
title: Keeps data
driver: raw_exec
count: 2
stays: true
parameters:
  root: {type: text, secret: true, generate: password}
"""
THING = """\
title: Uses it
driver: raw_exec
count: {by_size: {'1': 1, '3': 2, '4': 3}}
depends: [base]
anti_affinity: [base]
parameters:
  size: {type: integer, default: 3, minimum: 1, maximum: 9}
  greeting: {type: text, default: hi, live: true}
  password: {type: text, secret: true, generate: password, shared_with: {base: thing}}
templates: [thing.conf]
"""
PINNED = """\
title: Does not follow
driver: raw_exec
count: 1
config_update: pinned
parameters:
  size: {type: integer, default: 3}
"""
EACH = "title: Everywhere\ndriver: raw_exec\ncount: {per_node: 1}\n"
BESIDE = "title: Beside its data\ndriver: raw_exec\ncount: 1\ndepends: [base]\ncolocation: [base]\n"


def catalogue(folder: Path) -> Catalogue:
    for name, text, job in (
        ("base", BASE, BARE), ("thing", THING, JOB), ("pinned", PINNED, BARE),
        ("each", EACH, BARE), ("beside", BESIDE, BARE),
    ):  # fmt: skip
        (folder / name / "templates").mkdir(parents=True)
        (folder / name / "service.yaml").write_text(text)
        (folder / name / "job.nomad.hcl.j2").write_text(job)
    conf = 'size = [[ parameter("size") ]] password = [[ secret("password") ]]\n'
    (folder / "thing" / "templates" / "thing.conf").write_text(conf)
    return Catalogue(folder)


def world(folder: Path) -> World:
    made = World()
    made.catalogue = catalogue(folder)
    made.catalogue.check()
    return made
