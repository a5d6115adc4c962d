"""What Bob adds to a job that the catalogue made: where it runs, and what its instances are of.

All that is added to the job's meta data makes Nomad replace the instances, one after another.
"""

from __future__ import annotations

from typing import Any

from bob.clients.nomad.jobs import Job
from bob.ops.services.wishes import Wanted

GENERATION, RESTARTS = "bob_generation", "bob_restarts"
NODE, ZONE = "${node.unique.name}", "${meta.zone}"
AFFINITY_WEIGHT = 50  # of 100; Nomad's own wish to spread instances is about as strong


def completed(job: Job, name: str, wanted: Wanted) -> Job:
    """The job as it is wished; instances are spread over the zones."""
    groups = job["TaskGroups"]
    main = main_group(job, name)
    changed = {**main, **_places(main, wanted)}
    meta = {**(job.get("Meta") or {}), **_meta(wanted)}
    return {
        **job,
        "Meta": meta or job.get("Meta"),
        "TaskGroups": [changed if group is main else group for group in groups],
    }


def main_group(job: Job, name: str) -> dict[str, Any]:
    """The group that is called like the service, or the first one."""
    groups: list[dict[str, Any]] = job["TaskGroups"]
    return next((group for group in groups if group["Name"] == name), groups[0])


def _meta(wanted: Wanted) -> dict[str, str]:
    numbers = {GENERATION: wanted.generation, RESTARTS: wanted.restarts}
    return {name: str(number) for name, number in numbers.items() if number}


def _places(group: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    spreads = [{"Attribute": ZONE, "Weight": 50, "SpreadTarget": None}]
    found: dict[str, Any] = {"Spreads": group.get("Spreads") or spreads}
    if wanted.nodes:
        allowed = {
            "LTarget": NODE, "RTarget": ",".join(wanted.nodes), "Operand": "set_contains_any",
        }  # fmt: skip
        found["Constraints"] = [*(group.get("Constraints") or ()), allowed]
    affinities = [
        {"LTarget": NODE, "RTarget": ",".join(nodes), "Operand": "set_contains_any",
         "Weight": weight}
        for nodes, weight in ((wanted.near, AFFINITY_WEIGHT), (wanted.far, -AFFINITY_WEIGHT))
        if nodes
    ]  # fmt: skip
    if affinities:
        found["Affinities"] = [*(group.get("Affinities") or ()), *affinities]
    return found
