"""What is read from texts of the kernel and of programs, and what is counted over time."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from healthcheck.cluster.facts import Ceph
from healthcheck.cluster.services import parse_ceph
from healthcheck.node.disks import smart
from healthcheck.node.facts import Disk, Leg, Mount, Nic, Unit
from healthcheck.node.host import clock, memory, parse_units, uptime
from healthcheck.node.link_watch import indexes_in, nics_of
from healthcheck.node.mounts import mounts
from healthcheck.node.recent import Recent

INFO = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro
23 22 0:20 / /proc rw - proc proc rw
24 22 0:21 / /run rw - tmpfs tmpfs rw
25 22 8:2 / /var/lib/bob\\040data rw - xfs /dev/sdb ro,attr2
26 22 8:1 /var/x /mnt/bind ro - ext4 /dev/sda1 rw
27 22 0:40 / /nfs rw - nfs4 server:/x rw
28 22 0:41 / /docker/overlay2/x/merged rw - overlay overlay rw
29 22 0:42 / /fuse rw - fuse.glusterfs g rw
30 22 0:43 / /sys/fs/fuse/connections rw - fusectl fusectl rw
31 22 8:5 / /iso rw - ext4 /dev/sde ro
broken line
"""
TABLE = "# /dev/x /var/lib/bob\\040data xfs ro 0 0\n/dev/sde /iso ext4 defaults,ro 0 0\nshort\n"


def test_what_holds_data_is_watched_each_once() -> None:
    assert mounts(INFO, TABLE) == (
        Mount("/", "ext4"),
        Mount("/fuse", "fuse.glusterfs"),
        Mount("/iso", "ext4", readonly=True, wants_readonly=True),
        Mount("/nfs", "nfs4"),
        Mount("/var/lib/bob data", "xfs", readonly=True),
    )


def test_a_root_of_any_kind_is_watched() -> None:
    assert mounts("1 0 0:5 / / rw - overlay overlay rw\n", "") == (Mount("/", "overlay"),)


@pytest.mark.parametrize(
    ("code", "document", "disk"),
    [
        (0, {"smart_status": {"passed": True}}, Disk("sda", True)),
        (8, {"smart_status": {"passed": False}}, Disk("sda", False)),
        (8, {}, Disk("sda", False)),
        (16, {"smart_status": {"passed": True}},
         Disk("sda", True, "an attribute is below its limit")),
        (2, {}, Disk("sda", None)),  # it could not be opened: nothing is said of it
        (0, {"smart_status": {"passed": True},
             "nvme_smart_health_information_log": {"critical_warning": 4, "percentage_used": 120}},
         Disk("sda", True, "critical warning 0x04, worn out by its maker's measure")),
    ],
)  # fmt: skip
def test_what_a_disk_says_of_itself(code: int, document: dict[str, Any], disk: Disk) -> None:
    assert smart("sda", code, document) == disk


def test_units_are_read_by_paragraph() -> None:
    text = (
        "Id=nomad.service\nActiveState=active\nNRestarts=2\nResult=success\n\n"
        "ActiveState=failed\nId=consul-mgmt.service\nNRestarts=\nResult=exit-code\n\nnonsense\n"
    )
    assert parse_units(text) == (
        Unit("nomad", "active", 2, "success"),
        Unit("consul-mgmt", "failed", 0, "exit-code"),
    )


def test_the_kernel_of_this_machine_tells_memory_clock_and_uptime() -> None:
    found = memory()
    assert 0 < found.available <= found.total
    assert clock().error >= 0
    assert uptime() > 0


@pytest.mark.parametrize(
    ("readings", "now", "risen"),
    [
        ([(0, 5)], 0, 0),
        ([(0, 5), (10, 7)], 10, 2),
        ([(0, 5), (10, 7), (100, 7), (500, 9)], 500, 4),
        ([(0, 5), (10, 7)], 700, 0),  # older than the window
        ([(0, 5), (10, 7), (605, 8)], 605, 3),  # 7 came within it
        ([(0, 5), (10, 1)], 10, 1),  # a counter that began anew
    ],
)
def test_only_events_of_the_last_ten_minutes_count(
    readings: list[tuple[float, int]], now: float, risen: int
) -> None:
    recent = Recent()
    for moment, value in readings:
        recent.note(moment, {("link", "mgmt"): value})
    assert recent.risen(now) == {("link", "mgmt"): risen}


def link(index: int, name: str, *addresses: str, **changes: object) -> dict[str, object]:
    return {
        "index": index, "name": name, "on": True, "carrier": True, "changes": 1, "master": 0,
        "leg": False, "addresses": list(addresses), **changes,
    }  # fmt: skip


def test_nics_are_found_by_the_addresses_of_the_networks() -> None:
    links = [
        link(1, "lo", "127.0.0.1"),
        link(2, "eth0", "10.0.0.1", "10.0.0.9", carrier=False),
        link(3, "bond0", "10.1.0.1"),
        link(4, "eth1", master=3, leg=True),
        link(5, "eth2", master=3, leg=True, carrier=False),
        link(6, "tap0", master=3),
    ]
    assert nics_of(links, {"mgmt": "10.0.0.1", "storage": "10.1.0.1", "tenant": "10.2.0.1"}) == {
        "mgmt": Nic("eth0", on=True, carrier=False, changes=1),
        "storage": Nic("bond0", True, True, 1, (Leg("eth1", True), Leg("eth2", False))),
        "tenant": None,
    }


def test_messages_of_the_kernel_tell_which_nic_they_are_about() -> None:
    def message(index: int, extra: bytes = b"") -> bytes:
        body = struct.pack("=4xi", index) + extra
        return struct.pack("=IHHII", 16 + len(body), 16, 0, 0, 0) + body

    padded = message(7, b"abc") + b"\0"
    assert list(indexes_in(padded + message(3))) == [7, 3]
    assert list(indexes_in(b"short")) == []
    assert list(indexes_in(bytes(64))) == [0, 0, 0]  # never without end


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"status": "HEALTH_OK", "checks": {}}, Ceph("HEALTH_OK")),
        ({"status": "HEALTH_WARN",
          "checks": {"OSD_DOWN": {"severity": "HEALTH_WARN",
                                  "summary": {"message": "1 osds down", "count": 1}}}},
         Ceph("HEALTH_WARN", (("OSD_DOWN", "1 osds down"),))),
        ({}, Ceph("")),
    ],
)  # fmt: skip
def test_what_ceph_says_of_itself(document: dict[str, Any], found: Ceph) -> None:
    assert parse_ceph(document) == found
