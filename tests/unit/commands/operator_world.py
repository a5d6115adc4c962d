"""A cluster as the operator's commands see it: a fake Consul, one kind of operation, and a robot.

The robot works while a command waits in a blocking read, so there are no threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network

from fake_consul import FakeConsul, Line
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.errors import UsageError
from bob.ops.consul_store import ConsulStore
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.record import Operation
from bob.ops.states import State, StepState
from bob.ops.step import DONE, Probe, Step
from bob.ops.view import ClusterView, NodeWish
from bob.waiting import Deadline
from inventory import Cluster, Network, NetworkName, Node


class Pack(Step[OperationContext]):
    name = "pack"
    title = "Pack the boxes"

    def probe(self, context: OperationContext) -> Probe:
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        raise AssertionError("nothing is applied here")


class Drive(Pack):
    name = "drive"
    title = "Drive away"
    final = True


class Move(Kind):
    name = "move"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        return (f"node/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        if request.target not in view.wishes:
            raise UsageError(f"there is no node {request.target}")

    def done(self, request: Request, view: ClusterView) -> str:
        return "n2 is there already" if request.target == "n2" else ""

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        if request.target == "n3":
            yield Guard("quorum-loss", "two servers would be left", "Bring n1 back first.")

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        yield "it takes a while"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        return (Pack(), Drive())


class World:
    """`robot` is what happens next while somebody waits, in order; the last one is repeated."""

    def __init__(self) -> None:
        self.state = ConsulState(SimClock())
        self.line = Waiting(self)
        self.consul = FakeConsul(self.state, line=self.line)
        self.store = ConsulStore(FakeConsul(self.state))
        self.robot: list[Callable[[], object]] = []

    def lead(self, node: str = "n1") -> None:
        """An agent leads from now on."""
        kv = FakeConsul(self.state).kv
        session = FakeConsul(self.state, node).session.create("bob", ttl=86400, lock_delay=0)
        assert kv.acquire("bob/leader", f'{{"node": "{node}"}}', session)

    def latest(self) -> Operation:
        return self.store.list()[-1]

    def change(self, state: State, **steps: StepState) -> Callable[[], object]:
        """The robot writes this into the latest record."""

        def write() -> None:
            operation, version = self.store.read(self.latest().id)
            for name, found in steps.items():
                error = "the road is closed" if found is StepState.FAILED else ""
                new = {"state": found, "attempts": 1, "error": error}
                operation = operation.with_step(operation.step(name).model_copy(update=new))
            self.store.write(operation.model_copy(update={"state": state}), version)

        return write

    def works(self, end: State = State.DONE) -> None:
        """The robot takes the latest operation up and brings it to this end."""
        last = StepState.DONE if end is State.DONE else StepState.FAILED
        self.robot += [
            self.change(State.RUNNING, pack=StepState.RUNNING),
            self.change(State.RUNNING, pack=StepState.DONE, drive=StepState.RUNNING),
            self.change(end, drive=last),
        ]


class Waiting(Line):
    """The network of the commands: while they wait, the robot does its next thing."""

    def __init__(self, world: World) -> None:
        super().__init__(world.state)
        self._world = world

    def block(self, seconds: float) -> bool:
        if self._world.robot:
            self._world.robot.pop(0)()
        return super().block(seconds)


def cluster() -> Cluster:
    return Cluster(
        name="c1",
        networks={NetworkName.MGMT: Network(cidr=IPv4Network("10.77.0.0/24"))},
        nodes=tuple(
            Node(name=f"n{n}", addresses={NetworkName.MGMT: IPv4Address(f"10.77.0.{n}")})
            for n in (1, 2, 3)
        ),
    )


def view() -> ClusterView:
    wishes = {name: NodeWish(role="server", zone="default") for name in ("n1", "n2", "n3")}
    return ClusterView(now=0.0, cluster=cluster(), wishes=wishes)
