"""What `service.yaml` says. The name of a service is the name of its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Port = Literal["dynamic"] | Annotated[int, Field(strict=True, ge=1, le=65535)]
PYTHON_TYPES = {"text": str, "integer": int, "boolean": bool}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Package(_Part):
    """A Debian package that a host needs before it can run the service."""

    program: str
    """The program that the service uses; a host that has it needs no package."""
    name: str
    """The package to install on a host without the program."""
    disable: str | None = None
    """A systemd unit that the package starts, and that would be in the way of the service."""


class Check(_Part):
    """An HTTP check: healthy is what answers a GET of `path` with 2xx."""

    port: str
    path: Annotated[str, Field(pattern="^/")]


class Parameter(_Part):
    """A setting that lives in Consul KV, at `config/<service>/params/<name>`."""

    type: Literal["text", "integer", "boolean"]
    default: str | int | bool

    @model_validator(mode="after")
    def _default_has_the_type(self) -> Parameter:
        if type(self.default) is not PYTHON_TYPES[self.type]:
            raise ValueError(f"the default {self.default!r} is not of the type {self.type}")
        return self


class Service(_Part):
    """A service of the catalogue."""

    name: Name
    title: str
    driver: Literal["docker", "raw_exec"]
    count: Annotated[int, Field(strict=True, ge=1)]
    """Instances, each on a host of its own, unless the operator scales the service."""
    minimum: Annotated[int, Field(strict=True, ge=1)] = 1
    """Fewer instances than this do not work together."""
    depends: tuple[Name, ...] = ()
    """Services that are deployed first."""
    routed_by: Name | None = None
    """The service that leads HTTP requests for `/<name>/` here; one of `depends`."""
    packages: tuple[Package, ...] = ()
    image: Name | None = None
    """Name of the image that is made from the folder `image`; its tag comes from its content."""
    ports: Mapping[str, Port]
    """Ports by label: a number, or `dynamic` for one that Nomad chooses."""
    check: Check
    parameters: Mapping[str, Parameter] = {}

    @model_validator(mode="after")
    def _parts_fit(self) -> Service:
        if self.check.port not in self.ports:
            raise ValueError(f"check.port {self.check.port!r} is not one of the ports")
        if self.routed_by is not None and self.routed_by not in self.depends:
            raise ValueError(f"routed_by {self.routed_by!r} must be one of depends")
        if self.minimum > self.count:
            raise ValueError(f"minimum {self.minimum} is above count {self.count}")
        if (self.image is None) == (self.driver == "docker"):
            raise ValueError("an image is needed by the driver docker, and only by it")
        return self
