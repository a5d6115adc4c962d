"""The leader's inside: it carries operations out and keeps the cluster as it should be."""

from bob.robot.decide import ROBOT
from bob.robot.robot import Robot

__all__ = ["ROBOT", "Robot"]
