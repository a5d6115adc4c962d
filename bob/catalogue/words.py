"""What the words of a job template stand for. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bob.catalogue.model import Service
from bob.catalogue.parameters import Parameter, as_text
from bob.errors import Permanent

CONFIG = "config/"  # of every service in Consul's KV; jobs may read it
VARIABLES = "nomad/jobs/"  # Nomad variables below it may be read by the job of that name


def hcl_string(text: str) -> str:
    """`text` as a quoted HCL string that means exactly this: `${` and `%{` stay what they are."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def parameter(service: Service, name: str, generation: int = 0) -> str:
    """The consul-template expression for a parameter: its key in Consul KV, or the default.

    A job reads the generation that it was made for, which never changes: so an instance that was
    not replaced yet keeps its configuration, also when it restarts. A live parameter is read as it
    is now.
    """
    found = _known(service, name)
    if found.secret:
        raise Permanent(f"the parameter {name!r} is secret: write secret({name!r})")
    folder = params(service.name) if found.live else params_of(service.name, generation)
    text = json.dumps(default(found), ensure_ascii=False)
    return f'{{{{ keyOrDefault "{folder}{name}" {text} }}}}'


def secret(service: Service, name: str) -> str:
    """The consul-template expression for a secret: an item of the job's own Nomad variable."""
    if not _known(service, name).secret:
        raise Permanent(f"the parameter {name!r} is not secret: write parameter({name!r})")
    return f'{{{{ with nomadVar "{own(service.name)}" }}}}{{{{ .{name} }}}}{{{{ end }}}}'


def value(service: Service, name: str, values: Mapping[str, str]) -> str:
    """The value of a parameter as text."""
    found = _known(service, name)
    if found.secret or found.live:
        raise Permanent(f"the job cannot hold the value of {name!r}: it is secret or live")
    return values.get(name, default(found))


def default(parameter: Parameter) -> str:
    """What holds while nobody has set the parameter, as text."""
    return "" if parameter.default is None else as_text(parameter.default)


def params(service: str) -> str:
    """Where the parameters of a service are as they were set last."""
    return f"{CONFIG}{service}/params/"


def params_of(service: str, generation: int) -> str:
    """Where the parameters of one generation are."""
    return f"{CONFIG}{service}/generations/{generation}/params/"


def own(service: str) -> str:
    """The Nomad variable with the secrets of a service."""
    return f"{VARIABLES}{service}"


def given(service: str) -> str:
    """The Nomad variable with what other services share: readable for its main group."""
    return f"{VARIABLES}{service}/{service}"


def _known(service: Service, name: str) -> Parameter:
    if name not in service.parameters:
        raise Permanent(f"there is no parameter {name!r}")
    return service.parameters[name]
