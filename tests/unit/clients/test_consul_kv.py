"""The rules of blocking reads."""

from __future__ import annotations

import pytest

from bob.clients.consul import Txn
from bob.clients.consul.kv import next_index
from bob.clients.http import Http


@pytest.mark.parametrize(
    ("asked", "answered", "next_one"),
    [
        (0, 7, 7),  # the first read
        (7, 9, 9),  # something changed
        (7, 7, 7),  # nothing changed
        (9, 7, 0),  # the index went back (snapshot restored): start again
        (0, 0, 1),  # an index is never 0, else the next read would not block
    ],
)
def test_the_next_index(asked: int, answered: int, next_one: int) -> None:
    assert next_index(asked, answered) == next_one


def test_a_transaction_beyond_the_limit_is_not_sent() -> None:
    txn = Txn(Http(["http://127.0.0.1:1"], {}, None, 1.0, "X-Consul-Index"))
    for number in range(129):
        txn.set(f"key/{number}", "")
    with pytest.raises(ValueError, match="129 operations, 128 are allowed"):
        txn.commit()
