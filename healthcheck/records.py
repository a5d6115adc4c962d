"""The names of the checks, and what the daemons write into Consul's KV for `bob doctor`.

health/nodes/<node>   what a node says of itself
health/cluster        what the node that watches the cluster says
health/leader         which node that is: a lock
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bob.daemon.check import STOPPED
from healthcheck.findings import Finding

SCHEMA = "bob/health/1"
NODECHECK, CLUSTERCHECK = "nodecheck", "clustercheck"
EXPIRED = "TTL expired"  # how Consul begins the output of a check that was not heard in time
HEALTH = "health/"
NODES = f"{HEALTH}nodes/"
CLUSTER = f"{HEALTH}cluster"
LEADER = f"{HEALTH}leader"


def silent(output: str) -> bool:
    """The daemon behind a check with this output runs no more: what it said before is old."""
    return output.startswith(EXPIRED) or output == STOPPED


@dataclass(frozen=True, slots=True)
class Record:
    """Who found what. `speaks`: it counts; before that the host has only just started."""

    node: str
    speaks: bool
    findings: tuple[Finding, ...]


def dump(record: Record) -> bytes:
    """As it is stored; the same record gives the same bytes."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "node": record.node,
            "speaks": record.speaks,
            "findings": [finding.as_json() for finding in record.findings],
        },
        indent=1,
    ).encode()


def parse(content: bytes) -> Record | None:
    """What `dump` made; None for anything else, like the record of a newer Bob."""
    try:
        body = json.loads(content)
        if body["schema"] != SCHEMA:
            return None
        findings: Sequence[Finding] = [Finding.from_json(one) for one in body["findings"]]
        return Record(str(body["node"]), bool(body["speaks"]), tuple(findings))
    except (ValueError, KeyError, TypeError):
        return None
