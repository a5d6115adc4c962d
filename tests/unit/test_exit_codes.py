"""Every failure ends with its documented code, and says what, why and where the log is."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

import bob.__main__ as cli
from bob import errors, logs

CODES = {
    errors.BobError: 1,
    errors.UsageError: 2,
    errors.PreflightRefused: 3,
    errors.ScopeHeld: 5,
    errors.GuardRefused: 6,
    errors.DeadlinePassed: 7,
    errors.Unfinished: 8,
    errors.Degraded: 9,
    errors.Temporary: 1,
    errors.Permanent: 1,
    errors.LockLost: 1,
    KeyboardInterrupt: 130,
    ZeroDivisionError: 1,
}


def failing(error: type[BaseException]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error("the disk of n3 is full")

    return app


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda value: str(value))
def test_an_error_ends_with_its_code(
    error: type[BaseException], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "build_app", lambda: failing(error))
    assert cli.run([]) == code


def test_the_message_names_cause_cure_and_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise errors.BobError("the disk of n3 is full", cure="Make room on n3.")

    monkeypatch.setattr(cli, "build_app", lambda: app)
    monkeypatch.setattr(logs, "file", lambda: Path("/logs/run.log"))
    assert cli.run([]) == 1
    said = capsys.readouterr().err
    for part in ("the disk of n3 is full", "Make room on n3.", "/logs/run.log"):
        assert part in said


def test_a_defect_of_ours_is_called_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "build_app", lambda: failing(ZeroDivisionError))
    cli.run([])
    assert "BUG" in capsys.readouterr().err


def test_an_unknown_verb_is_wrong_usage() -> None:
    assert cli.run(["frobnicate"]) == 2


def test_every_code_is_in_the_help() -> None:
    for code in {*CODES.values(), errors.CHANGES_PENDING}:
        assert f"{code} " in cli.HELP
