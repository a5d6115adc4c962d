"""Tokens, policies, roles, auth methods and binding rules; a second call changes nothing.

Each `ensure_…` reads what is there, writes only a difference, and returns whether it wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bob.clients.consul.acl_entries import (
    AuthMethod,
    BindingRule,
    Policy,
    Role,
    Token,
    TokenInfo,
)
from bob.clients.http import Http, Refused
from bob.errors import Permanent

__all__ = ["Acl", "AuthMethod", "BindingRule", "Policy", "Role", "Token", "TokenInfo"]

NOT_KNOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
TOKEN_ABSENT = "token does not exist"  # noqa: S105  how Consul says it, with status 403


class Acl:
    """The ACL calls; all but `self` need `acl:read` and `acl:write`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def self(self) -> TokenInfo | None:
        """The token of this client, or None when the cluster does not know it (yet).

        With the management token: None means that ACLs are not bootstrapped.
        """
        try:
            body = self._http.request("GET", "/v1/acl/token/self").json()
        except Refused as refusal:
            if refusal.status in NOT_KNOWN:
                return None
            raise
        return _token_info(body)

    def accessors(self) -> frozenset[str]:
        """Accessor ids of all tokens."""
        tokens = self._http.request("GET", "/v1/acl/tokens").json()
        return frozenset(token["AccessorID"] for token in tokens)

    def has_auth_method(self, name: str) -> bool:
        """Whether an auth method of that name exists."""
        return self._find(f"/v1/acl/auth-method/{name}") is not None

    def ensure_policy(self, policy: Policy) -> bool:
        """Create or correct a policy, found by its name."""
        wanted = {
            "Name": policy.name,
            "Rules": policy.rules,
            "Description": policy.description,
        }
        found = self._find(f"/v1/acl/policy/name/{policy.name}")
        return self._ensure(found, wanted, "/v1/acl/policy")

    def ensure_role(self, role: Role) -> bool:
        """Create or correct a role, found by its name."""
        wanted = {
            "Name": role.name,
            "Policies": _links(role.policies),
            "Description": role.description,
        }
        return self._ensure(self._find(f"/v1/acl/role/name/{role.name}"), wanted, "/v1/acl/role")

    def ensure_token(self, token: Token) -> bool:
        """Create or correct a token, found by its accessor id.

        Raises `Permanent` when that accessor id exists with another secret: it cannot be changed.
        """
        wanted: dict[str, Any] = {
            "AccessorID": token.accessor_id,
            "Description": token.description,
            "Policies": _links(token.policies),
            "Roles": _links(token.roles),
        }
        if token.secret_id:
            wanted["SecretID"] = token.secret_id
        path = f"/v1/acl/token/{token.accessor_id}"
        found = self._find(path)
        if found is None:
            self._http.request("PUT", "/v1/acl/token", body=wanted)
            return True
        if token.secret_id and found["SecretID"] != token.secret_id:
            raise Permanent(
                f"Consul token {token.accessor_id} exists with another secret",
                cure="The stored secrets are of another cluster, or someone replaced this token.",
            )
        if _same(found, wanted):
            return False
        self._http.request("PUT", path, body=wanted)
        return True

    def ensure_auth_method(self, method: AuthMethod) -> bool:
        """Create or correct an auth method, found by its name. Its type cannot be changed."""
        wanted = {
            "Name": method.name,
            "Type": method.type,
            "Config": dict(method.config),
            "Description": method.description,
        }
        path = f"/v1/acl/auth-method/{method.name}"
        found = self._find(path)
        if found is not None and _same(found, wanted):
            return False
        self._http.request("PUT", path if found else "/v1/acl/auth-method", body=wanted)
        return True

    def ensure_binding_rule(self, rule: BindingRule) -> bool:
        """Create or correct a binding rule, found by auth method, bind type and bind name."""
        wanted = {
            "AuthMethod": rule.auth_method,
            "BindType": rule.bind_type,
            "BindName": rule.bind_name,
            "Selector": rule.selector,
            "Description": rule.description,
        }
        identity = ("AuthMethod", "BindType", "BindName")
        rules = self._http.request(
            "GET", "/v1/acl/binding-rules", params={"authmethod": rule.auth_method}
        ).json()
        same = (r for r in rules if all(r[key] == wanted[key] for key in identity))
        return self._ensure(next(same, None), wanted, "/v1/acl/binding-rule")

    def delete_token(self, accessor_id: str) -> None:
        """Take a token away; one that does not exist is no error."""
        if self._find(f"/v1/acl/token/{accessor_id}") is not None:
            self._http.request("DELETE", f"/v1/acl/token/{accessor_id}")

    def delete_policy(self, name: str) -> None:
        """Delete a policy, found by its name; one that does not exist is no error."""
        if found := self._find(f"/v1/acl/policy/name/{name}"):
            self._http.request("DELETE", f"/v1/acl/policy/{found['ID']}")

    def _find(self, path: str) -> dict[str, Any] | None:
        try:
            answer = self._http.request("GET", path, accept={HTTPStatus.NOT_FOUND})
        except Refused as refusal:
            if TOKEN_ABSENT in refusal.message:
                return None
            raise
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        found: dict[str, Any] = answer.json()
        return found

    def _ensure(
        self, found: Mapping[str, Any] | None, wanted: Mapping[str, Any], path: str
    ) -> bool:
        """Create at `path`, or correct at `path/<id>`."""
        if found is None:
            self._http.request("PUT", path, body=wanted)
            return True
        if _same(found, wanted):
            return False
        self._http.request("PUT", f"{path}/{found['ID']}", body={**wanted, "ID": found["ID"]})
        return True


def _links(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"Name": name} for name in names]


def _names(links: object) -> tuple[str, ...]:
    return tuple(sorted(link["Name"] for link in links)) if isinstance(links, list) else ()


def _same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether every wanted field is there with that value; links are compared by name."""
    for key, value in wanted.items():
        if key in ("Policies", "Roles"):
            if _names(found.get(key)) != _names(value):
                return False
        elif (found.get(key) or None) != (value or None):
            return False
    return True


def _token_info(body: Mapping[str, Any]) -> TokenInfo:
    return TokenInfo(
        accessor_id=body["AccessorID"],
        description=body["Description"],
        policies=_names(body.get("Policies")),
        roles=_names(body.get("Roles")),
        local=body["Local"],
    )
