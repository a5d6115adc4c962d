"""What a fault is: a frozen set of parameters that knows how to come into force and how to end.

A kind is one class in one file of `bob.sandbox.faults.kinds`. Its fields are the parameters, and
their `typer` annotations are the arguments of `bob sandbox fault KIND`.
"""

from __future__ import annotations

import abc
from collections.abc import Collection
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from bob.errors import UsageError
from bob.sandbox.layout import NETWORKS
from bob.sandbox.record import Sandbox


class Fault(BaseModel, abc.ABC):
    """One fault. All methods raise `BobError` when the machine refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    """First word of the id and name of the command."""

    @property
    @abc.abstractmethod
    def target(self) -> tuple[str, ...]:
        """What is broken: a host, a host and a network … Two faults of one kind and target are the
        same fault, and the newer one takes the place of the older."""

    @property
    def id(self) -> str:
        """Name of the fault in `faults.json` and on the command line, like `nic:n2:storage`."""
        return ":".join((self.kind, *self.target))

    @abc.abstractmethod
    def check(self, sandbox: Sandbox) -> None:
        """Raise `UsageError` when the target does not exist. Nothing has been done yet."""

    @abc.abstractmethod
    def apply(self, sandbox: Sandbox) -> None:
        """Bring the target into this state, from any state: also from a half-made attempt, and from
        another fault with the same id."""

    @abc.abstractmethod
    def undo(self, sandbox: Sandbox) -> None:
        """Bring the target back, wherever `apply` got to. A second call does nothing."""

    def dark_ports(self, sandbox: Sandbox) -> Collection[str]:
        """Ports of the switch that must be off, so that their hosts see no carrier."""
        return ()

    def over(self, sandbox: Sandbox) -> bool:
        """True when the fault has ended by itself (the host was reset, the process restarted)."""
        return False

    def arguments(self) -> dict[str, Any]:
        """The parameters as JSON types."""
        return self.model_dump(mode="json")


def check_network(network: str) -> None:
    """Raise `UsageError` unless the sandbox has a network of that name."""
    if network not in NETWORKS:
        raise UsageError(
            f"a sandbox has no network {network!r}", cure=f"Use one of {', '.join(NETWORKS)}."
        )
