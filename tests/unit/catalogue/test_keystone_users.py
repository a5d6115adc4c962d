"""What is kept in Keystone for the services that share a password with it."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SETTINGS = {
    "internal": "http://inside:8080",
    "public": "http://outside:8080",
    "region": "north",
    "admin_password": "pw",
    "passwords": {"glance": "secret", "tool": "other"},
}


@dataclass
class Thing:
    id: str
    name: str = ""
    interface: str = ""
    url: str = ""
    service_id: str = ""
    password: str = ""


@dataclass
class Keystone:
    """The part of the identity API that the program uses, in memory."""

    things: dict[str, list[Thing]] = field(default_factory=dict)
    assigned: set[tuple[str, str, str]] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        action, _, kind = name.partition("_")

        def call(*given: Any, **values: Any) -> Any:
            known = self.things.setdefault(kind, [])
            if action == "find":
                return next((each for each in known if each.name == given[0]), None)
            if action == "update":
                for key, value in values.items():
                    setattr(given[0], key, value)
                return given[0]
            assert action == "create", name
            fields = {k: v for k, v in values.items() if k in Thing.__dataclass_fields__}
            known.append(Thing(f"{kind}-{len(known)}", **fields))
            return known[-1]

        return call

    def endpoints(self, service_id: str, region_id: str) -> list[Thing]:
        assert region_id == "north"
        return [e for e in self.things.get("endpoint", []) if e.service_id == service_id]

    def assign_project_role_to_user(self, project: Thing, user: Thing, role: Thing) -> None:
        self.assigned.add((project.name, user.name, role.name))

    def urls(self, name: str) -> dict[str, str]:
        service = self.find_service(name)
        found = self.endpoints(service.id, "north") if service else []
        return {each.interface: each.url for each in found}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(Path, "read_text", lambda self, **_: json.dumps(SETTINGS))
    file = str(resources.files("jobs") / "keystone" / "users.py")
    spec = importlib.util.spec_from_file_location("keystone_users", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.undo()
    return made


def test_every_service_gets_a_user_with_roles_and_those_with_an_api_endpoints(
    program: ModuleType,
) -> None:
    keystone = Keystone()
    program.ensure_all(keystone)
    assert {user.name: user.password for user in keystone.things["user"]} == {
        "glance": "secret",
        "tool": "other",
    }
    assert ("service", "tool", "admin") in keystone.assigned
    assert ("service", "glance", "service") in keystone.assigned
    assert keystone.urls("glance") == {
        "admin": "http://inside:8080/glance/",
        "internal": "http://inside:8080/glance/",
        "public": "http://outside:8080/glance/",
    }
    assert keystone.urls("keystone")["public"] == "http://outside:8080/keystone/v3"
    assert keystone.urls("tool") == {}


def test_it_may_run_again_and_follows_another_address_and_another_password(
    program: ModuleType,
) -> None:
    keystone = Keystone()
    program.ensure_all(keystone)
    before = {kind: len(found) for kind, found in keystone.things.items()}
    program.SETTINGS["public"] = "http://elsewhere"
    program.PASSWORDS["glance"] = "changed"
    program.ensure_all(keystone)
    assert {kind: len(found) for kind, found in keystone.things.items()} == before
    assert keystone.urls("glance")["public"] == "http://elsewhere/glance/"
    assert keystone.urls("glance")["internal"] == "http://inside:8080/glance/"
    assert [u.password for u in keystone.things["user"] if u.name == "glance"] == ["changed"]
