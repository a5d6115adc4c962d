from __future__ import annotations

from pathlib import Path

import pytest

from bob.sandbox.cgroups import Hierarchies

HYBRID_MOUNTS = """\
21 1 0:20 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
22 21 0:21 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
23 21 0:22 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
24 21 0:23 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
25 21 0:24 / /sys/fs/cgroup/systemd rw,relatime - cgroup none rw,xattr,name=systemd
26 21 0:25 / /sys/fs/cgroup/unified rw,relatime - cgroup2 none rw,nsdelegate
"""
HYBRID_OWN = """\
9:name=systemd:/
7:memory:/session/one
6:freezer:/
5:net_cls:/
1:cpu,cpuacct:/
0::/
"""
V2_MOUNTS = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
V2_OWN = "0::/user.slice/session-1.scope\n"


def test_on_a_hybrid_machine_each_hierarchy_below_our_own_cgroup() -> None:
    found = Hierarchies.parse(HYBRID_OWN, HYBRID_MOUNTS)
    assert found.unified == Path("/sys/fs/cgroup/unified")
    assert found.others == {
        "name=systemd": Path("/sys/fs/cgroup/systemd"),
        "memory": Path("/sys/fs/cgroup/memory/session/one"),
        "freezer": Path("/sys/fs/cgroup/freezer"),
        "cpu,cpuacct": Path("/sys/fs/cgroup/cpu,cpuacct"),
    }
    assert found.freezer_file("bob-x/n1") == (
        Path("/sys/fs/cgroup/freezer/bob-x/n1/freezer.state"), "FROZEN", "THAWED"
    )  # fmt: skip


def test_on_pure_v2_below_the_root_which_may_hand_down_controllers() -> None:
    found = Hierarchies.parse(V2_OWN, V2_MOUNTS)
    assert (found.unified, found.others) == (Path("/sys/fs/cgroup"), {})
    file = Path("/sys/fs/cgroup/bob-x/n1/cgroup.freeze")
    assert found.freezer_file("bob-x/n1") == (file, "1", "0")


def test_a_machine_without_v2_is_refused() -> None:
    with pytest.raises(LookupError):
        Hierarchies.parse("1:memory:/\n", "23 21 0:22 / /c/memory rw - cgroup cgroup rw,memory\n")


def test_the_record_brings_back_the_same_hierarchies() -> None:
    found = Hierarchies.parse(HYBRID_OWN, HYBRID_MOUNTS)
    again = Hierarchies.from_json(found.to_json())
    assert (again.unified, again.others) == (found.unified, found.others)


@pytest.fixture
def played(tmp_path: Path) -> Hierarchies:
    """Plain directories in place of hierarchies: what is written into their files can be read."""
    (tmp_path / "cpuset").mkdir()
    (tmp_path / "unified").mkdir()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "unified" / "cgroup.controllers").write_text("memory pids\n")
    return Hierarchies(tmp_path / "unified", {"cpuset": tmp_path / "cpuset"})


def test_making_a_cgroup_makes_it_everywhere(played: Hierarchies) -> None:
    assert played.make("bob-x/n1") == played.dirs("bob-x/n1")
    assert all(path.is_dir() for path in played.dirs("bob-x/n1"))
    assert (played.unified / "cgroup.subtree_control").read_text() == "+pids"


def test_populated_and_frozen_are_read_from_the_kernel(played: Hierarchies) -> None:
    group = played.make_unified("bob-x/n1")
    assert not played.populated("bob-x/n1")
    (group / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert played.populated("bob-x/n1")
    assert not played.frozen("bob-x/n1")
    (group / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert played.frozen("bob-x/n1")


def test_kill_kills_first_and_thaws_after(played: Hierarchies) -> None:
    group = played.make_unified("bob-x/n1")
    played.kill("bob-x/n1")
    killed, thawed = group / "cgroup.kill", group / "cgroup.freeze"
    assert (killed.read_text(), thawed.read_text()) == ("1", "0")
    assert killed.stat().st_mtime_ns <= thawed.stat().st_mtime_ns


def test_remove_takes_the_whole_tree(played: Hierarchies) -> None:
    group = played.make_unified("bob-x/n1/payload/system.slice")
    played.remove("bob-x")
    assert not group.parent.exists()
    assert not (played.unified / "bob-x").exists()
