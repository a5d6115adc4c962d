"""Where OpenStack is reached from outside of the cluster, and as whom."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import pytest
from fake_nomad import FakeVariables

from bob.catalogue import Catalogue
from bob.clients.consul import Check, Consul, ServiceInstance
from bob.errors import UsageError
from bob.ops import openstack
from bob.ops.configuration.generation import Generation
from bob.ops.services.wishes import ServiceWish


def haproxy(address: str, status: str = "passing") -> ServiceInstance:
    check = Check("n1", "id", "http", status, "", "haproxy", "haproxy")
    return ServiceInstance("n1", f"haproxy-{address}", "haproxy", address, 8080, (), (check,))


class Consuls:
    """A catalog with instances of haproxy, and configurations by service; `wished` are deployed."""

    def __init__(
        self,
        *instances: ServiceInstance,
        wished: Collection[str] = ("keepalived",),
        **values: dict[str, str],
    ) -> None:
        self.catalog = self
        self.instances, self.wished, self.values = instances, wished, values

    def service(self, name: str) -> tuple[ServiceInstance, ...]:
        return self.instances if name == "haproxy" else ()


@pytest.fixture(autouse=True)
def configurations(monkeypatch: pytest.MonkeyPatch) -> None:
    def newest(consul: Any, service: str) -> Generation:
        return Generation(values=consul.values.get(service, {}))

    def read_wish(consul: Any, service: str) -> ServiceWish | None:
        return ServiceWish(count=2) if service in consul.wished else None

    monkeypatch.setattr(openstack, "newest", newest)
    monkeypatch.setattr(openstack, "read_wish", read_wish)


SHARED = {"keepalived": {"address": "10.0.0.200"}}
SETTLED = {"keystone": {"public_address": "cloud.example.net"}}


@pytest.mark.parametrize(
    ("consul", "address"),
    [
        (Consuls(haproxy("10.0.0.1", "critical"), haproxy("10.0.0.2")), "10.0.0.2:8080"),
        (Consuls(haproxy("10.0.0.1"), **SHARED), "10.0.0.200:8080"),
        (Consuls(haproxy("10.0.0.1"), wished=(), **SHARED), "10.0.0.1:8080"),
        (Consuls(haproxy("10.0.0.1"), **SHARED, **SETTLED), "cloud.example.net"),
        (Consuls(**SETTLED), "cloud.example.net"),
    ],
)
def test_what_is_settled_comes_first_then_the_shared_address_then_a_passing_entry(
    consul: Consuls, address: str
) -> None:
    assert openstack.public_address(cast(Consul, consul)) == address


@pytest.mark.parametrize("consul", [Consuls(), Consuls(haproxy("10.0.0.1", "critical"), **SHARED)])
def test_without_an_entry_that_passes_nobody_gets_in(consul: Consuls) -> None:
    with pytest.raises(UsageError, match="no haproxy passes"):
        openstack.public_address(cast(Consul, consul))


def test_the_environment_is_that_of_the_first_user() -> None:
    variables = FakeVariables()
    consul = cast(Consul, Consuls(haproxy("10.0.0.1"), keystone={"region": "north"}))
    with pytest.raises(UsageError, match="admin_password of keystone is not set"):
        openstack.environment(Catalogue(), consul, variables)
    variables.put("nomad/jobs/keystone", {"admin_password": "pw"})
    found = openstack.environment(Catalogue(), consul, variables)
    assert found["OS_AUTH_URL"] == "http://10.0.0.1:8080/keystone/v3"
    assert (found["OS_USERNAME"], found["OS_PASSWORD"]) == ("admin", "pw")
    assert found["OS_REGION_NAME"] == "north"
    default = openstack.environment(Catalogue(), cast(Consul, Consuls(haproxy("n"))), variables)
    assert default["OS_REGION_NAME"] == "RegionOne"
