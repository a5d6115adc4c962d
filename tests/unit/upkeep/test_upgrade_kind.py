"""Which versions may follow which, and what is done on whose node."""

from __future__ import annotations

from typing import Any

import pytest
from server_views import changed, view

from bob.errors import GuardRefused, PreflightRefused, UsageError
from bob.ops.kind import Request, refuse_guarded
from bob.ops.kinds.upgrade import KIND, VERSION_SKEW
from bob.ops.upgrade.stage import most_common
from bob.ops.upgrade.steps import places_of, units_of
from bob.ops.view import ClusterView

PLACE = {"nomad": "/opt/bob/store/nomad-1/nomad"}
RUNNING = view(versions={"consul": "1.22.3", "nomad": "1.11.3", "consul_template": "0.42.1"})


def request(accepted: tuple[str, ...] = (), **versions: str) -> Request:
    return Request("upgrade", "c1", {"versions": versions, "programs": PLACE}, accepted)


@pytest.mark.parametrize(
    "versions",
    [{}, {"nomad": "1.11.3"}, {"nomad": "1.11.4"}, {"nomad": "1.12.0"}, {"consul": "1.23.0-rc1"}],
)
def test_the_next_versions_are_fine(versions: dict[str, str]) -> None:
    KIND.check(request(**versions), RUNNING)
    assert not list(KIND.guards(request(**versions), RUNNING))


@pytest.mark.parametrize(
    "versions", [{"nomad": "1.11.2"}, {"nomad": "1.10.9"}, {"consul": "0.99.0"}, {"nomad": "1.9.9"}]
)
def test_there_is_no_way_back(versions: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="cannot go back"):
        KIND.check(request(**versions), RUNNING)


@pytest.mark.parametrize(
    "versions", [{"nomad": "1.13.0"}, {"nomad": "2.0.4"}, {"consul": "1.24.1", "nomad": "1.12.0"}]
)
def test_a_version_left_out_is_a_guard(versions: dict[str, str]) -> None:
    KIND.check(request(**versions), RUNNING)
    guards = list(KIND.guards(request(**versions), RUNNING))
    assert [guard.name for guard in guards] == [VERSION_SKEW]
    with pytest.raises(GuardRefused):
        refuse_guarded(guards, ())
    refuse_guarded(guards, (VERSION_SKEW,))


@pytest.mark.parametrize("params", [{}, {"versions": {"nomad": "1.12.0"}}, {"programs": {}}])
def test_programs_have_to_be_there_first(params: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not on the nodes yet") as error:
        KIND.check(Request("upgrade", "c1", params), RUNNING)
    assert "bob upgrade" in error.value.cure


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (view(down=["n3"]), "n3 is not healthy"),
        (changed(view(), nodes={}), "Nomad does not find n1 ready"),
    ],
)
def test_every_server_has_to_be_sound(found: ClusterView, reason: str) -> None:
    with pytest.raises(PreflightRefused, match=reason):
        KIND.check(request(), found)


def test_a_client_that_is_away_is_told_of() -> None:
    found = view(down=["n5"])
    KIND.check(request(), found)
    assert "n5 not there" in next(iter(KIND.warnings(request(), found)))


def test_only_what_was_brought_is_activated_bob_last() -> None:
    def names(*programs: str) -> list[str]:
        params = {"programs": dict.fromkeys(programs, "/opt/bob/store/x/x")}
        return [step.name for step in KIND.steps(Request("upgrade", "c1", params))]

    assert names("nomad") == ["snapshot", "upgrade-nomad", "note"]
    assert names("bob-agent", "nomad", "consul") == [
        "snapshot", "upgrade-consul", "upgrade-nomad", "upgrade-bob", "note",
    ]  # fmt: skip


def test_units_of_programs() -> None:
    found = view().cluster
    assert units_of(found, "consul") == ["consul-mgmt", "consul-storage"]
    assert units_of(found, "nomad") == ["nomad"]
    assert units_of(found, "consul-template") == []
    assert units_of(found, "bob-agent") == ["healthcheck", "bob-agent"]


def test_one_record_says_where_programs_lie_on_every_node() -> None:
    places = {
        "n1": {"nomad": "/n", "bob-agent": "/b311"},
        "n2": {"nomad": "/n", "bob-agent": "/b313"},
        "n3": {"nomad": "/n", "bob-agent": "/b311"},
    }
    programs, others = most_common(places)
    assert programs == {"nomad": "/n", "bob-agent": "/b311"}
    assert others == {"n2": {"bob-agent": "/b313"}}
    params = {"programs": programs, "others": others}
    assert {node: dict(places_of(params, node)) for node in places} == places
    assert most_common({}) == ({}, {})
