"""Neighbours that ask each other over real sockets, each on an address of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from loopback_agents import free_ports

from bob.waiting import wait_for
from healthcheck.config import OwnNetwork
from healthcheck.node import echo

US = (OwnNetwork("mgmt", "127.77.1.1", 0), OwnNetwork("storage", "127.77.2.1", 0))
SOON = 30.0


@pytest.fixture
def port() -> Iterator[int]:
    """n2 answers on both networks, n3 on mgmt only."""
    (found,) = free_ports(1)
    stop = threading.Event()
    with ExitStack() as stack:
        for networks in (
            (OwnNetwork("mgmt", "127.77.1.2", 0), OwnNetwork("storage", "127.77.2.2", 0)),
            (OwnNetwork("mgmt", "127.77.1.3", 0), OwnNetwork("storage", "10.255.255.1", 0)),
        ):
            responder = echo.Responder(found, networks)
            thread = threading.Thread(target=responder.run, args=(stop, lambda _: None))
            thread.start()
            stack.callback(thread.join)
        stack.callback(stop.set)
        yield found


NEIGHBOURS = {
    ("mgmt", "n2"): "127.77.1.2",
    ("storage", "n2"): "127.77.2.2",
    ("mgmt", "n3"): "127.77.1.3",
    ("storage", "n3"): "127.77.2.3",
}


def test_those_who_answer_are_found_and_their_clocks_agree(port: int) -> None:
    def all_three() -> bool:
        found = echo.ask(port, US, NEIGHBOURS)
        return set(found) == set(NEIGHBOURS) - {("storage", "n3")} and all(
            abs(one.ahead) <= one.took
            for one in found.values()  # it is the same clock
        )

    wait_for(all_three, what="three answers", deadline=SOON)


def test_nobody_to_ask_is_no_question(port: int) -> None:
    assert echo.ask(port, US, {}) == {}


def test_what_is_no_question_gets_no_answer(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.77.1.1", 0))
        stranger.settimeout(SOON)
        there = ("127.77.1.2", port)
        question = echo.FORM.pack(echo.QUESTION, b"x" * echo.NUMBER_BYTES, 0.0)

        def answered() -> bytes | None:
            """Only the last of these is a question; an answer to another one would come first."""
            for content in (b"", b"hello", question + b"longer", question.replace(b"?", b"!")):
                stranger.sendto(content, there)
            stranger.sendto(question, there)
            return stranger.recv(64)

        answer = wait_for(answered, what="an answer", deadline=SOON)
        assert len(answer) == echo.FORM.size
        assert echo.FORM.unpack(answer)[:2] == (echo.ANSWER, b"x" * echo.NUMBER_BYTES)
