"""A fault is recorded before it is applied, undone when it fails, and cleared newest first."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest

from bob.errors import BobError, DeadlinePassed, UsageError
from bob.sandbox.faults import actions, registry, store
from bob.sandbox.faults.base import Fault


class Trouble(Fault):
    """A fault that writes down what happens to it, and fails on demand."""

    kind: ClassVar[str] = "trouble"
    log: ClassVar[list[str]] = []
    failing: ClassVar[dict[str, BaseException]] = {}
    ended: ClassVar[set[str]] = set()

    place: str
    level: int = 1

    @property
    def target(self):
        return (self.place,)

    def _do(self, verb):
        self.log.append(f"{verb} {self.place} {self.level}")
        if error := self.failing.get(verb + " " + self.place):
            raise error

    def check(self, sandbox):
        self._do("check")

    def apply(self, sandbox):
        assert self.id in [record.id for record in store.read(sandbox)]
        self._do("apply")

    def undo(self, sandbox):
        assert self.id in [record.id for record in store.read(sandbox)]
        self._do("undo")

    def dark_ports(self, sandbox):
        return [f"{self.place}-port", "common"]

    def over(self, sandbox):
        return self.place in self.ended


@pytest.fixture(autouse=True)
def trouble(monkeypatch):
    monkeypatch.setattr(registry, "all_kinds", lambda: {"trouble": Trouble})
    Trouble.log.clear()
    Trouble.failing.clear()
    Trouble.ended.clear()


def ids(sandbox):
    return [record.id for record in store.read(sandbox)]


def inject(sandbox, *places):
    for place in places:
        actions.inject(sandbox, Trouble(place=place))


def test_a_fault_is_recorded_with_what_it_needs_to_be_undone(sandbox):
    record = actions.inject(sandbox, Trouble(place="a", level=3))
    assert store.read(sandbox) == [record]
    assert (record.id, record.kind, record.target) == ("trouble:a", "trouble", "a")
    assert record.arguments == {"place": "a", "level": 3}
    assert record.since.endswith("+00:00")
    assert record.fault() == Trouble(place="a", level=3)


def test_a_refused_target_is_not_recorded(sandbox):
    Trouble.failing["check a"] = UsageError("no a")
    with pytest.raises(UsageError):
        inject(sandbox, "a")
    assert ids(sandbox) == []
    assert Trouble.log == ["check a 1"]


def test_a_crash_while_applying_leaves_the_record(sandbox):
    Trouble.failing["apply a"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        inject(sandbox, "a")
    assert ids(sandbox) == ["trouble:a"]
    assert actions.clear(sandbox) == ["trouble:a"]


@pytest.mark.parametrize("error", [BobError("broken"), OSError("broken")])
def test_a_failed_attempt_is_undone(sandbox, error):
    Trouble.failing["apply a"] = error
    with pytest.raises(type(error), match="broken"):
        inject(sandbox, "a")
    assert Trouble.log == ["check a 1", "apply a 1", "undo a 1"]
    assert ids(sandbox) == []


def test_a_failed_attempt_that_cannot_be_undone_stays_recorded(sandbox):
    Trouble.failing |= {"apply a": BobError("broken"), "undo a": BobError("stuck")}
    with pytest.raises(BobError, match="stuck"):
        inject(sandbox, "a")
    assert ids(sandbox) == ["trouble:a"]


def test_the_newer_fault_of_one_target_takes_the_place_of_the_older(sandbox):
    inject(sandbox, "a", "b")
    actions.inject(sandbox, Trouble(place="a", level=2))
    assert [(r.id, r.arguments["level"]) for r in store.read(sandbox)] == [
        ("trouble:b", 1),
        ("trouble:a", 2),
    ]


def test_what_is_over_at_once_is_not_recorded(sandbox):
    Trouble.ended.add("a")
    assert actions.inject(sandbox, Trouble(place="a")) is None
    assert ids(sandbox) == []


def test_what_ends_by_itself_is_not_listed_and_can_still_be_cleared(sandbox):
    inject(sandbox, "a", "b")
    Trouble.ended.add("a")
    assert [record.id for record in actions.in_force(sandbox)] == ["trouble:b"]
    assert actions.clear(sandbox, ["trouble:a"]) == ["trouble:a"]


def test_all_are_cleared_the_newest_first(sandbox):
    inject(sandbox, "a", "b", "c")
    assert actions.clear(sandbox) == ["trouble:c", "trouble:b", "trouble:a"]
    assert Trouble.log[-3:] == ["undo c 1", "undo b 1", "undo a 1"]
    assert actions.clear(sandbox) == []


def test_an_unknown_id_undoes_nothing(sandbox):
    inject(sandbox, "a")
    with pytest.raises(UsageError, match="no fault trouble:x is in force") as caught:
        actions.clear(sandbox, ["trouble:a", "trouble:x"])
    assert "trouble:a" in caught.value.cure
    assert ids(sandbox) == ["trouble:a"]
    assert not any(line.startswith("undo") for line in Trouble.log)


def test_one_that_cannot_be_undone_does_not_stop_the_others(sandbox):
    inject(sandbox, "a", "b", "c")
    Trouble.failing["undo b"] = BobError("stuck")
    with pytest.raises(BobError, match="stuck"):
        actions.clear(sandbox)
    assert ids(sandbox) == ["trouble:b"]
    Trouble.failing.clear()
    assert actions.clear(sandbox) == ["trouble:b"]


def test_a_port_stays_off_while_one_fault_wants_it_off(sandbox, recorded_switch):
    inject(sandbox, "a", "b")
    assert recorded_switch.off == {"a-port", "b-port", "common"}
    actions.clear(sandbox, ["trouble:b"])
    assert recorded_switch.off == {"a-port", "common"}
    actions.clear(sandbox)
    assert recorded_switch.off == set()


def test_a_damaged_list_is_an_error_that_names_the_file(sandbox):
    sandbox.layout.faults.write_text('[{"id": 1}]')
    with pytest.raises(BobError, match=str(sandbox.layout.faults)):
        actions.in_force(sandbox)


def test_only_one_command_at_a_time(sandbox, monkeypatch):
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.05)
    with store.locked(sandbox), pytest.raises(DeadlinePassed):
        inject(sandbox, "a")
    assert Trouble.log == []


def test_faults_injected_at_once_are_all_recorded(sandbox):
    threads = [threading.Thread(target=inject, args=(sandbox, f"p{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(sandbox)) == [f"trouble:p{n}" for n in range(8)]
