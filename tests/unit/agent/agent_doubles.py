"""A host below a folder, whose systemd is played: what ran, what was asked of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bob.agent.machine import Machine, Ran
from bob.agent.work import Work
from bob.waiting import Clock, Deadline


class PlayedMachine(Machine):
    """Units start and stop at once; `broken` ones do not start. `asked` is every command."""

    def __init__(self, root: Path, running: tuple[str, ...] = ()) -> None:
        super().__init__(root)
        self.running = set(running)
        self.enabled = set(running)
        self.broken: set[str] = set()
        self.wont_start: Callable[[str], bool] = lambda unit: False
        self.asked: list[str] = []
        self.journal = ""
        self.on_start: Callable[[str], None] = lambda unit: None

    def run(self, *argv: str, timeout: float) -> Ran:
        self.asked.append(" ".join(argv))
        if argv[0] == "journalctl":
            return Ran(0, self.journal)
        if argv[0] != "systemctl":
            return Ran(0, "")
        verb, *words = argv[1:]
        unit = words[-1].removesuffix(".service") if words else ""
        match verb:
            case "show":
                state = "active" if unit in self.running else "inactive"
                pid = int(unit in self.running)
                return Ran(0, f"LoadState=loaded\nActiveState={state}\nMainPID={pid}\nType=notify")
            case "kill":  # with SIGINT, which ends it in time
                self.running.discard(unit)
            case "stop" | "disable":
                self.running.discard(unit)
                if verb == "disable":
                    self.enabled.discard(unit)
            case "enable":
                self.enabled.add(unit)
            case "restart":
                if unit in self.broken or self.wont_start(unit):
                    return Ran(1, "failed")
                self.on_start(unit)
                self.running.add(unit)
        return Ran(0, "")

    @property
    def changes(self) -> list[str]:
        """What was asked of systemd that changes something."""
        verbs = ("systemctl kill", "systemctl stop", "systemctl disable", "systemctl restart")
        return [line.removeprefix("systemctl ") for line in self.asked if line.startswith(verbs)]

    def file(self, path: str) -> Path:
        """A file of the host; its folder is made."""
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def work(machine: Machine, payload: bytes | None = None, **args: object) -> Work:
    """A task for this host."""
    return Work(
        node="n1",
        cluster="c1",
        args=args,
        payload=payload,
        deadline=Deadline(30, Clock(sleep=lambda seconds: None)),
        machine=machine,
        say=lambda sentence: None,
    )
