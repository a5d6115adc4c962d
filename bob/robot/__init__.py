"""The leader's inside: it carries operations out and keeps the cluster as it should be."""

ROBOT = "robot"
"""Who asked for an operation that the leader wished by itself (`Operation.requested_by`)."""

__all__ = ["ROBOT"]
