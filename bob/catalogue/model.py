"""What `service.yaml` says. The name of a service is the name of its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bob.catalogue.counting import Count, Positive
from bob.catalogue.door import Door, refuse_wrong_door, tags_for
from bob.catalogue.parameters import ItemName, Parameter
from bob.catalogue.part import Name, Part

Port = Literal["dynamic"] | Annotated[int, Field(strict=True, ge=1, le=65535)]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
FileName = Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9_.-]{0,62}$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Package(Part):
    """A Debian package that a host needs before it can run the service."""

    program: str
    """The program that the service uses; a host that has it needs no package."""
    name: str
    """The package to install on a host without the program."""
    disable: str | None = None
    """A systemd unit that the package starts, and that would be in the way of the service."""


class Check(Part):
    """How Consul finds out whether an instance serves.

    With `path`: healthy is what answers a GET of it with 2xx. With `command`: the command, run in
    the task, ends with 0. Otherwise: the port takes connections.
    """

    port: str | None = None
    path: Annotated[str, Field(pattern="^/")] | None = None
    command: tuple[str, ...] = ()
    task: Name | None = None
    """The task that the command runs in; without it the one called like the service."""
    interval: Seconds = 1
    timeout: Seconds = 1

    @property
    def kind(self) -> Literal["http", "script", "tcp"]:
        """Nomad's word for it."""
        return "http" if self.path else "script" if self.command else "tcp"

    @model_validator(mode="after")
    def _is_one_kind(self) -> Check:
        if self.command and self.path:
            raise ValueError("has a path or a command, not both")
        if not self.command and self.port is None:
            raise ValueError("names no port")
        return self


class Update(Part):
    """How a new version replaces the instances of the old one."""

    order: Literal["rolling", "canary"] = "rolling"
    """`canary`: one new instance beside the old ones first, which then has to be healthy."""
    parallel: Positive = 1
    """How many are replaced at a time."""
    healthy_after: Seconds = 1
    """So long the checks of a new instance have to pass before the next is replaced."""
    deadline: Seconds = 60
    """An instance that is not healthy by then has failed."""
    revert: bool = True
    """When a new instance fails, the version before comes back by itself."""


class Service(Part):
    """A service of the catalogue."""

    name: Name
    title: str
    driver: Literal["docker", "exec", "raw_exec", "qemu"]
    count: Count
    """Instances, each on a host of its own, unless the operator scales the service."""
    minimum: Positive = 1
    """Fewer instances than this do not work together."""
    depends: tuple[Name, ...] = ()
    """Services that are deployed first."""
    routed_by: Name | None = None
    """The service that leads HTTP requests for `/<name>/` here; one of `depends`."""
    door: Door | None = None
    """A port of its own at the router; the only way to what is not HTTP."""
    stays: bool = False
    """Its data is on the nodes where it was first deployed, so it runs nowhere else."""
    colocation: tuple[Name, ...] = ()
    """It runs only on nodes that run each of these; they are among `depends`."""
    affinity: tuple[Name, ...] = ()
    """It rather runs on nodes that run these."""
    anti_affinity: tuple[Name, ...] = ()
    """It rather runs on nodes that do not run these."""
    packages: tuple[Package, ...] = ()
    image: Name | None = None
    """Name of the image that is made from the folder `image`; its tag comes from its content."""
    pull: Name | None = None
    """Name of the image that hosts pull from the registry."""
    ports: Mapping[Label, Port] = {}
    """Ports by label (part of names in the task's environment): a number, or `dynamic` for one that
    Nomad chooses."""
    check: Check | None = None
    checks: tuple[Check, ...] = ()
    """More than one check; each has to pass."""
    update: Update = Update()
    config_update: Literal["auto", "pinned"] = "auto"
    """`auto`: a new configuration is rolled out. `pinned`: at the next restart or deployment."""
    parameters: Mapping[ItemName, Parameter] = {}
    templates: tuple[FileName, ...] = ()
    """Configuration files in the folder `templates` that an operator may replace."""
    consul_rules: str = ""
    """Rights in Consul (HCL) beyond reading, for a token in the secret `consul_token`."""

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """Every check."""
        return ((self.check,) if self.check else ()) + self.checks

    @property
    def tags(self) -> tuple[str, ...]:
        """How routers find it in the catalog of Consul."""
        return tags_for(self.routed_by, self.door)

    @property
    def secrets(self) -> Mapping[str, Parameter]:
        """The secret parameters."""
        return {name: found for name, found in self.parameters.items() if found.secret}

    @property
    def settings(self) -> Mapping[str, Parameter]:
        """The parameters that are not secret."""
        return {name: found for name, found in self.parameters.items() if not found.secret}

    @model_validator(mode="after")
    def _parts_fit(self) -> Service:
        for check in self.all_checks:
            if check.port is not None and check.port not in self.ports:
                raise ValueError(f"check.port {check.port!r} is not one of the ports")
        if self.ports and not self.all_checks:
            raise ValueError("has ports and no check: say how to find out whether it serves")
        if self.routed_by is not None and self.routed_by not in self.depends:
            raise ValueError(f"routed_by {self.routed_by!r} must be one of depends")
        if (self.routed_by or self.door) and not self.ports:
            raise ValueError("routed_by and door need a port")
        if self.door is not None:
            refuse_wrong_door(self.door, self.routed_by, self.depends)
        if isinstance(self.count, int) and self.minimum > self.count:
            raise ValueError(f"minimum {self.minimum} is above count {self.count}")
        if [self.image, self.pull].count(None) != (1 if self.driver == "docker" else 2):
            raise ValueError("an image is needed by the driver docker, and only by it: image, pull")
        self._refuse_contradictions()
        return self

    def _refuse_contradictions(self) -> None:
        if missing := sorted(set(self.colocation) - set(self.depends)):
            raise ValueError(f"colocation {', '.join(missing)} must be among depends")
        if both := sorted({*self.colocation, *self.affinity} & {*self.anti_affinity}):
            raise ValueError(f"{', '.join(both)} cannot be sought and avoided")
        if self.update.order == "canary":
            numbers = sorted(str(port) for port in self.ports.values() if port != "dynamic")
            if numbers:
                raise ValueError(f"a canary cannot share port {', '.join(numbers)} with the old")
            if self.stays:
                raise ValueError("a canary cannot share the data of the old instance")
        if bool(self.consul_rules) != ("consul_token" in self.secrets):
            raise ValueError("consul_rules and the secret consul_token go together")
