"""One configuration of a service, and what a change makes of it. Pure.

Each change makes a new generation, which is never changed again. So instances that were not yet
replaced keep their configuration, whatever happens to the roll-out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from bob.catalogue import Catalogue, Service, Settings, as_text, render
from bob.errors import Permanent, UsageError

LARGEST_TEXT = 64 * 1024  # bytes of a replaced template; the operation and its record hold it too
TRIAL_IMAGE = "trial:0"  # stands for an image while a template is tried


class Generation(BaseModel):
    """`values` (as text) and `texts` (templates by file) are what operators set; no defaults.

    `secrets` names those that were set anew with it. `at` is UTC, `by` who asked for it, and
    `operation` the id of the operation that made it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int = 0
    values: Mapping[str, str] = {}
    texts: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()
    at: str = ""
    by: str = ""
    operation: str = ""

    @property
    def settings(self) -> Settings:
        """As the rendering of the job takes it."""
        return Settings(self.number, dict(self.values), dict(self.texts))


@dataclass(frozen=True)
class Change:
    """New values as text and new templates; None: the default again. `secrets` were set already."""

    values: Mapping[str, str | None] = field(default_factory=dict)
    texts: Mapping[str, str | None] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def changed(
    catalogue: Catalogue, service: Service, before: Generation, change: Change
) -> Generation:
    """The configuration after a change, without its number. Raises `UsageError` with all faults."""
    faults = [*_wrong_values(service, change), *_wrong_texts(service, change)]
    values = _merged(before.values, _stored(service, change, faults))
    texts = _merged(before.texts, change.texts)
    made = Generation(values=values, texts=texts, secrets=tuple(sorted(change.secrets)))
    if not faults:
        faults += _not_rendered(catalogue, service, made)
    if faults:
        raise UsageError(
            f"{service.name} cannot be configured so; nothing was changed:\n  "
            + "\n  ".join(faults),
            cure=f"See what it takes: bob config get {service.name}",
        )
    return made


def same(one: Generation, other: Generation) -> bool:
    """They configure the same; a secret that was set anew is a difference."""
    return not other.secrets and (one.values, one.texts) == (other.values, other.texts)


def needs_restart(service: Service, one: Generation, other: Generation) -> bool:
    """Instances have to be replaced: more than live parameters differ."""
    if other.secrets or one.texts != other.texts:
        return True
    return any(
        name not in service.parameters or not service.parameters[name].live
        for name in {*one.values, *other.values}
        if one.values.get(name) != other.values.get(name)
    )


def difference(service: Service, one: Generation, other: Generation) -> tuple[str, ...]:
    """What differs, one line each; a value that nobody set is the default of the catalogue."""
    return tuple(_difference(service, one, other))


def _difference(service: Service, one: Generation, other: Generation) -> Iterator[str]:
    for name in sorted({*one.values, *other.values}):
        old, new = (_shown(service, name, g.values.get(name)) for g in (one, other))
        if old != new:
            yield f"{name}: {old} -> {new}"
    for file in sorted({*one.texts, *other.texts}):
        old_text, new_text = one.texts.get(file), other.texts.get(file)
        if old_text != new_text:
            words = "replaced" if new_text is not None else "as in the catalogue again"
            yield f"templates/{file}: {words}"
    for name in other.secrets:
        yield f"{name}: a new secret"


def _shown(service: Service, name: str, value: str | None) -> str:
    if value is not None:
        return value
    known = service.parameters.get(name)
    if known is None or known.default is None:
        return "(nothing)"
    return f"{as_text(known.default)} (default)"


def _wrong_values(service: Service, change: Change) -> Iterator[str]:
    for name in change.secrets:
        if name not in service.secrets:
            yield f"{name}: there is no such secret"
    for name, text in sorted(change.values.items()):
        known = service.parameters.get(name)
        if known is None:
            names = ", ".join(service.settings) or "none"
            yield f"{name}: there is no such parameter; there are: {names}"
        elif known.secret:
            yield f"{name}: is secret; set it with --secret {name}"
        elif text is not None:
            try:
                known.parse(text)
            except ValueError as error:
                yield f"{name}: {error}"


def _wrong_texts(service: Service, change: Change) -> Iterator[str]:
    for file, text in sorted(change.texts.items()):
        if file not in service.templates:
            names = ", ".join(service.templates) or "none"
            yield f"{file}: there is no such template; there are: {names}"
        elif text is not None and len(text.encode()) > LARGEST_TEXT:
            yield f"{file}: has {len(text.encode())} bytes, {LARGEST_TEXT} are possible"


def _stored(service: Service, change: Change, faults: list[str]) -> dict[str, str | None]:
    """The values in the one form that a type has: "TRUE" is "true"."""
    if faults:
        return {}
    return {
        name: None if text is None else as_text(service.parameters[name].parse(text))
        for name, text in change.values.items()
    }


def _merged(before: Mapping[str, str], change: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**before, **change}
    return {name: text for name, text in sorted(merged.items()) if text is not None}


def _not_rendered(catalogue: Catalogue, service: Service, made: Generation) -> list[str]:
    """A template that Bob cannot render would stop the roll-out only after it was stored."""
    image = TRIAL_IMAGE if service.driver == "docker" else None
    try:
        render(catalogue, service, image, made.settings)
    except Permanent as error:
        return [error.message]
    return []
