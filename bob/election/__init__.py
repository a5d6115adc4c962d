"""Which agent leads: a lock in Consul, its epoch, and the guard on everything the leader writes.

Time does not protect from two leaders; the guard does: every write of the leader is a transaction
that fails when the lock is no longer its own. Local time only stops a leader that was cut off from
starting things outside of Consul.
"""

from bob.election.decide import LEADER_KEY, Leadership
from bob.election.elector import BOOT_CLOCK, Elector
from bob.election.session_file import SessionFile, SessionMemory
from bob.election.timing import Timing

__all__ = [
    "BOOT_CLOCK",
    "LEADER_KEY",
    "Elector",
    "Leadership",
    "SessionFile",
    "SessionMemory",
    "Timing",
]
