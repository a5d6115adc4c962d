"""Candidate and leader, on servers only: the election, and the robot of the one that leads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bob.agent.forgetting import Forgetting
from bob.agent.programs import Programs
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.daemon.metrics import Sample
from bob.daemon.parts import Beat
from bob.election import BOOT_CLOCK, Elector, SessionFile, Timing
from bob.errors import BobError, LockLost
from bob.ops.cluster_records import CLUSTER_KEY, NODES, ClusterRecords
from bob.provision import nomad_config
from bob.provision.agent_config import AgentConfig
from bob.provision.agents import LOOPBACK, NOMAD_CONFIG_DIR, NOMAD_HTTP_PORT, consul_agent
from bob.robot import Robot
from bob.waiting import pause
from inventory import NetworkName

Works = Mapping[str, Callable[[threading.Event, Beat], None]]

RECORDS_SECONDS = 1.0  # between two looks at whether the cluster knows us
ELECTION_PATIENCE = 60.0  # a blocking read takes 27 s at most


class Leading:
    """What an agent with the robot's rights does besides its tasks.

    Raises `Permanent` when another agent of this node does it already.
    """

    def __init__(self, config: AgentConfig, run_dir: Path, data_dir: Path) -> None:
        timing = Timing()
        self._node = config.node
        tokens = {net: token.get_secret_value() for net, token in config.robot.items()}
        self._networks = {net: _consul(net, token) for net, token in tokens.items()}
        # Clients of its own: what the robot sends is refused while this agent does not lead.
        self._forgetting = Forgetting({net: _consul(net, token) for net, token in tokens.items()})
        self._elector = Elector(
            _consul(NetworkName.MGMT, tokens[NetworkName.MGMT], timing.timeout),
            config.node,
            SessionFile(run_dir / "session"),
            timing,
        )
        self._robot = Robot(
            config.node,
            self._networks,
            self._elector,
            self._nomad,
            Programs(data_dir / "packed"),
            BOOT_CLOCK,
        )
        self._robot_over = threading.Event()
        self._over = threading.Event()

    def works(self) -> Works:
        """The parts of this: they run in threads of their own."""
        return {
            "election": self._elect,
            "robot": self._lead,
            "forgetting": self._forgetting.run,
        }

    def join(self, seconds: float) -> None:
        """Wait until a leader has given up its lead; one that does not lead has nothing to end."""
        if self.leads():
            self._over.wait(seconds)

    def sentence(self) -> str:
        """What the robot says: as leader what it does, else who leads."""
        return self._robot.sentence()

    def leads(self) -> bool:
        """We lead now."""
        try:
            self._elector.leadership()
        except LockLost:
            return False
        return True

    def healthy(self) -> bool:
        """The robot works as it should."""
        return self._robot.healthy()

    def samples(self) -> Iterable[Sample]:
        """The numbers of election and robot."""
        yield Sample("bob_agent_leader", float(self.leads()))
        yield from (Sample(name, value) for name, value in self._robot.metrics().items())

    def _elect(self, stop: threading.Event, beat: Beat) -> None:
        # At a stop the lock is kept until the robot has come to its end.
        while not (stop.is_set() and self._robot_over.is_set()):
            beat(ELECTION_PATIENCE)
            if self.leads() or may_lead(self._networks[NetworkName.MGMT], self._node):
                self._elector.step()
            else:
                pause(RECORDS_SECONDS)
        self._elector.resign()
        self._over.set()

    def _lead(self, stop: threading.Event, beat: Beat) -> None:
        try:
            self._robot.run(stop)
        finally:
            self._robot_over.set()

    def _nomad(self) -> Nomad:
        """Nomad with the robot's token, which the cluster's records hold. Raises `BobError`.

        The agent of this node is asked first, the others when it is down.
        """
        records = ClusterRecords(self._networks[NetworkName.MGMT])
        token = records.secrets().nomad_management.get_secret_value()
        nodes = records.cluster().nodes
        others = (str(node.addresses[NetworkName.MGMT]) for node in nodes)
        urls = [f"https://{host}:{NOMAD_HTTP_PORT}" for host in (LOOPBACK, *others)]
        return Nomad.any(urls, token, Path(NOMAD_CONFIG_DIR / nomad_config.CA_FILE))


def may_lead(consul: Consul, node: str) -> bool:
    """The cluster knows the node. A host that was taken out while it was dead has kept the token.

    A cluster that is being made knows none yet; what cannot be read is left to the election.
    """
    try:
        return bool(consul.kv.get(NODES + node)) or consul.kv.get(CLUSTER_KEY) is None
    except BobError:
        return True


def _consul(network: NetworkName, token: str, timeout: float | None = None) -> Consul:
    address = f"http://{LOOPBACK}:{consul_agent(network).http_port}"
    return Consul(address, token) if timeout is None else Consul(address, token, timeout=timeout)
