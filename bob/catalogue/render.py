"""From a service to the text of its Nomad job.

The library behind it is loaded at the first text: an idle bob-agent has no use for it.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bob.catalogue import words
from bob.catalogue.catalogue import Catalogue
from bob.catalogue.model import Service
from bob.errors import BobError, Permanent

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "job.nomad.hcl.j2"
TEMPLATES = "templates"  # folder of the configuration files
SHARED = "shared/"
OF = "//"  # between a service and its file in the name of a template; no name of a file has it
KEPT = 16  # catalogues whose compiled templates are kept: each kind of operation has its own


@dataclass(frozen=True)
class Settings:
    """The configuration of a service: number, set parameters as text, and replaced templates.

    `nodes` are the nodes that a service stays on, in an order that does not change.
    """

    generation: int = 0
    values: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()


DEFAULTS = Settings()


def render(
    catalogue: Catalogue,
    service: Service,
    image: str | None = None,
    settings: Settings = DEFAULTS,
) -> str:
    """The job in HCL; `image` is "name:tag" for a service that has one.

    A template sees `service`, `image`, `file(name)` (a file beside it), `template(name)` (a
    configuration file, rendered like the job), `parameter(name)` and `secret(name)` (what Nomad's
    template block makes the value of), `value(name)` (the value itself, for the job), `given` (the
    path of what other services share with this one), `shared(name)` (a file for all services),
    `nodes`, and the filter `hcl`. Raises `Permanent` that names file and line.
    """
    environment = _environment(catalogue)

    def template(name: str) -> str:
        if name not in service.templates:
            raise Permanent(f"there is no template {name!r}")
        text = settings.texts.get(name)
        if text is None:
            return _render(environment, catalogue, service, f"{TEMPLATES}/{name}", context)
        own = f"{service.name}{OF}{TEMPLATES}/{name}"
        where = f"config/{service.name}/templates/{name}"
        return render_text(environment, text, own, where, context)

    context: dict[str, Any] = {
        "service": service,
        "image": image,
        "file": lambda name: catalogue.text(service.name, name),
        "template": template,
        "parameter": lambda name: words.parameter(service, name, settings.generation),
        "secret": lambda name: words.secret(service, name),
        "value": lambda name: words.value(service, name, settings.values),
        "given": words.given(service.name),
        "shared": catalogue.shared,
        "nodes": settings.nodes,
    }
    return _render(environment, catalogue, service, TEMPLATE, context)


def render_text(
    environment: Environment, text: str, name: str, where: str, context: dict[str, Any]
) -> str:
    """A text in the place of the template `name`, called `where` in messages."""
    try:
        code = environment.compile(text, name, where)
        made = environment.template_class.from_code(environment, code, environment.make_globals({}))
        return made.render(context)
    except _faults() as error:
        raise _told(error, where) from error


def _render(
    environment: Environment,
    catalogue: Catalogue,
    service: Service,
    file: str,
    context: dict[str, Any],
) -> str:
    try:
        return environment.get_template(f"{service.name}{OF}{file}").render(context)
    except _faults() as error:
        raise _told(error, str(catalogue.where(service.name, file))) from error


def _faults() -> tuple[type[Exception], ...]:
    """What a template may end with: it is written by people, and can compute."""
    from jinja2 import TemplateError

    return (
        TemplateError, BobError, ArithmeticError, AttributeError, LookupError, RecursionError,
        TypeError, ValueError,
    )  # fmt: skip


def _told(error: Exception, where: str) -> Permanent:
    """The error with file and line, unless it carries them already."""
    if isinstance(error, _Told):
        return error
    if line := getattr(error, "lineno", None):
        return _Told(f"{getattr(error, 'filename', None) or where}:{line}: {error}")
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == where:
            return _Told(f"{where}:{frame.lineno}: {error}")
    return _Told(f"{where}: {error}")


class _Told(Permanent):
    """Names file and line."""


@lru_cache(maxsize=KEPT)
def _environment(catalogue: Catalogue) -> Environment:
    """Keeps compiled templates: that takes longer than all the rest, and is needed often.

    One for all services, most of whose jobs begin with the same shared files.
    """
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Jobs(ImmutableSandboxedEnvironment):
        def join_path(self, template: str, parent: str) -> str:
            """The files that a template names are shared ones, or beside it."""
            if template.startswith(SHARED):
                return template
            return f"{parent.partition(OF)[0]}{OF}{template}"

    def load(name: str) -> tuple[str, str, None]:
        service, of_service, file = name.partition(OF)
        if of_service:
            return catalogue.text(service, file), str(catalogue.where(service, file)), None
        return catalogue.shared(name.removeprefix(SHARED)), f"jobs/{name}", None

    environment = Jobs(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        autoescape=False,  # no HTML is made here
        # `{{` belongs to consul-template; these are the marks of nomad-pack.
        variable_start_string="[[", variable_end_string="]]",
        block_start_string="[%", block_end_string="%]",
        comment_start_string="[#", comment_end_string="#]",
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["hcl"] = words.hcl_string
    return environment
