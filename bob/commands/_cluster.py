"""How every command chooses the cluster it talks to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bob.context import Context

ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", envvar="BOB_CLUSTER", metavar="NAME",
        help="The cluster; without it the one initialised last.",
    ),
]  # fmt: skip


def load_context(cluster: str | None) -> Context:
    """The cluster as this machine knows it, brought up to date first. Raises `UsageError`."""
    from bob.context import Context
    from bob.ops.known import refresh

    return refresh(Context.load(cluster))
