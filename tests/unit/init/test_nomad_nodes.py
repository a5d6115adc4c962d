"""A Nomad server that has just started refuses the token that it accepts a moment later."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bob.clients.http import Refused, Unreachable
from bob.ops.init import nomad


def context(answer: Exception | tuple[Any, ...]) -> Any:
    def nodes() -> tuple[Any, ...]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = SimpleNamespace(state=SimpleNamespace(nodes=nodes))
    return SimpleNamespace(nomad=lambda: client)


@pytest.mark.parametrize(
    "answer",
    [Unreachable("no leader", sent=False), Refused("403 Permission denied", status=403)],
)
def test_no_answer_that_counts_is_not_an_empty_cluster(answer: Exception) -> None:
    assert nomad._nodes(context(answer)) is None


def test_another_refusal_is_an_error() -> None:
    with pytest.raises(Refused):
        nomad._nodes(context(Refused("400 bad request", status=400)))


def test_an_empty_cluster_has_no_nodes() -> None:
    assert nomad._nodes(context(())) == ()
