"""Is a service deployed? Pure."""

from __future__ import annotations

from bob.catalogue import Catalogue
from bob.errors import UsageError
from bob.ops.view import ClusterView


def refuse_unknown(catalogue: Catalogue, view: ClusterView, name: str) -> None:
    """Raise `UsageError` for a service that is not deployed, or that nobody knows."""
    if name in view.services:
        return
    if name in catalogue.names():
        raise UsageError(f"{name} is not deployed", cure=f"Deploy it first: bob deploy {name}")
    known = ", ".join(sorted(view.services)) or "none"
    raise UsageError(f"there is no service {name!r}", cure=f"Deployed are: {known}.")
