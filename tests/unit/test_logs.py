"""What reaches the log file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bob import __version__, logs
from bob.errors import Temporary


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    before = structlog.get_config()
    yield logs.start("test", tmp_path)
    structlog.configure(**before)


def written(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_text().splitlines()[-1])
    return found


def test_only_the_owner_may_read_it(log_file: Path) -> None:
    assert log_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("field", ["token", "agent_token", "password", "gossip_key", "encrypt"])
def test_fields_that_speak_of_secrets_are_replaced(log_file: Path, field: str) -> None:
    logs.get().info("made", **{field: "s3cret"})
    assert written(log_file)[field] == "[redacted]"
    assert "s3cret" not in log_file.read_text()


def test_a_login_in_a_url_is_replaced(log_file: Path) -> None:
    logs.get().info("started", arguments=["--mirror", "https://joe:s3cret@mirror.example/x"])
    assert written(log_file)["arguments"] == ["--mirror", "https://[redacted]@mirror.example/x"]


def test_the_journal_tells_of_each_start_of_a_daemon(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    logs.start_daemon()
    structlog.configure(**before)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["version"]) == ("starting", __version__)


def test_old_logs_are_removed(tmp_path: Path, log_file: Path) -> None:
    for number in range(logs.KEPT_LOGS + 10):
        (tmp_path / f"20200101T{number:06}-old-1.log").touch()
    before = structlog.get_config()
    logs.start("again", tmp_path)
    structlog.configure(**before)
    assert len(list(tmp_path.glob("*.log"))) == logs.KEPT_LOGS


def test_a_failure_that_lasts_is_logged_once(log_file: Path) -> None:
    fault = logs.Fault("check")
    fault.failed(ValueError("down"))
    fault.failed(ValueError("down"))
    fault.failed(Temporary("refused", cure="Ask again."))
    fault.passed()
    fault.passed()
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]
    assert [line["error"] for line in lines] == ["down", "refused", "passed"]
    assert [line.get("cure") for line in lines] == [None, "Ask again.", None]
