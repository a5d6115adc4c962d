"""From a service to the text of its Nomad job.

The library behind it is loaded at the first text: an idle bob-agent has no use for it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from bob.catalogue.catalogue import Catalogue
from bob.catalogue.model import Service
from bob.errors import Permanent

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "job.nomad.hcl.j2"
KEPT = 64  # compiled templates; the catalogue has fewer services


def render(catalogue: Catalogue, service: Service, image: str | None = None) -> str:
    """The job in HCL; `image` is "name:tag" for a service that has one.

    A template sees `service`, `image`, `file(name)` (a file beside it), `parameter(name)` (what
    Nomad's template block makes the parameter's value of) and the filter `hcl`.
    """
    from jinja2 import TemplateError

    try:
        return _template(catalogue, service.name).render(
            service=service,
            image=image,
            file=lambda name: catalogue.text(service.name, name),
            parameter=lambda name: parameter(service, name),
        )
    except TemplateError as error:
        where = f"jobs/{service.name}/{TEMPLATE}"
        if line := getattr(error, "lineno", None):
            where += f":{line}"
        raise Permanent(f"{where}: {error}") from error


@lru_cache(maxsize=KEPT)
def _template(catalogue: Catalogue, service: str) -> Template:
    """To compile one takes longer than all the rest, and an operation renders its job often."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(lambda file: catalogue.text(service, file)),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML is made here
        # `{{` belongs to consul-template; these are the marks of nomad-pack.
        variable_start_string="[[", variable_end_string="]]",
        block_start_string="[%", block_end_string="%]",
        comment_start_string="[#", comment_end_string="#]",
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["hcl"] = hcl_string
    return environment.get_template(TEMPLATE)


def hcl_string(text: str) -> str:
    """`text` as a quoted HCL string that means exactly this: `${` and `%{` stay what they are."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def parameter(service: Service, name: str) -> str:
    """The consul-template expression for a parameter: its key in Consul KV, or the default."""
    if name not in service.parameters:
        raise Permanent(f"jobs/{service.name}/{TEMPLATE}: there is no parameter {name!r}")
    default = service.parameters[name].default
    text = str(default).lower() if isinstance(default, bool) else str(default)
    key = f"config/{service.name}/params/{name}"
    return f'{{{{ keyOrDefault "{key}" {json.dumps(text, ensure_ascii=False)} }}}}'
