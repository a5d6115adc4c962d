"""A catalogue of any number of small services, for fleets in memory."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from bob.catalogue import Catalogue
from bob.ops.kind import kinds
from bob.ops.kinds.deploy import Deploy
from bob.ops.kinds.maintain import Maintain
from bob.ops.kinds.scale import Scale
from bob.ops.kinds.undeploy import Undeploy

SERVICE = """\
title: A service of a test
driver: raw_exec
count: {count}
ports: {{http: dynamic}}
check: {{port: http, path: /}}
"""
JOB = """\
job "[[ service.name ]]" {
  group "[[ service.name ]]" {
    count = [[ service.count ]]
    task "main" {
      driver = "raw_exec"
    }
  }
}
"""


def names(count: int) -> tuple[str, ...]:
    return tuple(f"s{number}" for number in range(count))


def many_services(folder: Path, count: int, instances: int = 1) -> Catalogue:
    """Write them below `folder`. Operations get to see them by `use`."""
    service = SERVICE.format(count=instances)
    for name in names(count):
        (folder / name).mkdir()
        (folder / name / "service.yaml").write_text(service)
        (folder / name / "job.nomad.hcl.j2").write_text(JOB)
    return Catalogue(folder)


def use(catalogue: Catalogue) -> None:
    """Let the kinds of operations of this process know these services instead of Bob's own."""
    known = kinds()
    for name in ("configure", "deploy", "maintain", "restart", "rollback", "scale", "undeploy"):
        cast(Deploy | Maintain | Scale | Undeploy, known[name]).catalogue = catalogue
