"""A job that does nothing but run, and whose processes can be told from all others."""

from __future__ import annotations

from end_state import nomad
from harness import Lab

COMMAND = "/bin/sleep 100000"

JOB = """
job "sleeper" {
  datacenters = ["*"]
  group "main" {
    count = %d
    %s
    task "sleep" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["100000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""
APART = "constraint { distinct_hosts = true }"


def register(lab: Lab, count: int, *, apart: bool = False) -> None:
    """Wish for so many instances; `apart`: each on a host of its own."""
    jobs = nomad(lab).jobs
    jobs.register(jobs.parse(JOB % (count, APART if apart else "")))
