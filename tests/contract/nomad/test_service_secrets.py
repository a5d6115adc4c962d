"""Secrets of services in the variables of the real Nomad, and a token in the real Consul."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.catalogue import Catalogue
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.ops.configuration.secrets import known_secrets, provide, reveal, set_secret

BASE = "title: Keeps databases\ndriver: raw_exec\ncount: 1\n"
THING = """\
title: A thing
driver: raw_exec
count: 1
depends: [base]
parameters:
  password: {type: text, secret: true, generate: password, shared_with: {base: thing}}
  fernet: {type: text, secret: true, generate: fernet}
  consul_token: {type: text, secret: true}
consul_rules: |
  key_prefix "thing/" { policy = "write" }
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    for name, text in (("base", BASE), ("thing", THING)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "service.yaml").write_text(text)
    found = Catalogue(tmp_path)
    found.check()
    return found


def test_secrets_are_made_up_once_and_the_token_has_its_rights(
    real_nomad: Nomad, brisk_consul: Consul, catalogue: Catalogue
) -> None:
    service, variables = catalogue.service("thing"), real_nomad.variables
    for _ in range(2):
        provide(variables, brisk_consul, service)
    assert known_secrets(variables, service) == {"password", "fernet", "consul_token"}
    password = reveal(variables, service, "password")
    shared = variables.get("nomad/jobs/base/base")
    assert shared is not None
    assert shared.items["thing"] == password
    provide(variables, brisk_consul, service)
    assert reveal(variables, service, "password") == password
    own = Consul(
        brisk_consul.http.addresses[0],
        reveal(variables, service, "consul_token"),
        Path(str(brisk_consul.http._verify)),
    )
    assert own.kv.put("thing/key", "value")
    set_secret(variables, service, "password", "another")
    after = variables.get("nomad/jobs/base/base")
    assert after is not None
    assert after.items["thing"] == "another"
