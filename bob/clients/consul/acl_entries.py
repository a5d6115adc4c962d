"""What the ACL system holds, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Policy:
    """A named set of rules (HCL)."""

    name: str
    rules: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose secret we chose. An accessor id that exists already needs no `secret_id`."""

    accessor_id: str
    secret_id: str = field(repr=False)
    description: str
    policies: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What the servers tell about a token, without its secret."""

    accessor_id: str
    description: str
    policies: tuple[str, ...]
    roles: tuple[str, ...]
    local: bool


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of policies."""

    name: str
    policies: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class AuthMethod:
    """A way to log in; `config` in the form of the API, like {"JWKSURL": …}."""

    name: str
    type: str
    config: Mapping[str, Any]
    description: str = ""


@dataclass(frozen=True, slots=True)
class BindingRule:
    """What a login gives. One rule exists per auth method, `bind_type` and `bind_name`."""

    auth_method: str
    bind_type: str
    bind_name: str
    selector: str
    description: str = ""
