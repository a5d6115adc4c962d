"""What an operation brings up side by side."""

from __future__ import annotations

import pytest

from bob.catalogue import Service
from bob.ops.services.waves import waves

NEEDS = {
    "haproxy": [],
    "mariadb": [],
    "memcached": [],
    "keystone": ["haproxy", "mariadb", "memcached"],
    "glance": ["keystone"],
    "placement": ["keystone"],
    "redis": [],
}
SERVICES = [
    Service.model_validate(
        {"name": name, "title": name, "driver": "exec", "count": 1, "depends": needs}
    )
    for name, needs in NEEDS.items()
]


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        (
            (),
            [["haproxy", "mariadb", "memcached", "redis"], ["keystone"], ["glance", "placement"]],
        ),
        (NEEDS, [[name] for name in NEEDS]),
        (
            ("haproxy", "mariadb", "memcached", "keystone"),
            [["haproxy"], ["mariadb"], ["memcached"], ["keystone"],
             ["glance", "placement", "redis"]],
        ),
        (("mariadb",), [["haproxy", "memcached", "redis"], ["mariadb"], ["keystone"],
                        ["glance", "placement"]]),
    ],
)  # fmt: skip
def test_new_services_start_together_and_running_ones_are_changed_alone(
    running: tuple[str, ...], expected: list[list[str]]
) -> None:
    new = [name for name in NEEDS if name not in running]
    assert [list(wave) for wave in waves(SERVICES, new)] == expected


def test_each_service_comes_once_and_after_what_it_needs() -> None:
    for first in range(len(SERVICES)):
        new = [service.name for service in SERVICES[first:]]
        order = [name for wave in waves(SERVICES, new) for name in wave]
        assert sorted(order) == sorted(NEEDS)
        for name, needs in NEEDS.items():
            assert all(order.index(each) < order.index(name) for each in needs)
