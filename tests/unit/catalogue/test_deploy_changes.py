"""Nomad's plan in lines for people."""

from __future__ import annotations

from typing import Any

import pytest

from bob.clients.nomad import Plan
from bob.ops.deploy.changes import describe, unplaced


def plan(**changed: Any) -> Plan:
    values: dict[str, Any] = {
        "diff_type": "None", "diff": {"Type": "None"}, "updates": {}, "unplaced": {},
        "warnings": "", "index": 7,
    }  # fmt: skip
    return Plan(**values | changed)


def test_no_difference_gives_no_line() -> None:
    assert describe(plan(updates={"web": {"Ignore": 2}})) == ()


def test_a_new_job_is_told_with_the_number_of_instances() -> None:
    found = plan(diff_type="Added", diff={"Type": "Added"}, updates={"web": {"Place": 2}})
    assert describe(found) == ("new job", "group web: place 2")


def test_changed_fields_are_told_with_their_place() -> None:
    diff = {
        "Type": "Edited",
        "Fields": [{"Type": "None", "Name": "ID", "Old": "", "New": ""}],
        "TaskGroups": [
            {
                "Type": "Edited",
                "Name": "web",
                "Fields": [{"Type": "Edited", "Name": "Count", "Old": "2", "New": "3"}],
                "Tasks": [
                    {
                        "Type": "Edited",
                        "Name": "page",
                        "Objects": [
                            {
                                "Type": "Edited",
                                "Name": "Config",
                                "Fields": [
                                    {"Type": "Edited", "Name": "image", "Old": "a:1", "New": "a:2"},
                                    {"Type": "Deleted", "Name": "init", "Old": "true", "New": ""},
                                ],
                            }
                        ],
                    },
                    {"Type": "None", "Name": "same"},
                ],
            }
        ],
    }
    updates = {"web": {"DestructiveUpdate": 2, "Place": 1, "Ignore": 0}}
    assert describe(plan(diff_type="Edited", diff=diff, updates=updates)) == (
        "group web Count: 2 -> 3",
        "group web task page Config image: a:1 -> a:2",
        "group web task page Config init: true -> (none)",
        "group web: place 1, replace 2",
    )


def test_a_long_value_is_cut_to_one_line() -> None:
    field = {"Type": "Edited", "Name": "data", "Old": "x\ny", "New": "z " * 500}
    (line,) = describe(plan(diff_type="Edited", diff={"Type": "Edited", "Fields": [field]}))
    assert line.startswith("data: x y -> z z ")
    assert line.endswith("…")
    assert len(line) < 100


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (
            {
                "NodesEvaluated": 3,
                "CoalescedFailures": 1,
                "ConstraintFiltered": {"distinct_hosts": 2, "a b": 1},
            },
            (
                "group web: no host for 2 instance(s): 3 hosts looked at, "
                "1 excluded by a b, 2 excluded by distinct_hosts"
            ),
        ),
        (
            {"NodesEvaluated": 1, "ConstraintFiltered": None, "DimensionExhausted": {"memory": 1}},
            "group web: no host for 1 instance(s): 1 hosts looked at, 1 without enough memory",
        ),
        ({}, "group web: no host for 1 instance(s): 0 hosts looked at"),
    ],
)
def test_instances_without_a_host_are_told_with_the_reasons_of_nomad(
    metrics: dict[str, Any], reason: str
) -> None:
    assert unplaced(plan(unplaced={"web": metrics})) == (reason,)
