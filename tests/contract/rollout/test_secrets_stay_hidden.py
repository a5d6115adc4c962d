"""The secret of a service is nowhere but in its variable and in the memory of its task."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from rollout_desk import Desk

from bob.clients.http import Refused
from bob.clients.nomad import Nomad
from bob.ops.configuration.secrets import known_secrets, reveal

LOOKS_ONLY = """\
namespace "default" {
  capabilities = ["list-jobs", "read-job", "read-logs", "read-fs"]
}
node { policy = "read" }
"""


@pytest.fixture
def looker(desk: Desk) -> Nomad:
    """Somebody who may look at jobs, logs and files, like most who open the UI."""
    desk.nomad.acl.ensure_policy("looks-only", LOOKS_ONLY, "")
    token = desk.nomad.acl.ensure_token("looker", ["looks-only"])
    made = Nomad(desk.nomad.http.address, token)
    made.http._verify = desk.nomad.http._verify
    return made


def shown(desk: Desk, nomad: Nomad, service: str) -> Iterator[str]:
    """All that Nomad and Consul tell of a service: what their UIs and command lines show."""

    def asked(path: str) -> Any:
        return nomad.http.request("GET", path).json()

    yield json.dumps(desk.nomad.jobs.plan(asked(f"/v1/job/{service}")).diff)
    for part in ("", "/versions", "/allocations", "/evaluations", "/deployments"):
        yield json.dumps(asked(f"/v1/job/{service}{part}"))
    for allocation in desk.live(service):
        yield json.dumps(asked(f"/v1/allocation/{allocation}"))
        for stream in ("stdout", "stderr"):
            yield nomad.rollouts.log(allocation, service, stream, 100_000)
    for entry in desk.consul.kv.list(""):
        yield f"{entry.key} {entry.value.decode(errors='replace')}"
    yield json.dumps(desk.consul.http.request("GET", "/v1/agent/services").json())


def test_who_may_look_at_everything_sees_the_configuration_and_no_secret(
    desk: Desk, looker: Nomad, service: str
) -> None:
    desk.done(desk.deploy(service))
    desk.done(desk.submit("configure", service, values={"size": "7"}))
    catalogue = desk.catalogue()
    secret = reveal(desk.nomad.variables, catalogue.service(service), "password")
    assert len(secret) == 32
    text = "\n".join(shown(desk, looker, service))
    assert "size = 7" in text, "what is no secret is found by the same search"
    assert secret not in text
    assert base64.b64encode(secret.encode()).decode() not in text


def test_without_the_right_nobody_reads_it(desk: Desk, looker: Nomad, service: str) -> None:
    desk.done(desk.deploy(service))
    thing = desk.catalogue().service(service)
    for ask in (
        lambda: reveal(looker.variables, thing, "password"),
        lambda: known_secrets(looker.variables, thing),
    ):
        with pytest.raises(Refused) as refusal:
            ask()
        assert refusal.value.status == 403


def test_its_file_is_in_memory_and_nomad_gives_it_to_nobody(
    desk: Desk, looker: Nomad, service: str
) -> None:
    desk.done(desk.deploy(service))
    allocation = next(iter(desk.live(service)))

    def read(nomad: Nomad, file: str) -> str:
        path = f"/v1/client/fs/cat/{allocation}"
        answer = nomad.http.request("GET", path, params={"path": f"{service}/{file}"})
        return answer.body.decode()

    assert read(looker, "local/thing.conf") == "size = 3\n"
    for nomad in (looker, desk.nomad):
        assert read(nomad, "secrets/password").startswith("Reading secret file prohibited")
