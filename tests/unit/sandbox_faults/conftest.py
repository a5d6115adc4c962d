"""A sandbox that exists as files only, and a switch that writes down what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.faults import switch
from bob.sandbox.layout import Layout
from bob.sandbox.record import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(Layout("t", 0, 3, tmp_path), Hierarchies(tmp_path / "cgroup", {}))
    made.save()
    return made


@dataclass
class Switch:
    """What reached the switch: nft programs, and the ports that shall be off."""

    programs: list[str] = field(default_factory=list)
    off: set[str] = field(default_factory=set)


@pytest.fixture(autouse=True)
def recorded_switch(monkeypatch: pytest.MonkeyPatch) -> Switch:
    seen = Switch()

    def run(_: Sandbox, command: list[str], text: str = "") -> str:
        assert command == ["nft", "-f", "-"]
        seen.programs.append(text)
        return ""

    def set_carriers(_: Sandbox, off: set[str]) -> None:
        seen.off = set(off)

    monkeypatch.setattr(switch, "run", run)
    monkeypatch.setattr(switch, "set_carriers", set_carriers)
    return seen
