"""A container registry: the part of its HTTP API that is needed to send and to find images.

The API is that of the distribution project, version 2 (docker-registry, Harbor, and others).
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests

from bob.errors import Permanent, Temporary, UsageError
from bob.images.manifest import MANIFEST_TYPE

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0  # a registry on a busy disk hashes a layer in seconds
PAGE = 100  # repositories or tags per request
_MANIFEST_TYPES = (MANIFEST_TYPE, "application/vnd.oci.image.manifest.v1+json")
_DIGEST = "Docker-Content-Digest"


class Registry:
    """The registry at `address`: "host:port" for plain HTTP, or a URL with its scheme."""

    def __init__(self, address: str) -> None:
        url = address if "://" in address else f"http://{address}"
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise UsageError(
                f"{address!r} is not the address of a registry",
                cure="Write host:port, or https://host:port for one with TLS.",
            )
        self.name = parts.netloc
        """How image names begin: "10.101.0.254:5000"."""
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._session = requests.Session()
        self._session.trust_env = False  # a registry of ours is not behind the operator's proxy

    def has_blob(self, repository: str, digest: str) -> bool:
        """True when the registry has that content in this repository."""
        answer = self._ask(
            "HEAD", f"/v2/{repository}/blobs/{digest}", accept=[HTTPStatus.NOT_FOUND]
        )
        return answer.status_code == HTTPStatus.OK

    def send_blob(self, repository: str, digest: str, content: bytes | Path, source: str) -> bool:
        """Let `repository` have content; True when it had to be sent.

        The registry takes it from the repository `source` if that has it, and refuses what has
        another digest.
        """
        answer = self._ask(
            "POST", f"/v2/{repository}/blobs/uploads/", params={"mount": digest, "from": source}
        )
        if answer.status_code == HTTPStatus.CREATED:
            return False
        place = answer.headers["Location"]
        if isinstance(content, bytes):
            self._put_blob(place, digest, content, len(content))
        else:
            with content.open("rb") as file:
                self._put_blob(place, digest, file, content.stat().st_size)
        return True

    def put_manifest(self, repository: str, tag: str, manifest: bytes, digest: str) -> None:
        """Name an image whose content is there. Raises `Permanent` if it got another digest."""
        answer = self._ask(
            "PUT", f"/v2/{repository}/manifests/{tag}", data=manifest,
            headers={"Content-Type": MANIFEST_TYPE},
        )  # fmt: skip
        if (found := answer.headers.get(_DIGEST, digest)) != digest:
            raise Permanent(
                f"{self.name}/{repository}:{tag} has digest {found} there, {digest} here",
                cure="Something between here and the registry changes what is sent.",
            )

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest of the image that a tag names now; None when there is no such tag."""
        answer = self._ask(
            "HEAD", f"/v2/{repository}/manifests/{tag}", accept=[HTTPStatus.NOT_FOUND],
            headers={"Accept": ", ".join(_MANIFEST_TYPES)},
        )  # fmt: skip
        return answer.headers.get(_DIGEST) if answer.status_code == HTTPStatus.OK else None

    def repositories(self) -> list[str]:
        """Names of all repositories, sorted."""
        return sorted(self._pages("/v2/_catalog", "repositories"))

    def tags(self, repository: str) -> list[str]:
        """Tags of a repository, sorted; none when there is no such repository."""
        return sorted(self._pages(f"/v2/{repository}/tags/list", "tags"))

    def _pages(self, path: str, key: str) -> list[str]:
        found: list[str] = []
        place: str | None = f"{path}?n={PAGE}"
        while place:
            answer = self._ask("GET", place, accept=[HTTPStatus.NOT_FOUND])
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return []
            found += answer.json().get(key) or []
            place = answer.links.get("next", {}).get("url")
        return found

    def _put_blob(self, place: str, digest: str, data: bytes | IO[bytes], size: int) -> None:
        self._ask(
            "PUT", place, data=data, params={"digest": digest},
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
        )  # fmt: skip

    def _ask(
        self, method: str, place: str, *, accept: Collection[int] = (),
        **arguments: Any,
    ) -> requests.Response:  # fmt: skip
        """One request; `place` is a path, or a URL that the registry gave.

        Raises `Temporary` when nothing answers or the registry is in trouble, else `Permanent`.
        """
        url = urljoin(self._url, place)
        try:
            answer = self._session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), **arguments
            )
        except requests.RequestException as error:
            raise Temporary(
                f"registry {self.name} does not answer: {error}",
                cure="See that it runs and that its address is right: `bob sandbox status` shows "
                "that of a sandbox.",
            ) from error
        if answer.ok or answer.status_code in accept:
            return answer
        raise _refusal(self.name, f"{method} {url}", answer)


def _refusal(registry: str, what: str, answer: requests.Response) -> Permanent | Temporary:
    """The error for an answer that is none of the expected ones."""
    try:
        errors = answer.json()["errors"]
        reason = "; ".join(f"{each['code']}: {each['message']}" for each in errors)
    except (ValueError, KeyError, TypeError):
        errors, reason = [], answer.text[:200].strip()
    told = f"registry {registry}: {what}: {answer.status_code} {reason}"
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Temporary(told, cure="Read the registry's log; its disk may be full.")
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Permanent(told, cure="It asks for a login. Use one that takes images without.")
    if any(each.get("code") == "DIGEST_INVALID" for each in errors):
        return Permanent(
            told, cure="A layer in the cache is damaged. Build it again: bob images build --fresh"
        )
    return Permanent(told, cure="See that the address is that of a registry.")
