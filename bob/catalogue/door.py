"""How users reach a service through a router, and the tags that tell the router so."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bob.catalogue.part import Name, Part


class Door(Part):
    """A port of a service's own at a router: for HTTP besides its path, else the only way."""

    by: Name
    """The router; one of `depends`."""
    port: Annotated[int, Field(strict=True, ge=1, le=65535)]
    mode: Literal["http", "tcp"] = "http"
    """`tcp`: anything that is not HTTP, like a database."""
    check: Annotated[str, Field(pattern="^/[^ ]*$")] | None = None
    """HTTP: the router itself asks for this path, besides looking whether the port is open."""

    @model_validator(mode="after")
    def _check_is_http(self) -> Door:
        if self.check is not None and self.mode != "http":
            raise ValueError("a path to check is for http")
        return self


def refuse_wrong_door(door: Door, routed_by: str | None, depends: tuple[str, ...]) -> None:
    """Raise `ValueError` when a door contradicts what else is said of the ways to a service."""
    if door.by not in depends:
        raise ValueError(f"door.by {door.by!r} must be one of depends")
    if door.mode == "tcp" and routed_by is not None:
        raise ValueError("what is not HTTP has no path: routed_by")
    if door.mode == "http" and routed_by != door.by:
        raise ValueError(f"a door for HTTP needs routed_by: {door.by}")


def tags_for(routed_by: str | None, door: Door | None) -> tuple[str, ...]:
    """The tags of the service in Consul: jobs/README.md says what each means."""
    if door is None:
        return (f"routed-by-{routed_by}",) if routed_by else ()
    said = {
        "port": str(door.port),
        "mode": "tcp" if door.mode == "tcp" else "",
        "check": door.check,
    }
    more = (f"{door.by}-{word}={value}" for word, value in said.items() if value)
    return (f"routed-by-{door.by}", *more)
