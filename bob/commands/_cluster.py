"""How every command chooses the cluster it talks to."""

from __future__ import annotations

from typing import Annotated

import typer

ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", envvar="BOB_CLUSTER", metavar="NAME",
        help="The cluster; without it the one initialised last.",
    ),
]  # fmt: skip
