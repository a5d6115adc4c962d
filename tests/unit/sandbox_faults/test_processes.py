"""Which processes of a host a pattern means."""

from __future__ import annotations

import pytest

from bob.sandbox.faults.processes import HostProcess, is_unit

SSHD = HostProcess(
    pid=4711,
    inner_pids=(41,),
    cgroups=("payload", "payload/system.slice/ssh.service"),
    name="sshd",
    state="S",
)

PATTERNS = [
    ("ssh.service", True),
    ("system.slice", True),
    ("sshd", True),
    ("ssh", False),
    ("h.service", False),
    ("consul.service", False),
    ("payload", False),
    ("sshd: root", False),
]


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS)
def test_a_pattern_is_a_whole_unit_name_or_a_whole_process_name(pattern, expected):
    assert SSHD.matches(pattern) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"), [("a.service", True), ("a.scope", True), ("a", False), ("a.py", False)]
)
def test_units_are_known_by_their_ending(pattern, expected):
    assert is_unit(pattern) is expected
