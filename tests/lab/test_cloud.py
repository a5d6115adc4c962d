"""Real services of a cloud on three hosts: they answer, roll, scale, and survive a lost host."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from clouds import BUILD_SECONDS, SERVICES, Cloud, say_to
from end_state import nomad
from harness import Factory, Lab, power

from bob.catalogue import Catalogue
from bob.waiting import pause, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(2 * BUILD_SECONDS)]

SECONDS = 180.0  # generous: machines that run these tests are slow and shared
EVERY = 0.05


@pytest.fixture(scope="module")
def cloud(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """All services that can run on a small machine."""
    made = Cloud(Lab(sandbox_factory("cloud", 3), tmp_path_factory.mktemp("state")))
    made.bring_up(*SERVICES)
    wait_for(lambda: len(made.holders()) == 1, what="one holder", deadline=SECONDS)
    return made


@contextmanager
def asking(url: str) -> Iterator[list[str]]:
    """Ask all the time; what did not succeed."""
    failed: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                requests.get(url, timeout=5).raise_for_status()
            except requests.RequestException as error:
                failed.append(str(error))
            pause(EVERY)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failed
    finally:
        over.set()
        thread.join()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def lifetime(cloud: Cloud) -> float:
    """Hours that a new token lives."""
    access = cloud.openstack().session.auth.get_access(cloud.openstack().session)
    return round((access.expires - access.issued).total_seconds() / 3600, 2)


def test_keystone_gives_a_token_through_the_entry_and_names_every_service(cloud: Cloud) -> None:
    client = cloud.openstack()
    assert client.authorize()
    assert client.current_user_id

    def public() -> dict[str, str]:
        return {
            entry["name"]: each["url"]
            for entry in cloud.openstack().service_catalog
            for each in entry["endpoints"]
            if each["interface"] == "public"
        }

    entry = f"http://{cloud.shared}:8080"
    wait_for(
        lambda: (
            public()
            == {
                "glance": f"{entry}/glance/",
                "keystone": f"{entry}/keystone/v3",
                "placement": f"{entry}/placement/",
            }
        ),
        what="every endpoint is at the shared address",
        deadline=SECONDS,
    )


def test_an_image_comes_back_as_it_was_sent(cloud: Cloud) -> None:
    client, content = cloud.openstack(), os.urandom(3 * 2**20)
    made = client.create_image("lab", data=content, disk_format="raw", container_format="bare")
    assert client.image.get_image(made.id).status == "active"
    assert client.image.download_image(made.id).content == content
    client.delete_image(made.id, wait=True)


def test_placement_keeps_a_resource_provider(cloud: Cloud) -> None:
    placement = cloud.openstack().placement
    made = placement.create_resource_provider(name="lab")
    assert [each.id for each in placement.resource_providers(name="lab")] == [made.id]
    placement.delete_resource_provider(made)


def test_the_guest_of_the_qemu_driver_answers_on_its_console(cloud: Cloud) -> None:
    (instance,) = cloud.instances("vm")
    assert say_to(instance.address, instance.port, b"\n") == b"BOB-UP\r\n"


def test_a_program_of_the_host_serves_a_page(cloud: Cloud) -> None:
    answer = requests.get(f"http://{cloud.shared}:8080/page/index.html", timeout=5)
    assert answer.text.startswith("Hello from n")


def test_tokens_are_valid_at_every_instance_also_at_a_third_one(cloud: Cloud) -> None:
    token = cloud.openstack().authorize()
    cloud.bob("scale", "keystone", "3", "--yes")
    instances = cloud.instances("keystone")
    assert len({instance.node for instance in instances}) == 3
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    for instance in instances:
        url = f"http://{instance.address}:{instance.port}/v3/auth/tokens"
        assert requests.get(url, headers=headers, timeout=10).status_code == 200
    cloud.bob("scale", "keystone", "2", "--yes")


def test_a_parameter_rolls_its_own_service_only_and_comes_back(cloud: Cloud) -> None:
    others = ("glance", "mariadb", "memcached", "rabbitmq", "redis")
    before = {name: set(cloud.allocations(name)) for name in (*others, "keystone")}
    assert lifetime(cloud) == 1
    with asking(f"http://{cloud.shared}:8080/keystone/v3") as failed:
        cloud.bob("config", "set", "keystone", "token_seconds=7200", "--yes")
    assert failed == []
    assert lifetime(cloud) == 2
    assert not before["keystone"] & set(cloud.allocations("keystone"))
    assert {name: set(cloud.allocations(name)) for name in others} == {
        name: before[name] for name in others
    }
    cloud.bob("config", "rollback", "keystone", "--yes")
    assert lifetime(cloud) == 1


def test_no_secret_is_in_a_job_or_in_consul(cloud: Cloud) -> None:
    client, catalogue = nomad(cloud.lab), Catalogue()
    places = {
        f"job {name}": json.dumps(client.jobs.get(name))
        for name in (job.id for job in client.state.jobs())
    }
    folders = ("config/", "bob/services/", "bob/history/", "bob/ops/")
    for folder in folders:
        found = consul_texts(cloud, folder)
        places |= {f"key {key}": text for key, text in found.items()}
    for name in (*SERVICES, "mariadb"):
        variable = client.variables.get(f"nomad/jobs/{name}")
        for secret in catalogue.service(name).secrets:
            assert variable is not None
            value = variable.items[secret]
            assert [place for place, text in places.items() if value in text] == []


def consul_texts(cloud: Cloud, folder: str) -> dict[str, str]:
    from end_state import consul

    entries = consul(cloud.lab).kv.list(folder)
    return {entry.key: entry.value.decode(errors="replace") for entry in entries}


def test_the_entry_messages_and_the_master_survive_a_host(cloud: Cloud) -> None:
    """The host of the shared address goes under load; it holds a node of RabbitMQ and of redis."""
    (victim,) = cloud.holders()
    amqp = {instance.node: instance.address for instance in cloud.instances("rabbitmq")}
    assert len(amqp) == 3
    assert cloud.message(amqp[victim], "send", "kept", without=victim) == ""
    url = f"http://{cloud.shared}:8080/demo/"
    power(cloud.lab.sandbox, [victim], "off")
    try:
        wait_for(lambda: answers(url), what="the entry answers", deadline=SECONDS)
        (survivor, _) = [name for name in amqp if name != victim]
        wait_for(
            lambda: taken(cloud, amqp[survivor], victim) == "kept",
            what="the message is there", deadline=SECONDS, interval=1.0,
        )  # fmt: skip
        wait_for(
            lambda: {m.node for m in cloud.instances("redis-master")} - {victim},
            what="a master of redis", deadline=SECONDS, interval=0.5,
        )  # fmt: skip
    finally:
        power(cloud.lab.sandbox, [victim], "on")
    wait_for(cloud.lab.healthy, what="healthy with all hosts", deadline=2 * SECONDS, interval=1.0)
    wait_for(lambda: len(cloud.instances("rabbitmq")) == 3, what="all nodes", deadline=SECONDS)
    assert cloud.openstack().authorize()


def taken(cloud: Cloud, host: str, victim: str) -> Any:
    """A message; nothing while the queue has no leader yet."""
    try:
        return cloud.message(host, "take", without=victim)
    except AssertionError:  # the command in the container failed
        return None
