"""Which image hosts pull for a service."""

from __future__ import annotations

import pytest

from bob.catalogue import Service
from bob.errors import UsageError
from bob.ops.deploy.references import references
from bob.ops.services.wishes import ServiceWish


class Registry:
    name = "10.0.0.1:5000"

    def __init__(self, tags: dict[str, list[str]]) -> None:
        self._tags = tags

    def tags(self, repository: str) -> list[str]:
        return self._tags.get(repository, [])

    def digest(self, repository: str, tag: str) -> str | None:
        return f"sha256:{tag}" if tag in self.tags(repository) else None


def service(name: str, pull: str | None) -> Service:
    return Service.model_validate(
        {"name": name, "title": name, "driver": "docker" if pull else "exec", "count": 1,
         "pull": pull}
    )  # fmt: skip


SERVICES = (service("api", "keystone"), service("tool", None))
FULL = Registry({"bob/keystone": ["bookworm"]})
KNOWN = {"api": ServiceWish(count=1, image="before:1")}


@pytest.mark.parametrize(
    ("known", "given", "registry", "image"),
    [
        ({}, {}, FULL, "10.0.0.1:5000/bob/keystone@sha256:bookworm"),
        (KNOWN, {}, FULL, "10.0.0.1:5000/bob/keystone@sha256:bookworm"),
        (KNOWN, {}, Registry({}), "before:1"),
        (KNOWN, {}, None, "before:1"),
        (KNOWN, {"api": "quay.io/k/keystone:1"}, FULL, "quay.io/k/keystone:1"),
    ],
)
def test_what_is_named_comes_first_then_the_registry_then_what_runs(
    known: dict[str, ServiceWish], given: dict[str, str], registry: Registry | None, image: str
) -> None:
    assert references(SERVICES, known, given, registry) == {"api": image}


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        (None, "nobody said where to find"),
        (Registry({}), "the registry 10.0.0.1:5000 has no image"),
    ],
)
def test_a_missing_image_is_named_with_its_service(registry: Registry | None, words: str) -> None:
    with pytest.raises(UsageError, match=rf"{words}.*api \(keystone\)"):
        references(SERVICES, {}, {}, registry)
