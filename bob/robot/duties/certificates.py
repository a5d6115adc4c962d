"""Certificates are replaced before they end, without anybody thinking of it."""

from __future__ import annotations

from collections.abc import Sequence

from bob.ops.kind import Request
from bob.ops.rotation.certificates import note_end
from bob.ops.view import ClusterView
from bob.provision.issuing import RENEW_BEFORE
from bob.robot.duty import Action, Do, Memory, Wish

INTERVAL = 3600.0
SCOPES = ("servers", "cluster")


class Certificates:
    """Rotates all when the first one is within `RENEW_BEFORE` (30 days) of its end."""

    name = "certificates"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        if view.certificates_until is None:
            return (Do("note until when the certificates are good", note_end),)
        left = view.certificates_until - view.now
        if left > RENEW_BEFORE.total_seconds() or any(scope in view.held for scope in SCOPES):
            return ()
        return (
            Wish(
                Request("rotate", "certificates"), f"a certificate ends in {left / 86400:.0f} days"
            ),
        )


DUTY = Certificates()
