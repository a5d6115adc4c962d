"""What duties wish, do and say, and what is told of refusals and bugs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from robots import Site

from bob.ops.context import LeaderContext
from bob.ops.kind import Request
from bob.ops.states import State
from bob.ops.view import ClusterView
from bob.robot import ROBOT
from bob.robot.duty import Action, Do, Memory, Say, Wish


@dataclass
class Errand:
    """A duty that wishes and does, as long as it is told to."""

    site: Site
    actions: list[Action]
    name: str = "errand"
    interval: float = 0.1
    looks: list[dict[str, int]] = field(default_factory=list)

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        memory["looks"] = memory.get("looks", 0) + 1
        self.looks.append(dict(memory))
        return tuple(self.actions)


def test_a_duty_wishes_does_and_says(site: Site) -> None:
    done: list[int] = []
    site.world.held.add("n1/one")
    wish = Wish(Request("build", "n1"), "n1 is missing")
    actions: list[Action] = [
        wish, Do("count", lambda context: done.append(context.leader.leadership().epoch)),
        Say("n1 is missing for 3 s of 60 s"),
    ]  # fmt: skip
    agent = site.leader(duties=(Errand(site, actions),))
    site.until(lambda: "n1/one" in site.world.begun)
    site.until(lambda: "n1 is missing for 3 s of 60 s" in agent.robot.sentence())
    site.until(lambda: len(done) > 2)
    (made,) = site.store.unfinished()
    assert made.requested_by == ROBOT
    actions.clear()
    site.world.held.clear()
    site.until_state(made.id, State.DONE)
    site.until(lambda: agent.robot.sentence().endswith("nothing to do"))


def test_a_refused_wish_is_told_and_a_broken_duty_harms_nobody(site: Site) -> None:
    made = site.submit("n1")
    site.change(made, State.PAUSED)

    class Broken(Errand):
        def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
            raise KeyError("oh")

    def fail(context: LeaderContext) -> None:
        raise ValueError("no")

    actions: list[Action] = [
        Wish(Request("build", "n1", {"more": 1}), "it is missing"),
        Wish(Request("build", "n99"), "it is missing"),
        Do("fail", fail),
    ]
    errand = Errand(site, actions)
    agent = site.leader(duties=(Broken(site, [], "broken"), errand))
    expected = ("broken: BUG: KeyError('oh')", "node/n1 is held by build n1 (paused",
                "n99 is no node", "fail: BUG: ValueError('no')")  # fmt: skip
    site.until(lambda: all(text in agent.robot.sentence() for text in expected))
    site.until(lambda: {"looks": 2} in errand.looks, "it remembers its first look")
    site.until_state(site.submit("n2"), State.DONE)
