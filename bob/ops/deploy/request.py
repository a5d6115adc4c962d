"""A request as a user of the service makes it: from this machine, through its router."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from bob.clients.consul import ServiceInstance
from bob.errors import DeadlinePassed
from bob.waiting import Deadline, wait_for

REQUEST_SECONDS = 3.0


@dataclass(frozen=True)
class Reply:
    """A successful answer. `text` is the body."""

    url: str
    text: str


def ask(routers: tuple[ServiceInstance, ...], service: str, deadline: Deadline) -> Reply:
    """Wait until every router leads to the service; the reply of the first one.

    A router may still be learning of the service. Raises `DeadlinePassed` with what each of those
    that did not get there said last.
    """
    replies: dict[str, Reply] = {}
    said: dict[str, str] = {}
    urls = [f"http://{router.address}:{router.port}/{service}/" for router in routers]

    def all_answered() -> bool:
        for url in urls:
            if url not in replies and (reply := _get(url, said)) is not None:
                replies[url] = reply
        return len(replies) == len(urls)

    try:
        wait_for(all_answered, what=f"an answer of {service}", deadline=deadline)
    except DeadlinePassed as error:
        found = "; ".join(f"{url}: {said[url]}" for url in urls if url not in replies)
        raise DeadlinePassed(
            f"{error} ({found})", cure="Check that this machine reaches the mgmt network."
        ) from error
    return replies[urls[0]]


def _get(url: str, said: dict[str, str]) -> Reply | None:
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of this machine does not know the cluster
            answer = session.get(url, timeout=REQUEST_SECONDS)
    except requests.RequestException as error:
        said[url] = str(error)
        return None
    if not answer.ok:
        said[url] = f"{answer.status_code} {answer.reason}"
        return None
    return Reply(url, answer.text.strip())
