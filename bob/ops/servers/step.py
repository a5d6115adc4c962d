"""What every step about servers shares: it judges a view, and bears a leader that moves."""

from __future__ import annotations

from abc import abstractmethod

from bob.errors import DeadlinePassed, Temporary
from bob.ops.context import OperationContext
from bob.ops.step import DONE, Need, Probe, Step, needed
from bob.ops.view import ClusterView
from bob.waiting import Deadline, pause

LOOK_SECONDS = 0.5  # between two views, each of which is a dozen requests


class ServerStep(Step[OperationContext]):
    """A step for one node; its probe asks what is lacking."""

    timeout = 180.0
    attempts = 6  # each change of a leader may cost one, and the robot's own node may be the target

    def __init__(self, node: str) -> None:
        self.node = node

    @abstractmethod
    def lack(self, context: OperationContext, view: ClusterView) -> str:
        """What is still to be done; "" when nothing is."""

    def probe(self, context: OperationContext) -> Probe:
        try:
            lack = self.lack(context, context.view())
        except Temporary as error:
            return needed(str(error))
        return needed(lack) if lack else DONE

    def wait(self, context: OperationContext, deadline: Deadline, cure: str) -> None:
        """Wait until nothing is lacking, and tell what is."""
        said = ""
        while (found := self.probe(context)).need is not Need.DONE:
            if deadline.passed():
                message = f"{self.title}: not within {deadline.seconds:.0f} s: {found.reason}"
                raise DeadlinePassed(message, cure=cure)
            if found.reason != said:
                said = found.reason
                context.say(f"waiting, {deadline.seconds:.0f} s at most: {said}")
            pause(LOOK_SECONDS, deadline.clock)
