"""Nomad's ACL bootstrap with a secret we chose, the token in use, and tokens of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from bob.clients.http import Http, Refused
from bob.errors import Permanent

BOOTSTRAPPED = "ACL bootstrap already done"
TOKEN_UNKNOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What the servers tell about a token, without its secret. `type` is management or client."""

    accessor_id: str
    name: str
    type: str
    policies: tuple[str, ...]


class Acl:
    """Calls about tokens."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def self(self) -> TokenInfo | None:
        """The token of this client, or None when the cluster does not know it (yet)."""
        try:
            body = self._http.request("GET", "/v1/acl/token/self").json()
        except Refused as refusal:
            if refusal.status in TOKEN_UNKNOWN:
                return None
            raise
        return TokenInfo(
            accessor_id=body["AccessorID"],
            name=body["Name"],
            type=body["Type"],
            policies=tuple(body["Policies"] or ()),
        )

    def ensure_policy(self, name: str, rules: str, description: str) -> None:
        """Create a policy, or replace its rules (HCL)."""
        body = {"Name": name, "Rules": rules, "Description": description}
        self._http.request("POST", f"/v1/acl/policy/{name}", body=body)

    def ensure_token(self, name: str, policies: Sequence[str]) -> str:
        """The secret of the token with this name, made when there is none; Nomad chooses it."""
        known = self._http.request("GET", "/v1/acl/tokens").json()
        for token in known:
            if token["Name"] == name and token["Type"] == "client":
                path = f"/v1/acl/token/{token['AccessorID']}"
                return str(self._http.request("GET", path).json()["SecretID"])
        body = {"Name": name, "Type": "client", "Policies": list(policies)}
        return str(self._http.request("POST", "/v1/acl/token", body=body).json()["SecretID"])

    def bootstrap(self, secret: str) -> bool:
        """Make `secret` (a UUID, the token of this client) the first management token.

        True when that was done now, False when it was done before. Raises `Permanent` when the
        cluster was bootstrapped with another secret.
        """
        token = self.self()
        if token is not None and token.type == "management":
            return False
        try:
            self._http.request("POST", "/v1/acl/bootstrap", body={"BootstrapSecret": secret})
        except Refused as refusal:
            if BOOTSTRAPPED not in refusal.message:
                raise
            raise Permanent(
                f"Nomad at {self._http.addresses[0]} was bootstrapped with another secret",
                cure="Use the secrets of that cluster, or reset it on purpose.",
            ) from refusal
        return True
