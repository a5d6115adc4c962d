"""`add-node`: a bare host becomes a ready member, or one that was installed anew comes back."""

from __future__ import annotations

from bob.ops.context import OperationContext
from bob.ops.joining import candidate
from bob.ops.joining.enlist import Claim, Enlist, Look
from bob.ops.joining.furnish import Configuration, Names, Programs, Rights
from bob.ops.joining.settle import Agent, Consul, Farewell, Member, Nomad
from bob.ops.joining.site import Site
from bob.ops.joining.wanted import Wanted
from bob.ops.kind import Kind, Request
from bob.ops.step import Step
from bob.ops.view import ClusterView

NAME = "add-node"


class AddNode(Kind):
    """The target is the node's name; the parameters are those of `Wanted`."""

    name = NAME

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`. Several nodes may join side by side."""
        return (f"node/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        candidate.refuse(view, Wanted.of(request))

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        return candidate.member_reason(view, Wanted.of(request).node)

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        site = Site(Wanted.of(request))
        return (
            Look(site),
            Enlist(site),
            Claim(site),
            Programs(site),
            Rights(site),
            Configuration(site),
            Consul(site),
            Nomad(site),
            Names(site),
            Agent(site),
            Farewell(site),
            Member(site),
        )


KIND = AddNode()
