"""`tune`: settings follow the size of the cluster. Wished by the robot when nodes came or went."""

from __future__ import annotations

from bob.errors import PreflightRefused
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.servers import judge
from bob.ops.step import Step
from bob.ops.tuning.steps import NoteSettings, RestartServers, WriteSettings
from bob.ops.view import ClusterView


class Tune(Kind):
    """The target is the cluster; the parameter `settings` is what shall be in force.

    It holds nothing that anybody else needs: when it fails, lost servers are replaced all the same.
    """

    name = "tune"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return ("tuning",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        for name in view.servers:
            if lack := judge.lacks(view, name):
                raise PreflightRefused(lack, cure="Servers restart only when all are sound.")

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        same = view.tuning == request.params.get("settings")
        return "these settings are in force" if same else ""

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (
            WriteSettings(request.target), RestartServers(),
            NoteSettings(request.target),
        )  # fmt: skip


KIND = Tune()
