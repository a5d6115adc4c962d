"""What a kind of operation is. Each lives in a file of its own in `kinds` and is found there."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from bob.errors import GuardRefused, UsageError

if TYPE_CHECKING:
    from bob.ops.context import OperationContext
    from bob.ops.step import Step
    from bob.ops.view import ClusterView


@dataclass(frozen=True)
class Request:
    """What was asked for. `params` holds JSON values and nothing secret."""

    kind: str
    target: str
    params: Mapping[str, Any] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """Something that would be at risk; the operator passes it by naming it."""

    name: str
    reason: str
    cure: str = ""


class Kind(ABC):
    """One kind of operation: what it holds, when it is refused, and its steps.

    `check`, `guards` and `warnings` are pure: they judge a snapshot. The command line asks them
    before the wish is recorded, the leader once more before the first step.
    """

    name: ClassVar[str]

    @abstractmethod
    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """What nobody else may work on meanwhile; the most telling one first."""

    def check(self, request: Request, view: ClusterView) -> None:  # noqa: B027 - many need nothing
        """Raise a `BobError` when the request makes no sense in this cluster."""

    def done(self, request: Request, view: ClusterView) -> str:
        """Why there is nothing to do ("n4 is a server already"), or "" when there is."""
        return ""

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """What would be at risk."""
        return ()

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        """What the operator should know, and which stops nothing."""
        return ()

    @abstractmethod
    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """What is done, in order. The same request gives the same names."""


def refuse_guarded(guards: Iterable[Guard], accepted: Collection[str]) -> None:
    """Raise `GuardRefused` with every guard that was not passed by its name."""
    standing = [guard for guard in guards if guard.name not in accepted]
    if standing:
        names = " ".join(f"--accept {guard.name}" for guard in standing)
        cures = " ".join(guard.cure for guard in standing if guard.cure)
        raise GuardRefused(
            "; ".join(guard.reason for guard in standing),
            cure=f"{cures} To do it all the same, add: {names}".strip(),
        )


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name: each module of `bob.ops.kinds` offers one as `KIND`."""
    import bob.ops.kinds

    found = {}
    for module in pkgutil.iter_modules(bob.ops.kinds.__path__):
        if not module.name.startswith("_"):
            kind: Kind = importlib.import_module(f"bob.ops.kinds.{module.name}").KIND
            found[kind.name] = kind
    return found


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises `UsageError`: a newer Bob may have recorded it."""
    if name not in kinds():
        raise UsageError(
            f"this version of bob knows no operation {name!r}",
            cure=f"Known: {', '.join(sorted(kinds()))}. Upgrade bob on every node alike.",
        )
    return kinds()[name]
