"""The whole daemon against a real Consul: both checks, the record, metrics, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from health_site import NODE, Site

from bob.clients.consul import Check
from bob.waiting import wait_for
from healthcheck import records
from healthcheck.records import Record

SOON = 120.0
MOUNTED = (
    "import sys, runpy; from pathlib import Path; from namespaces import mount_dead; "
    "server = mount_dead(Path(sys.argv.pop(1))); sys.argv[0] = 'healthcheck'; "
    "runpy.run_module('healthcheck', run_name='__main__')"
)


@contextmanager
def daemon(site: Site, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon; `before` is what starts Python otherwise."""
    paths = [str(Path.cwd()), str(Path(__file__).parent)]
    argv = [*(before or (sys.executable, "-m", "healthcheck")), "--config", str(site.config)]
    process = subprocess.Popen(
        [*argv, "--run-dir", str(site.run_dir)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(SOON)


def check(site: Site, service: str) -> Check | None:
    found = site.consul.catalog.node_checks(NODE)
    return next((check for check in found if check.service_name == service), None)


def until(site: Site, service: str, holds: Callable[[Check], bool]) -> Check:
    def seen() -> Check | None:
        found = check(site, service)
        return found if found and holds(found) else None

    return wait_for(seen, what=f"{service} says so", deadline=SOON, interval=0.3)


def record(site: Site, key: str) -> Record | None:
    entry = site.consul.kv.get(key)
    return records.parse(entry.value) if entry else None


def test_both_checks_tell_what_is_wrong_and_what_to_do(site: Site) -> None:
    with daemon(site) as process:
        # There is no systemd that knows the unit, or none at all: either is told.
        node = until(site, "nodecheck", lambda c: "WHAT TO DO" in c.output and "unit" in c.output)
        assert "mgmt" in node.output
        cluster = until(site, "clustercheck", lambda c: "host12 is missing" in c.output)
        assert "bob remove-node" in cluster.output
        assert "Nomad" in cluster.output  # it has no token of Nomad's here

        def written() -> Record | None:
            found = record(site, f"{records.NODES}{NODE}")
            return found if found and found.findings else None

        assert wait_for(written, what="the record", deadline=SOON).node == NODE
        url = f"http://127.0.0.1:{site.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            numbers = answer.read().decode()
        assert 'healthcheck_findings{check="nodecheck",level="critical"}' in numbers
        assert "healthcheck_watches_cluster 1" in numbers
        print(f"healthcheck takes {memory(process.pid):.1f} MB (PSS) with both checks")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0
    assert until(site, "nodecheck", lambda c: c.output == "stopped").status == "critical"
    wait_for(lambda: check(site, "clustercheck") is None, what="no clustercheck", deadline=SOON)


def test_a_hanging_mount_is_told_and_stops_neither_the_rest_nor_the_end(
    site: Site, tmp_path: Path
) -> None:
    dead = tmp_path / "dead"
    with daemon(site, "unshare", "--mount", sys.executable, "-c", MOUNTED, str(dead)) as process:
        told = until(site, "nodecheck", lambda c: f"{dead}" in c.output)
        assert "does not answer (fuse.dead)" in told.output
        assert "memory" in told.output and "clock" in told.output
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0


def memory(pid: int) -> float:
    """Its share of the machine's memory, in MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return (
        next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
    )
