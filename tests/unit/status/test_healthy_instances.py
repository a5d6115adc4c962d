"""Which instances count as healthy by their checks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from status_builders import ALLOCATIONS, CHECKS, check, job, nodes

from bob.status.instances import ROLE_TAG, healthy_instances


@pytest.mark.parametrize(("tags", "healthy"), [((), 1), (("other",), 1), ((ROLE_TAG,), 2)])
def test_an_instance_without_the_role_is_healthy_all_the_same(
    tags: tuple[str, ...], healthy: int
) -> None:
    failing = replace(check("n4", "critical", allocation=ALLOCATIONS[0]), service_tags=tags)
    assert healthy_instances(job(), nodes(), (*CHECKS, failing)) == healthy
