"""A typed client of Nomad's HTTP API."""

from bob.clients.nomad.acl import Acl, TokenInfo
from bob.clients.nomad.client import Nomad
from bob.clients.nomad.jobs import Jobs, Plan, Registration
from bob.clients.nomad.nodes import Nodes
from bob.clients.nomad.records import (
    AgentHealth,
    Allocation,
    GroupSummary,
    JobState,
    JobStub,
    Node,
    Server,
)
from bob.clients.nomad.rollouts import Deployment, Rollouts, TaskEvent, TaskPlace
from bob.clients.nomad.state import State
from bob.clients.nomad.variables import Variable, Variables

__all__ = [
    "Acl",
    "AgentHealth",
    "Allocation",
    "Deployment",
    "GroupSummary",
    "JobState",
    "JobStub",
    "Jobs",
    "Node",
    "Nodes",
    "Nomad",
    "Plan",
    "Registration",
    "Rollouts",
    "Server",
    "State",
    "TaskEvent",
    "TaskPlace",
    "TokenInfo",
    "Variable",
    "Variables",
]
