from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.inventory.files import GOOD

Write = Callable[[str], Path]
Mend = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text as the inventory of this test."""

    def put(text: str) -> Path:
        file = tmp_path / "cluster.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return put


@pytest.fixture
def changed(write: Write) -> Mend:
    """The good file with some texts replaced; each must occur in it."""

    def put(*replacements: tuple[str, str]) -> Path:
        text = GOOD
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} must occur once"
            text = text.replace(old, new)
        return write(text)

    return put
