"""`kolla_set_configs`, rule by rule: what is copied where, whose it is, and what is refused."""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest

from bob.images.kolla import set_configs
from bob.images.kolla.set_configs import Places

ME = pwd.getpwuid(os.getuid()).pw_name
MY_GROUP = grp.getgrgid(os.getgid()).gr_name
MINE = {"owner": f"{ME}:{MY_GROUP}", "perm": "0600"}


class Container:
    """The few files of a container that the program works with, in a folder of their own."""

    def __init__(self, root: Path) -> None:
        self.input = root / "config_files"
        self.input.mkdir()
        self.etc = root / "etc"
        self.places = Places(self.input / "config.json", root / "run_command", root / "configured")

    def put(self, name: str, text: str) -> Path:
        path = self.input / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def configure(self, **config: Any) -> None:
        self.places.config.write_text(json.dumps({"command": "true", **config}))

    def file(self, source: str, dest: str, **settings: Any) -> dict[str, Any]:
        properties = {} if settings.get("preserve_properties") else MINE
        into = f"{self.etc}/{dest}"
        return {"source": str(self.input / source), "dest": into, **properties, **settings}

    def run(self, *arguments: str) -> int:
        return set_configs.main(list(arguments), self.places)


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Container:
    monkeypatch.setenv("KOLLA_CONFIG_STRATEGY", "COPY_ALWAYS")
    return Container(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_copied_with_its_mode_and_the_command_is_left_for_the_start(
    container: Container,
) -> None:
    container.put("app.conf", "x=1")
    container.configure(command="app --go", config_files=[container.file("app.conf", "a/app.conf")])
    assert container.run() == 0
    assert (container.etc / "a/app.conf").read_text() == "x=1"
    assert mode(container.etc / "a/app.conf") == 0o600
    assert container.places.command.read_text() == "app --go"
    assert mode(container.places.command) == 0o644


def test_a_destination_that_ends_with_a_slash_is_a_folder(container: Container) -> None:
    container.put("app.conf", "x")
    container.configure(config_files=[container.file("app.conf", "conf.d/")])
    assert container.run() == 0
    assert (container.etc / "conf.d/app.conf").read_text() == "x"


def test_a_pattern_copies_every_match_but_hidden_files(container: Container) -> None:
    for name in ("one.conf", "two.conf", ".hidden.conf", "other.txt"):
        container.put(name, name)
    container.configure(config_files=[container.file("*.conf", "conf.d/")])
    assert container.run() == 0
    assert sorted(p.name for p in (container.etc / "conf.d").iterdir()) == ["one.conf", "two.conf"]


def test_a_folder_is_copied_whole_and_what_was_there_goes(container: Container) -> None:
    container.put("keys/0", "staged")
    container.put("keys/deep/1", "first")
    (container.etc / "keys").mkdir(parents=True)
    (container.etc / "keys/old").write_text("old")
    container.configure(config_files=[container.file("keys", "keys")])
    assert container.run() == 0
    names = sorted(str(p.relative_to(container.etc)) for p in container.etc.rglob("*"))
    assert names == ["keys", "keys/0", "keys/deep", "keys/deep/1"]
    assert mode(container.etc / "keys/deep") == 0o700  # who may read a folder may enter it
    assert mode(container.etc / "keys/deep/1") == 0o600


def test_merge_keeps_what_else_is_in_the_folder(container: Container) -> None:
    container.put("conf/new", "new")
    (container.etc / "conf").mkdir(parents=True)
    (container.etc / "conf/old").write_text("old")
    container.configure(config_files=[container.file("conf", "conf", merge=True)])
    assert container.run() == 0
    assert {p.name for p in (container.etc / "conf").iterdir()} == {"new", "old"}


def test_a_link_in_the_way_is_replaced_and_not_followed(container: Container) -> None:
    container.put("app.conf", "new")
    container.etc.mkdir()
    elsewhere = container.etc / "elsewhere"
    elsewhere.write_text("untouched")
    (container.etc / "app.conf").symlink_to(elsewhere)
    container.configure(config_files=[container.file("app.conf", "app.conf")])
    assert container.run() == 0
    assert elsewhere.read_text() == "untouched"
    assert not (container.etc / "app.conf").is_symlink()


def test_preserve_properties_takes_mode_and_time_from_the_source(container: Container) -> None:
    source = container.put("tool", "#!/bin/sh")
    source.chmod(0o750)
    os.utime(source, (1, 1))
    container.configure(config_files=[container.file("tool", "tool", preserve_properties=True)])
    assert container.run() == 0
    copied = container.etc / "tool"
    assert mode(copied) == 0o750
    assert copied.stat().st_mtime == 1


def test_with_merge_and_preserve_properties_a_link_stays_a_link(container: Container) -> None:
    container.put("conf/real", "text")
    (container.input / "conf/link").symlink_to("real")
    entry = container.file("conf", "conf", merge=True, preserve_properties=True)
    container.configure(config_files=[entry])
    assert container.run() == 0
    assert (container.etc / "conf/link").readlink() == Path("real")


@pytest.mark.parametrize(("optional", "code"), [(False, 1), (True, 0)])
def test_a_missing_source_stops_the_start_unless_it_is_optional(
    container: Container, optional: bool, code: int
) -> None:
    container.configure(config_files=[container.file("absent", "absent", optional=optional)])
    assert container.run() == code
    assert container.places.command.exists() == (code == 0)


def test_copy_once_copies_once(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLLA_CONFIG_STRATEGY", "COPY_ONCE")
    container.put("app.conf", "first")
    container.configure(config_files=[container.file("app.conf", "app.conf")])
    assert container.run() == 0
    container.put("app.conf", "second")
    assert container.run() == 0
    assert (container.etc / "app.conf").read_text() == "first"


def test_copy_always_copies_at_each_start(container: Container) -> None:
    container.put("app.conf", "first")
    container.configure(config_files=[container.file("app.conf", "app.conf")])
    assert container.run() == 0
    container.put("app.conf", "second")
    assert container.run() == 0
    assert (container.etc / "app.conf").read_text() == "second"


@pytest.mark.parametrize("strategy", [None, "", "COPY_SOMETIMES"])
def test_another_strategy_stops_the_start(
    container: Container, monkeypatch: pytest.MonkeyPatch, strategy: str | None
) -> None:
    monkeypatch.delenv("KOLLA_CONFIG_STRATEGY")
    if strategy is not None:
        monkeypatch.setenv("KOLLA_CONFIG_STRATEGY", strategy)
    container.configure()
    assert container.run() == 1
    assert not container.places.command.exists()


def test_directories_are_made_with_their_mode(container: Container) -> None:
    path = container.etc / "a/b"
    container.configure(directories=[{"path": str(path), "owner": MINE["owner"], "perm": "0750"}])
    assert container.run() == 0
    assert mode(path) == 0o750


def test_permissions_reach_below_and_leave_out_what_is_excluded(container: Container) -> None:
    for name in ("data/a", "data/deep/b", "data/deep/keep.pid"):
        path = container.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
    entry = {
        "path": f"{container.etc}/da*", "owner": MINE["owner"], "perm": "0640",
        "recurse": True, "exclude": [r"\.pid$", "never"],
    }  # fmt: skip
    container.configure(permissions=[entry])
    assert container.run() == 0
    modes = {str(p.relative_to(container.etc)): mode(p) for p in container.etc.rglob("*")}
    assert modes == {
        "data": 0o750, "data/a": 0o640, "data/deep": 0o750, "data/deep/b": 0o640,
        "data/deep/keep.pid": 0o644,
    }  # fmt: skip


def test_without_recurse_only_the_path_itself_is_changed(container: Container) -> None:
    (container.etc / "data").mkdir(parents=True)
    inner = container.etc / "data/a"
    inner.write_text("")
    inner.chmod(0o644)
    entry = {"path": f"{container.etc}/data", "owner": MINE["owner"], "perm": "0700"}
    container.configure(permissions=[entry])
    assert container.run() == 0
    assert (mode(container.etc / "data"), mode(inner)) == (0o700, 0o644)


@pytest.mark.parametrize(
    ("owner", "asked"),
    [("mysql", ("mysql", "mysql")), ("mysql:", ("mysql", "mysql")), ("a:b", ("a", "b"))],
)
def test_the_group_is_named_like_the_user_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch, owner: str, asked: tuple[str, str]
) -> None:
    seen: list[str] = []

    class Entry:
        pw_uid, gr_gid = 1, 2

    def look_up(name: str) -> Entry:
        seen.append(name)
        return Entry()

    monkeypatch.setattr(pwd, "getpwnam", look_up)
    monkeypatch.setattr(grp, "getgrnam", look_up)
    assert set_configs.ids(owner) == (1, 2)
    assert tuple(seen) == asked


@pytest.mark.parametrize(
    ("perm", "folder", "bits"),
    [
        ("0600", False, 0o600),
        ("0600", True, 0o700),
        ("0644", True, 0o755),
        ("0640", True, 0o750),
        ("0o440", False, 0o440),
        ("600", False, 0o600),
    ],
)
def test_a_folder_that_may_be_read_may_be_entered(perm: str, folder: bool, bits: int) -> None:
    assert set_configs.mode(perm, folder=folder) == bits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "is not JSON"),
        ("[]", 'lacks the text "command"'),
        ('{"command": ["a"]}', 'lacks the text "command"'),
        ('{"command": "a", "config_files": [{"source": "x"}]}', "config_files[0] lacks dest"),
        (
            '{"command": "a", "config_files": [{"source": "x", "dest": "y", "owner": "z"}]}',
            "needs owner and perm, or preserve_properties",
        ),
        (
            '{"command": "a", "config_files": [{"source": "x", "dest": "y", "mode": "z"}]}',
            "unknown keys: mode",
        ),
        ('{"command": "a", "directories": [{}]}', "directories[0] lacks path"),
        ('{"command": "a", "permissions": [{"path": "x"}]}', "permissions[0] lacks owner"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    container: Container, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    container.places.config.write_text(text)
    assert container.run() == 1
    assert said in caplog.text
    assert str(container.places.config) in caplog.text


def test_a_config_that_is_not_there_is_told(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    assert container.run() == 1
    assert "cannot be read: No such file" in caplog.text


@pytest.mark.parametrize(
    ("setting", "said"),
    [({"owner": "no-such-user"}, "no-such-user"), ({"perm": "rw"}, "not octal")],
)
def test_an_unknown_owner_or_mode_stops_the_start(
    container: Container, caplog: pytest.LogCaptureFixture, setting: dict[str, str], said: str
) -> None:
    container.put("app.conf", "x")
    container.configure(config_files=[container.file("app.conf", "app.conf", **setting)])
    assert container.run() == 1
    assert said in caplog.text


def change_content(target: Path) -> None:
    target.write_text("other")


def change_mode(target: Path) -> None:
    target.chmod(0o644)


def take_away(target: Path) -> None:
    target.unlink()


@pytest.mark.parametrize("change", [change_content, change_mode, take_away])
def test_check_finds_what_is_not_as_configured(
    container: Container, caplog: pytest.LogCaptureFixture, change: Any
) -> None:
    container.put("conf/app.conf", "x")
    container.configure(config_files=[container.file("conf", "conf")])
    assert container.run() == 0
    assert container.run("--check") == 0
    change(container.etc / "conf/app.conf")
    assert container.run("--check") == 1
    assert str(container.etc / "conf") in caplog.text


def test_check_finds_another_command(container: Container) -> None:
    container.configure(command="old")
    assert container.run() == 0
    container.configure(command="new")
    assert container.run("--check") == 1


def test_check_changes_nothing(container: Container) -> None:
    container.put("app.conf", "x")
    container.configure(config_files=[container.file("app.conf", "app.conf")])
    assert container.run("--check") == 1
    assert not container.etc.exists()
