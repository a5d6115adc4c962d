"""Numbers as Prometheus reads them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from bob.daemon.metrics import TYPE, MetricsServer, Sample, process, text
from bob.errors import Permanent

SAMPLES = (
    Sample("bob_tasks_total", 2, {"state": "done", "kind": "configure"}),
    Sample("bob_leader", 1.0),
    Sample("bob_tasks_total", 1, {"kind": 'odd "kind"\n', "state": "failed"}),
)
EXPECTED = """\
# TYPE bob_leader gauge
bob_leader 1
# TYPE bob_tasks_total counter
bob_tasks_total{kind="configure",state="done"} 2
bob_tasks_total{kind="odd \\"kind\\"\\n",state="failed"} 1
"""


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    made = MetricsServer("127.0.0.1", 0, lambda: SAMPLES)
    stop = threading.Event()
    threading.Thread(target=made.run, args=(stop, lambda seconds: None), daemon=True).start()
    yield made
    stop.set()


def test_samples_of_a_name_stand_together() -> None:
    assert text(SAMPLES) == EXPECTED


def test_they_are_served(server: MetricsServer) -> None:
    with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
        assert answer.read().decode() == EXPECTED
        assert answer.headers["Content-Type"] == TYPE
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"http://127.0.0.1:{server.port}/", timeout=10)


def test_a_port_that_is_taken_is_named(server: MetricsServer) -> None:
    with pytest.raises(Permanent, match=f"cannot listen on 127.0.0.1:{server.port}"):
        MetricsServer("127.0.0.1", server.port, lambda: ())


def test_the_process_is_measured() -> None:
    found = {sample.name: sample.value for sample in process()}
    assert found["process_resident_memory_bytes"] > 1024 * 1024
    assert found["process_open_fds"] >= 3
