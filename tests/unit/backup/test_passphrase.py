"""Where a passphrase may come from, and what is none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bob.commands import _passphrase
from bob.commands._passphrase import passphrase
from bob.errors import UsageError


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_without_the_end_of_its_line(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "pass"
    file.write_bytes(b"correct horse" + ending.encode())
    assert passphrase(file, twice=True) == b"correct horse"


def test_a_key_may_hold_anything(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(bytes(range(128, 160)))
    assert passphrase(file, twice=False) == bytes(range(128, 160))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        passphrase(tmp_path / "none", twice=False)


def test_too_short_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "pass"
    file.write_text("sesame\n")
    with pytest.raises(UsageError, match="too short: 6 bytes") as error:
        passphrase(file, twice=False)
    assert "sesame" not in str(error.value)


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    with pytest.raises(UsageError, match="nobody to ask") as error:
        passphrase(None, twice=False)
    assert "--passphrase-file" in error.value.cure


@pytest.mark.parametrize("twice", [True, False])
def test_somebody_is_asked_without_an_echo(monkeypatch: pytest.MonkeyPatch, twice: bool) -> None:
    asked: dict[str, Any] = {}

    def prompt(text: str, **how: Any) -> str:
        asked.update(how)
        return "correct horse"

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(_passphrase.typer, "prompt", prompt)
    assert passphrase(None, twice=twice) == b"correct horse"
    assert asked == {"hide_input": True, "confirmation_prompt": twice, "err": True}
