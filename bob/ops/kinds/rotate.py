"""`rotate`: new gossip keys, certificates or tokens, while everything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bob.errors import PreflightRefused, UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.rotation import certificates, gossip, tokens
from bob.ops.rotation.absence import ABSENT_NODES, absent
from bob.ops.servers.judge import sick
from bob.ops.step import Step
from bob.ops.view import ClusterView

CERTIFICATES = "certificates"
WHAT: Mapping[str, tuple[Step[OperationContext], ...]] = {
    "gossip": gossip.STEPS,
    CERTIFICATES: certificates.STEPS,
    "tokens": tokens.STEPS,
}


class Rotate(Kind):
    """The target says what is rotated; the whole cluster is worked on."""

    name = "rotate"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`: nobody may change servers meanwhile."""
        return ("cluster", "servers")

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        if request.target not in WHAT:
            raise UsageError(
                f"{request.target!r} cannot be rotated", cure=f"One of: {', '.join(WHAT)}."
            )
        if reason := sick(view):
            raise PreflightRefused(
                reason,
                cure="Agents are restarted: every server has to be sound first (bob status).",
            )

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """See `Kind.guards`."""
        if request.target != CERTIFICATES and (away := absent(view)):
            yield Guard(
                ABSENT_NODES,
                f"{', '.join(away)} not there: it would be locked out for good",
                "Bring it back, or remove it (bob remove-node).",
            )

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        """See `Kind.warnings`. Old certificates stay good: one lost host must not stop the rest."""
        if request.target == CERTIFICATES and (away := absent(view)):
            yield f"{', '.join(away)} not there: it keeps its certificates; rotate once more then"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return WHAT.get(request.target, ())


KIND = Rotate()
