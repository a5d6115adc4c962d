"""`settings`: the cluster takes over settings of its operator's inventory, like how many servers.

What follows from them the robot does by itself: it promotes, demotes and replaces servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bob.errors import UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import ClusterView
from bob.waiting import Deadline
from inventory import Cluster

NAME = "settings"
FIELDS = ("servers", "five_servers_from", "server_grace", "single_server", "registry")


def settings_of(cluster: Cluster) -> dict[str, Any]:
    """The settings of an inventory as JSON values."""
    return cluster.model_dump(mode="json", include=set(FIELDS))


def with_settings(cluster: Cluster, settings: Mapping[str, Any]) -> Cluster:
    """The inventory with other settings. Raises `UsageError`."""
    if unknown := sorted(set(settings) - set(FIELDS)):
        raise UsageError(f"no settings: {', '.join(unknown)}", cure=f"Known: {', '.join(FIELDS)}.")
    try:
        judged = Cluster.model_validate({**cluster.model_dump(mode="json"), **settings})
    except ValidationError as error:
        wrong = ", ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise UsageError(f"these settings cannot be used: {wrong}") from None
    changed = cluster.model_copy(update={name: getattr(judged, name) for name in FIELDS})
    if changed.servers and changed.servers > len(changed.nodes):
        raise UsageError(
            f"{changed.servers} servers need as many nodes, there are {len(changed.nodes)}",
            cure="Add nodes first.",
        )
    if changed.servers == 1 and changed.single_server is None:
        raise UsageError(
            "one server is no redundancy", cure="Say so: single_server: accept-no-redundancy"
        )
    return changed


class TakeOver(Step[OperationContext]):
    """Only what was asked for is changed: nodes may come and go meanwhile."""

    name = "take-over"
    title = "Write the settings into the cluster's own inventory"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        known = context.records.cluster()
        if with_settings(known, context.request.params) == known:
            return DONE
        return needed("the cluster has other settings")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        wanted = context.request.params
        context.records.change_cluster(lambda known: with_settings(known, wanted))


class Settings(Kind):
    """The target is the name of the cluster, the parameters are those of `FIELDS` that change."""

    name = NAME

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return ("cluster",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        if request.target != view.cluster.name:
            raise UsageError(f"this cluster is {view.cluster.name}, not {request.target}")
        with_settings(view.cluster, request.params)

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        same = with_settings(view.cluster, request.params) == view.cluster
        return f"{view.cluster.name} has these settings already" if same else ""

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (TakeOver(),)


KIND = Settings()
