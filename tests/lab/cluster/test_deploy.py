"""A service on a real cluster: deployed, asked through its router, and kept alive."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from harness import Lab

from bob.clients.consul import Consul
from bob.clients.nomad import Allocation
from bob.context import Context
from bob.waiting import pause, wait_for
from inventory import NetworkName

HEAL_SECONDS = 60.0  # measured: 8 s on a quiet machine
ASKING_INTERVAL = 0.05


@pytest.fixture(scope="module")
def deployed(cluster: Lab) -> dict[str, Any]:
    """What the first `bob deploy demo` printed."""
    return deploy(cluster)


@pytest.fixture
def context(cluster: Lab, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("BOB_STATE", str(cluster.state))
    return Context.load(cluster.sandbox.name)


def deploy(lab: Lab, service: str = "demo") -> dict[str, Any]:
    words = ("deploy", service, "--yes", "-o", "json", "--cluster", lab.sandbox.name)
    found: dict[str, Any] = json.loads(lab.bob(*words).stdout)
    return found


def places(view: dict[str, Any], service: str) -> dict[str, str]:
    """Address of each instance of a service, by node."""
    (found,) = (each for each in view["services"] if each["name"] == service)
    return {instance["node"]: instance["address"] for instance in found["instances"]}


def get(address: str) -> str:
    answer = requests.get(f"http://{address}/demo/", timeout=3)
    answer.raise_for_status()
    return answer.text.strip()


def answering(address: str) -> set[str]:
    """Names of the hosts whose instances answer through a router, which takes turns."""
    return {get(address).rpartition(" ")[2] for _ in range(6)}


def test_two_instances_run_on_different_hosts_behind_two_routers(
    deployed: dict[str, Any],
) -> None:
    assert len(places(deployed, "demo")) == 2
    assert len(places(deployed, "haproxy")) == 2
    assert deployed["answers"]["demo"]["text"].startswith("Hello from instance ")
    assert deployed["skipped_hosts"] == []


def test_every_router_leads_to_every_instance(deployed: dict[str, Any]) -> None:
    for router in places(deployed, "haproxy").values():
        wait_for(
            lambda router=router: answering(router) == set(places(deployed, "demo")),
            what=f"{router} leads to all",
            deadline=HEAL_SECONDS,
        )


def test_a_path_without_a_service_is_not_found(deployed: dict[str, Any]) -> None:
    for router in places(deployed, "haproxy").values():
        assert requests.get(f"http://{router}/nix/", timeout=3).status_code == 404


@pytest.mark.usefixtures("deployed")
def test_a_second_deployment_changes_nothing(cluster: Lab, context: Context) -> None:
    before = {job.id: job.modify_index for job in context.nomad().state.jobs()}
    assert deploy(cluster)["changes"] == []
    assert {job.id: job.modify_index for job in context.nomad().state.jobs()} == before


@pytest.mark.usefixtures("deployed")
def test_the_services_are_part_of_the_status(cluster: Lab) -> None:
    wait_for(cluster.healthy, what="healthy", deadline=HEAL_SECONDS)
    services = {each["name"]: each for each in cluster.status()["services"]}
    for name in ("demo", "haproxy"):
        assert services[name] == {"name": name, "desired": 2, "healthy": 2}


@pytest.mark.usefixtures("deployed")
def test_an_image_that_is_gone_from_a_host_is_brought_back(cluster: Lab, context: Context) -> None:
    used = {allocation.node_name for allocation in current(context, "demo")}
    (free,) = {node.name for node in cluster.sandbox.nodes} - used
    image = cluster.on(free, "docker image ls -q bob-demo").strip()
    cluster.on(free, f"docker image rm -f {image}")
    (change,) = deploy(cluster)["changes"]
    assert change.startswith(f"{free}: load image bob-demo:")
    assert cluster.on(free, "docker image ls -q bob-demo").strip() == image


def test_a_new_greeting_in_kv_is_shown_without_a_restart(
    deployed: dict[str, Any], context: Context
) -> None:
    before = {allocation.id for allocation in current(context, "demo")}
    consul = unlimited(context)
    consul.kv.put("config/demo/params/greeting", b"Good morning")
    try:
        wait_for(
            lambda: all(
                get(router).startswith("Good morning from instance")
                for router in places(deployed, "haproxy").values()
                for _ in range(4)
            ),
            what="the new greeting",
            deadline=HEAL_SECONDS,
        )
    finally:
        consul.kv.delete("config/demo/params/greeting")
    assert {allocation.id for allocation in current(context, "demo")} == before


def test_no_request_is_lost_while_an_instance_is_moved(
    deployed: dict[str, Any], context: Context
) -> None:
    """The router is reloaded at least twice: the old instance leaves, the new one comes."""
    nomad = context.nomad()
    victim = current(context, "demo")[0]
    with asking(*places(deployed, "haproxy").values()) as failures:
        nomad.http.request("PUT", f"/v1/allocation/{victim.id}/stop")
        await_current(context, "demo", lambda found: victim.id not in {a.id for a in found})
        address = next(iter(places(deployed, "haproxy").values()))
        wait_for(
            lambda: len(answering(address)) == 2,
            what="the router leads to both again",
            deadline=HEAL_SECONDS,
        )
    assert failures == []


def test_the_service_goes_on_when_the_host_of_an_instance_loses_power(
    cluster: Lab, context: Context
) -> None:
    name, view = cluster.sandbox.name, deploy(cluster)
    routers, instances = places(view, "haproxy"), places(view, "demo")
    # A host with an instance, such that a router is left on another one.
    victim = next(node for node in instances if set(routers) - {node})
    left = [address for node, address in routers.items() if node != victim]
    with asking(*left) as failures:
        cluster.bob("sandbox", "fault", "power", victim, "off", "--name", name)
        try:
            for service in ("demo", "haproxy"):
                await_current(
                    context, service, lambda found: victim not in {a.node_name for a in found}
                )
            wait_for(
                lambda: (
                    {get(left[0]).rpartition(" ")[2] for _ in range(6)}
                    == {allocation.node_name for allocation in current(context, "demo")}
                ),
                what="the router leads to the replacement",
                deadline=HEAL_SECONDS,
            )
        finally:
            cluster.bob("sandbox", "fault", "power", victim, "on", "--name", name)
    assert failures == []
    wait_for(cluster.healthy, what="healthy with all hosts", deadline=2 * HEAL_SECONDS)
    assert deploy(cluster)["changes"] == []


def test_an_unknown_service_is_refused_with_the_known_ones(cluster: Lab) -> None:
    result = cluster.bob("deploy", "nix", "--cluster", cluster.sandbox.name, code=2)
    known = result.stderr.partition("There are: ")[2].partition(".")[0].split(", ")
    assert {"demo", "haproxy"} <= set(known)


@contextmanager
def asking(*routers: str) -> Iterator[list[str]]:
    """Requests to all routers, one after the other, until the end; yields what went wrong."""
    failures: list[str] = []
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            for router in routers:
                try:
                    get(router)
                except requests.RequestException as error:
                    failures.append(f"{router}: {error}")
            pause(ASKING_INTERVAL)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield failures
    finally:
        over.set()
        thread.join()


def unlimited(context: Context) -> Consul:
    """Consul with the right to write; the token of `Context.consul` only reads."""
    token = context.secrets().consul_management[NetworkName.MGMT].get_secret_value()
    return Consul(context.consul_url(context.servers[0]), token, context.consul_ca_file)


def current(context: Context, service: str) -> list[Allocation]:
    """The allocations that Nomad wants and runs."""
    found = context.nomad().state.allocations(service)
    return [each for each in found if each.running and each.desired == "run"]


def await_current(
    context: Context, service: str, condition: Callable[[list[Allocation]], bool]
) -> None:
    """Wait until two instances run for which the condition holds."""

    def holds() -> bool:
        found = current(context, service)
        return len(found) == 2 and condition(found)

    wait_for(holds, what=f"two instances of {service}", deadline=HEAL_SECONDS, interval=0.5)
