"""What of an operation is worth keeping, and what of an inventory may be seen."""

from __future__ import annotations

import json

import pytest

from bob.ops.cluster_records import public_inventory
from bob.ops.init.record import changed_something
from bob.ops.init.steps import STEPS
from bob.ops.record import Operation, StepRecord
from inventory import Cluster


def operation(*applied: str) -> Operation:
    steps = tuple(
        StepRecord(name=step.name, title=step.title, attempts=int(step.name in applied))
        for step in STEPS
    )
    return Operation(id="1", kind="init", target="c1", scopes=("control-plane",), steps=steps)


@pytest.mark.parametrize("applied", [(), ("preflight",), ("preflight", "record")])
def test_a_run_that_only_looked_changed_nothing(applied: tuple[str, ...]) -> None:
    assert not changed_something(operation(*applied))


@pytest.mark.parametrize("step", [s.name for s in STEPS if s.name not in ("preflight", "record")])
def test_any_other_step_is_a_change(step: str) -> None:
    assert changed_something(operation("preflight", step))


def test_a_password_in_the_inventory_is_not_published() -> None:
    cluster = Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "nodes": [
                {
                    "name": "n1",
                    "addresses": {"mgmt": "10.1.0.1"},
                    "bmc": {"address": "10.1.0.101", "user": "admin", "password": "hunter2"},
                }
            ],
        }
    )
    shown = json.dumps(public_inventory(cluster))
    assert "10.1.0.101" in shown
    assert "hunter2" not in shown
