"""The secrets of services: items of Nomad variables, readable for their own job alone.

nomad/jobs/<service>             the secrets of a service
nomad/jobs/<service>/<service>   what other services share with it
"""

from __future__ import annotations

import base64
import secrets as random
import string
import uuid
from collections.abc import Mapping

from bob.catalogue import Parameter, Service
from bob.catalogue.words import given, own
from bob.clients.consul import Acl, Consul, Policy, Token
from bob.clients.nomad import Variables
from bob.errors import PreflightRefused, Temporary, UsageError

CONSUL_TOKEN = "consul_token"  # noqa: S105 - the name of a parameter
PASSWORD_LENGTH = 32
LETTERS = string.ascii_letters + string.digits  # what no configuration file has to quote
ATTEMPTS = 5  # a write meets another one only when two people set secrets of one service at once


def known_secrets(variables: Variables, service: Service) -> frozenset[str]:
    """Which secrets are set. Their values are not looked at."""
    found = variables.get(own(service.name))
    return frozenset(found.items if found else ()) & frozenset(service.secrets)


def reveal(variables: Variables, service: Service, name: str) -> str:
    """The value of a secret. Raises `UsageError` when there is none, `Refused` without a right."""
    if name not in service.secrets:
        raise UsageError(
            f"{service.name} has no secret {name!r}",
            cure=f"It has: {', '.join(service.secrets) or 'none'}.",
        )
    found = variables.get(own(service.name))
    if found is None or name not in found.items:
        raise UsageError(
            f"{name} of {service.name} is not set",
            cure=f"Set it with: bob config set {service.name} --secret {name}",
        )
    return found.items[name]


def set_secret(variables: Variables, service: Service, name: str, value: str) -> None:
    """Store a secret and the copies of it. Raises `UsageError` for a value that is not allowed."""
    if name not in service.secrets:
        raise UsageError(
            f"{service.name} has no secret {name!r}",
            cure=f"It has: {', '.join(service.secrets) or 'none'}.",
        )
    try:
        service.secrets[name].check(value)
    except ValueError as error:
        raise UsageError(f"{name}: {error}", cure="Nothing was changed.") from None
    _store(variables, own(service.name), {name: value})
    _share(variables, service, {name: value})


def provide(variables: Variables, consul: Consul, service: Service) -> None:
    """Make up the secrets that are missing; those that exist never change.

    Raises `PreflightRefused` for secrets that only an operator can know.
    """
    found = variables.get(own(service.name))
    items = dict(found.items) if found else {}
    missing = [name for name in service.secrets if name not in items]
    unknown = [
        name for name in missing if service.secrets[name].generate is None and name != CONSUL_TOKEN
    ]
    if unknown:
        raise PreflightRefused(
            f"{service.name} needs secrets that nobody has set: {', '.join(unknown)}",
            cure=f"bob config set {service.name} --secret {unknown[0]}",
        )
    made = {name: _made_up(service.secrets[name]) for name in missing}
    if made:
        items = _store(variables, own(service.name), made, keep=True)
    if service.consul_rules:
        _grant(consul.acl, service, items[CONSUL_TOKEN])
    _share(variables, service, items)


def _grant(acl: Acl, service: Service, token: str) -> None:
    policy = Policy(
        name=f"bob-service-{service.name}",
        rules=service.consul_rules,
        description=f"The service {service.name}",
    )
    acl.ensure_policy(policy)
    accessor = str(uuid.uuid5(uuid.NAMESPACE_URL, f"bob/service/{service.name}/{token}"))
    acl.ensure_token(Token(accessor, token, f"The service {service.name}", (policy.name,)))


def _share(variables: Variables, service: Service, items: Mapping[str, str]) -> None:
    for name, parameter in service.secrets.items():
        for other, item in parameter.shared_with.items():
            if name in items:
                _store(variables, given(other), {item: items[name]})


def _store(
    variables: Variables, path: str, new: Mapping[str, str], *, keep: bool = False
) -> dict[str, str]:
    """Put items into a variable; with `keep` none that is there changes. All items then."""
    for _ in range(ATTEMPTS):
        found = variables.get(path)
        before = dict(found.items) if found else {}
        after = {**new, **before} if keep else {**before, **new}
        if after == before:
            return before
        if variables.put(path, after, cas=found.modify_index if found else 0):
            return after
    raise Temporary(f"the variable {path} was changed by somebody else {ATTEMPTS} times")


def _made_up(parameter: Parameter) -> str:
    if parameter.generate == "fernet":
        return base64.urlsafe_b64encode(random.token_bytes(32)).decode()
    if parameter.generate == "password":
        return "".join(random.choice(LETTERS) for _ in range(PASSWORD_LENGTH))
    return str(uuid.uuid4())
