"""No secret of the cluster is where somebody else can read it, while it is made and afterwards.

Looked for: every value of secrets.json, and every private key. Each search is also made for a word
that is there, so that a search that finds nothing has been shown to work.
"""

from __future__ import annotations

import json
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Factory, Lab

from bob.waiting import wait_for

pytestmark = pytest.mark.lab

CANARY = "canary-4c1f0e8a-not-a-secret"
LARGEST = 16 * 1024 * 1024  # bytes; larger files are the programs

# Runs in a host with the words to look for as JSON on standard input, gives up all rights, and
# prints the files that hold one of them all the same.
READ_AS_NOBODY = """
import json, os, sys
words = [word.encode() for word in json.load(sys.stdin)]
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for top in sys.argv[2:]:
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if not os.path.isfile(path) or os.path.getsize(path) > int(sys.argv[1]):
                    continue
                with open(path, "rb") as file:
                    content = file.read()
            except OSError:
                continue
            if any(word in content for word in words):
                print(path)
"""
FOLDERS = ("/etc", "/opt", "/var", "/tmp", "/run", "/root", "/home", "/srv")


@pytest.fixture(scope="module")
def cluster(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One that only `bob init` has worked on: it leaves alone what the robot has changed."""
    lab = Lab(sandbox_factory("secrecy", 3), tmp_path_factory.mktemp("secrecy"))
    lab.init()
    return lab


def values(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        for value in found.values():
            yield from values(value)
    else:
        yield str(found)


@pytest.fixture(scope="module")
def words(cluster: Lab) -> list[str]:
    """All secrets: tokens, gossip keys, and the part of each private key that is its own."""
    content = json.loads((cluster.folder / "secrets.json").read_text())
    public = {content.pop("schema"), content.pop("cluster"), content.pop("generation")}
    content["ssh_key"] = content["ssh_key"].splitlines()[3]
    keys = [path.read_text().splitlines()[2] for path in cluster.folder.rglob("*-key.pem")]
    found = {*values(content), *keys}
    assert len(keys) == 2 + 4 * len(cluster.sandbox.nodes)
    assert not found & public
    assert min(len(word) for word in found) >= 36
    return sorted(found)


def holding(words: list[str], text: str) -> list[str]:
    """The first characters of the words in the text: enough to tell which, too few to use."""
    return [word[:4] for word in words if word in text]


# ---- processes


def command_lines_and_environments() -> str:
    """What `ps` and /proc show of all processes of this machine, its hosts' among them."""
    shown = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                shown.append((process / name).read_text(errors="replace"))
            except OSError:  # it has ended
                continue
    return "\n".join(shown)


def watched(words: list[str], action: Callable[[], object]) -> tuple[list[str], int]:
    """Words that a process showed while `action` ran, and how often all were looked at."""
    found: set[str] = set()
    rounds = 0
    over = threading.Event()

    def look() -> None:
        nonlocal rounds
        while not over.is_set():
            found.update(holding(words, command_lines_and_environments()))
            rounds += 1

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        action()
    finally:
        over.set()
        watcher.join()
    return sorted(found), rounds


def test_no_process_shows_a_secret_while_init_works_and_afterwards(
    cluster: Lab, words: list[str]
) -> None:
    """Init has to write a host's files and access rules again: that is where secrets travel."""
    cluster.on("n1", "rm /etc/bob/consul-*/consul.json /etc/bob/consul-*/agent-key.pem")
    cluster.on("n1", "rm /etc/bob/agent/agent.json")
    changed: list[str] = []
    found, rounds = watched(
        words, lambda: changed.extend(json.loads(cluster.init("-o", "json").stdout)["changed"])
    )
    assert changed
    assert rounds > 5
    assert found == []
    assert holding(words, command_lines_and_environments()) == []
    canary = subprocess.Popen(["sleep", "60"], env={"CANARY": CANARY})
    try:
        # The kernel shows the environment a moment after the program has begun.
        wait_for(
            lambda: holding([CANARY], command_lines_and_environments()),
            what="the canary", deadline=30,
        )  # fmt: skip
    finally:
        canary.kill()
        canary.wait()


# ---- hosts


def readable(lab: Lab, node: str, words: list[str]) -> list[str]:
    """Files of a host that hold a word and that a user without any rights can read."""
    command = ["python3", "-c", READ_AS_NOBODY, str(LARGEST), *FOLDERS]
    return subprocess.run(
        lab.sandbox.ssh_command(node, command), input=json.dumps(words), timeout=120,
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip


def test_no_file_on_a_host_that_others_can_read_holds_a_secret(
    cluster: Lab, words: list[str]
) -> None:
    for node in cluster.sandbox.nodes:
        cluster.on(node.name, f"echo {CANARY} >/tmp/canary; chmod 644 /tmp/canary")
        try:
            assert readable(cluster, node.name, [*words, CANARY]) == ["/tmp/canary"]
        finally:
            cluster.on(node.name, "rm /tmp/canary")


def test_no_journal_holds_a_secret(cluster: Lab, words: list[str]) -> None:
    for node in cluster.sandbox.nodes:
        journal = cluster.on(node.name, "journalctl --no-pager --all --output=export")
        own = ("nomad", "bob-agent", "healthcheck")
        for unit in ("consul-mgmt", "consul-storage", "consul-tenant", *own):
            assert f"_SYSTEMD_UNIT={unit}.service" in journal
        assert holding(words, journal) == []


# ---- the operator's machine


def test_the_operators_logs_hold_no_secret(cluster: Lab, words: list[str]) -> None:
    cluster.bob("ui", "--token", "consul")
    logs = list((cluster.state / "logs").iterdir())
    assert any("-init-" in log.name for log in logs)
    for log in logs:
        assert holding(words, log.read_text()) == [], log
    records = list((cluster.folder / "ops").glob("*.json"))
    assert records
    for record in records:
        assert holding(words, record.read_text()) == [], record


def test_others_can_read_nothing_of_what_the_operator_keeps(cluster: Lab) -> None:
    cluster.bob("shellenv")
    for path in [cluster.state / "logs", *(cluster.state / "clusters").rglob("*")]:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            assert stat.S_IMODE(mode) == 0o700, path
        elif path.stat().st_size:  # the lock files have no content
            assert stat.S_IMODE(mode) == 0o600, path
