"""What is wanted of each service, as kept in `bob/services/<name>`. Only the robot writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from bob.clients.consul import Consul
from bob.ops.cluster_records import ClusterRecords
from bob.ops.sense import SERVICES


class Wanted(BaseModel):
    """The wish itself.

    `count`: instances, each on a node of its own. `image`: "name:tag" on the hosts, or None.
    `definition`: digest of the job's definition that was rolled out, so that a Bob with another
    catalogue replaces nothing by itself. `scaled`: an operator settled the count, which then does
    not follow the size of the cluster. `generation`: the configuration that the instances run with.
    `restarts`: raised to replace every instance. `nodes`: the only nodes that may hold one; empty:
    any. `near` and `far`: nodes that are sought and avoided.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    count: int
    image: str | None = None
    definition: str = ""
    scaled: bool = False
    generation: int = 0
    restarts: int = 0
    nodes: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    far: tuple[str, ...] = ()


class ServiceWish(Wanted):
    """The wish with its history.

    `job_version`: Nomad's version of the job when it was last known to be as wished. `operation`:
    the id of the operation that wished it, `before` what was wished before that, or None, and
    `before_version` the version of the job then.
    """

    job_version: int | None = None
    operation: str = ""
    before: Wanted | None = None
    before_version: int | None = None

    @property
    def wanted(self) -> Wanted:
        """The wish without its history."""
        return Wanted(**{name: getattr(self, name) for name in Wanted.model_fields})

    def becomes(self, wanted: Wanted, operation: str) -> ServiceWish:
        """What an operation makes of it; the same operation may do so again."""
        again = self.operation == operation
        return ServiceWish(
            **wanted.model_dump(),
            job_version=self.job_version,
            operation=operation,
            before=self.before if again else self.wanted,
            before_version=self.before_version if again else self.job_version,
        )


def parse_wish(document: Mapping[str, Any]) -> ServiceWish:
    """A wish from its JSON document."""
    return ServiceWish.model_validate(document)


def read_wish(consul: Consul, name: str) -> ServiceWish | None:
    """What is wished of a service, or None when nothing is."""
    entry = consul.kv.get(SERVICES + name)
    return parse_wish(entry.json()) if entry else None


def write_wish(records: ClusterRecords, name: str, wish: ServiceWish | None) -> None:
    """Wish this of a service from now on, or nothing."""
    records.put(SERVICES + name, wish.model_dump_json(indent=2) if wish else None)


def remember_version(
    consul: Consul, records: ClusterRecords, name: str, version: int | None
) -> None:
    """Keep Nomad's version of the job, so that a change by somebody else is seen."""
    if wish := read_wish(consul, name):
        write_wish(records, name, wish.model_copy(update={"job_version": version}))
