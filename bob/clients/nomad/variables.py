"""Nomad variables: small encrypted maps, read by tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from bob.clients.http import Http


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable. `modify_index` is what `cas` takes."""

    path: str
    items: Mapping[str, str] = field(repr=False)
    modify_index: int


class Variables:
    """Calls on variables of one namespace."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(self, path: str, *, namespace: str = "default") -> Variable | None:
        """The variable, or None."""
        answer = self._http.request(
            "GET", _path(path), params={"namespace": namespace}, accept={HTTPStatus.NOT_FOUND}
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        body = answer.json()
        return Variable(path=body["Path"], items=body["Items"], modify_index=body["ModifyIndex"])

    def put(
        self,
        path: str,
        items: Mapping[str, str],
        *,
        cas: int | None = None,
        namespace: str = "default",
    ) -> bool:
        """Store `items`; with `cas` only if the variable still has that index (0: is absent).

        False when the comparison failed.
        """
        params: dict[str, str | int] = {"namespace": namespace}
        if cas is not None:
            params["cas"] = cas
        body = {"Namespace": namespace, "Path": path, "Items": dict(items)}
        answer = self._http.request(
            "PUT", _path(path), params=params, body=body, accept={HTTPStatus.CONFLICT}
        )
        return answer.status == HTTPStatus.OK


def _path(path: str) -> str:
    return "/v1/var/" + quote(path, safe="/")
