"""The beginning: configuration, systemd's socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bob.agent.__main__ import main
from bob.agent.epoch import EpochFile
from bob.agent.work import kinds
from bob.daemon import notify


@pytest.fixture
def own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the daemon sets for its whole process is put back."""
    monkeypatch.setenv("BOB_CACHE", str(tmp_path))
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0o600, "there is no"),
        ("{", 0o600, "is damaged"),
        ('{"cluster": "c1", "token": "s3cret"}', 0o600, "is damaged (at node"),
        ("{}", 0o644, "others may read it"),
    ],
)
def test_a_bad_configuration_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, mode: int, message: str
) -> None:
    path = tmp_path / "agent.json"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    folders = [f"--run-dir={tmp_path}", f"--data-dir={tmp_path}"]
    assert main([f"--config={path}", *folders]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert str(path) in said
    assert "s3cret" not in said


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(place)
        systemd.settimeout(10)
        notify.ready()  # nobody listens: no error
        monkeypatch.setenv("NOTIFY_SOCKET", place)
        notify.ready()
        assert systemd.recv(100) == b"READY=1"
        notify.alive("follows")
        assert systemd.recv(100) == b"WATCHDOG=1\nSTATUS=follows"
    monkeypatch.setenv("WATCHDOG_USEC", "120000000")
    assert notify.watchdog_seconds() == 120


def test_the_epoch_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    assert EpochFile(path).value == 0
    EpochFile(path).set(7)
    assert EpochFile(path).value == 7
    path.write_text("")
    assert EpochFile(path).value == 0


def test_every_kind_of_task_is_found() -> None:
    assert set(kinds()) == {"activate", "configure", "wipe"}
