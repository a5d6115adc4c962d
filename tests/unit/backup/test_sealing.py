"""A sealed file opens with its passphrase alone, and only whole."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bob.errors import UsageError
from bob.ops.backup import sealing
from bob.ops.backup.sealing import Label, read_label, seal, unseal

LABEL = Label("c1", "01ABC", "2026-01-01T00:00:00+00:00")
KEY = b"correct horse"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sealing.SCRYPT, "n", 2)
    monkeypatch.setattr(sealing, "PIECE", 100)


def sealed(content: bytes) -> bytes:
    sink = io.BytesIO()
    seal(io.BytesIO(content), sink, LABEL, KEY)
    return sink.getvalue()


def opened(content: bytes, key: bytes = KEY) -> bytes:
    sink = io.BytesIO()
    assert unseal(io.BytesIO(content), sink, "b.bob", key) == LABEL
    return sink.getvalue()


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 1050])
def test_what_was_sealed_comes_out_again(size: int) -> None:
    content = bytes(range(256)) * 5
    assert opened(sealed(content[:size])) == content[:size]


def test_anybody_can_read_whose_it_is_and_nothing_else() -> None:
    whole = sealed(b"very secret" * 20)
    assert read_label(io.BytesIO(whole), "b.bob") == LABEL
    assert b"secret" not in whole


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(UsageError, match="another passphrase"):
        opened(sealed(b"x" * 250), b"wrong horse")


def test_two_backups_of_the_same_share_nothing() -> None:
    first, second = (sealed(b"x" * 50).partition(b"}\n")[2] for _ in range(2))
    assert first != second


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_file_does_not_open(data: st.DataObject) -> None:
    whole = sealed(b"x" * 250)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = data.draw(st.integers(1, 255))
    broken = whole[:place] + bytes([whole[place] ^ changed]) + whole[place + 1 :]
    with pytest.raises(UsageError):
        opened(broken)


@pytest.mark.parametrize("cost", ["0", "1", "12", "1.6", '"16"', "true", "null", "1e3"])
def test_a_cost_that_cannot_be_is_damage(cost: str) -> None:
    whole = sealed(b"x" * 250)
    changed = re.sub(rb'"n": [0-9]+', f'"n": {cost}'.encode(), whole, count=1)
    assert changed != whole
    with pytest.raises(UsageError, match="is damaged"):
        opened(changed)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100_000))
def test_a_file_that_was_cut_off_does_not_open(left: int) -> None:
    whole = sealed(b"x" * 250)
    with pytest.raises(UsageError):
        opened(whole[: left % len(whole)])


def test_pieces_cannot_be_left_out() -> None:
    whole = sealed(b"x" * 250)
    header = whole.index(b"}\n") + 2
    piece = 4 + 100 + 16
    with pytest.raises(UsageError):
        opened(whole[: header + piece] + whole[header + 2 * piece :])
    with pytest.raises(UsageError):
        opened(whole[: header + 2 * piece])


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"bob-backup/1\n{}\n", b"bob-backup/1\n[1]\n"]
)
def test_another_file_is_no_backup(content: bytes) -> None:
    with pytest.raises(UsageError):
        read_label(io.BytesIO(content), "b.bob")


def test_a_forged_header_costs_no_memory() -> None:
    whole = sealed(b"x").replace(b'"n": 2', b'"n": 2199023255552')
    with pytest.raises(UsageError, match="damaged"):
        opened(whole)
