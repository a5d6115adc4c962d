"""How far `bob init` is from the least that could be done, and how long the demo takes.

The floor puts the same programs and ready-made configuration on the same three hosts by plain
`ssh`, in parallel, starts everything and waits until every Nomad node is ready: no checks, no
keys, no access rules, no verification. Both run in turn on empty hosts, and each pair gives one
ratio, so that a slow machine slows both. Limits: init at most 1.5 times the floor; a warm demo at
most 120 s.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ssl import CERT_NONE, create_default_context
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from harness import Lab

import bob.sandbox
import bob.toolchain
from bob.sandbox import lifecycle
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

NAME = "bench"
PAIRS = 3
NODES = 3
PREPARE = (
    "id consul >/dev/null 2>&1 || useradd --system --user-group --no-create-home consul;"
    " tar -xpf - -C / && systemctl daemon-reload && systemctl start --no-block"
    " consul-mgmt consul-storage consul-tenant nomad"
)
SECOND_STAGE = "mv /etc/bob/nomad.final /etc/bob/nomad/nomad.json && systemctl restart nomad"


def main() -> None:
    """Print the two ratios."""
    with tempfile.TemporaryDirectory() as state:
        sandbox = bob.sandbox.up(NAME, NODES)
        try:
            lab = Lab(sandbox, Path(state))
            compare(lab)
        finally:
            bob.sandbox.down(NAME)
    demo()


def compare(lab: Lab) -> None:
    """Init and floor in turn."""
    ratios = []
    ready_made: dict[str, bytes] = {}
    for pair in range(1, PAIRS + 1):
        empty(lab.sandbox)
        took = timed(lab.init)
        ready_made = ready_made or {
            n.name: ready_made_archive(lab, n.name) for n in lab.sandbox.nodes
        }
        empty(lab.sandbox)
        least = timed(functools.partial(floor, lab, ready_made))
        ratios.append(took / least)
        print(f"pair {pair}: init {took:.1f} s, floor {least:.1f} s, ratio {took / least:.2f}")
    print(f"init / floor: {statistics.median(ratios):.2f} (limit 1.5)")


def demo() -> None:
    """The warm demo, whole."""
    script = Path(__file__).parents[2] / "scripts" / "demo.sh"
    took = timed(lambda: subprocess.run([script], check=True, capture_output=True))
    down = [sys.executable, "-m", "bob", "sandbox", "down", "--name", "demo"]
    subprocess.run(down, check=True, capture_output=True)
    print(f"demo, warm: {took:.1f} s, {took / 120:.2f} of its limit of 120 s")


def timed(work: Any) -> float:
    """Seconds that a call takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def empty(sandbox: Sandbox) -> None:
    """Give every host an empty disk."""
    for node in sandbox.nodes:
        lifecycle.reinstall(sandbox, node, lambda _: None)


def ready_made_archive(lab: Lab, node: str) -> bytes:
    """Programs, units and configuration of a host, as a tar; the first stage has no Nomad client.

    Nothing creates tokens for the floor, so its agents use the management token, and Nomad asks
    for none.
    """
    secrets = json.loads((lab.folder / "secrets.json").read_text())
    text = lab.on(node, "cd / && tar -cf - etc/bob etc/systemd/system/*.service | base64")
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as source,
        tarfile.open(fileobj=packed, mode="w") as target,
    ):
        for entry in source:
            handle = source.extractfile(entry) if entry.isfile() else None
            content = handle.read() if handle else b""
            if entry.name.endswith("consul.json"):
                config = json.loads(content)
                network = config["datacenter"].rpartition("-")[2]
                token = secrets["consul_management"][network]
                config["acl"]["tokens"] |= {"agent": token, "dns": token}
                config["acl"]["tokens"].pop("default", None)
                content = json.dumps(config).encode()
            if entry.name.endswith("nomad.json"):
                config = json.loads(content)
                config["acl"]["enabled"] = False
                config["consul"]["token"] = secrets["consul_management"]["mgmt"]
                add(target, "etc/bob/nomad.final", json.dumps(config).encode(), 0o600)
                del config["client"]
                content = json.dumps(config).encode()
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
        for tool in bob.toolchain.ensure():
            add(target, f"opt/bob/bin/{tool.name}", tool.path.read_bytes(), 0o755)
        wait = lab.on(node, "cat /opt/bob/bin/wait-for-consul").encode()
        add(target, "opt/bob/bin/wait-for-consul", wait, 0o755)
    return packed.getvalue()


def add(target: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    """Put a file of root into an archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    target.addfile(entry, io.BytesIO(content))


def floor(lab: Lab, archives: dict[str, bytes]) -> None:
    """The least: copy, start, wait."""
    nodes = [node.name for node in lab.sandbox.nodes]

    def on(node: str, command: str, data: bytes = b"") -> None:
        argv = lab.sandbox.ssh_command(node, ["sh", "-c", command])
        subprocess.run(argv, input=data, check=True, capture_output=True)

    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: on(node, PREPARE, archives[node]), nodes))
        wait_for(lambda: ask(lab, "status/leader"), what="a Nomad leader", deadline=120)
        list(pool.map(lambda node: on(node, SECOND_STAGE), nodes))
        wait_for(lambda: ready(lab) == set(nodes), what="all Nomad nodes ready", deadline=120)


def ready(lab: Lab) -> set[str]:
    """Names of the Nomad nodes that are ready."""
    return {node["Name"] for node in ask(lab, "nodes") or () if node["Status"] == "ready"}


def ask(lab: Lab, path: str) -> Any:
    """An answer of the first server's Nomad, None without one."""
    trusting = create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, CERT_NONE
    address = lab.sandbox.nodes[0].addresses["mgmt"]
    try:
        url = f"https://{address}:4646/v1/{path}"
        with urllib.request.urlopen(url, timeout=2, context=trusting) as answer:
            return json.load(answer)
    except OSError:
        return None


if __name__ == "__main__":
    main()
