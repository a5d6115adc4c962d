"""The BMC of an emulated host: one ipmi_sim process, reached over the LAN like any BMC."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import bob
from bob.errors import Temporary
from bob.sandbox import simulator
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.container import in_cgroups
from bob.sandbox.layout import BMC_PORT, BMC_USER, NodeLayout

# Seconds before a host that does not end is killed: SIGTERM after the first, SIGKILL after both.
_POWER_OFF_WAIT, _KILL_WAIT = 20, 2
_SESSIONS = 10  # ipmi_sim's limit for one user

# The watchdog sensor must be sensor 0, else ipmi_sim ignores the expiry of the timer.
_EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
sensor_add 0x20 0 0 35 0x6f event-only
sensor_set_event_support 0x20 0 0 enable scanning per-state \
000000000001111 000000000000000 000000000001111 000000000000000
mc_enable 0x20
"""


@dataclass(frozen=True)
class Bmc:
    """Talks to a BMC with ipmitool. `password_file` has mode 0600."""

    address: str
    user: str
    password_file: Path

    def power(self, action: str) -> None:
        """Chassis power: on, off (hard), cycle, reset, soft. Returns when the BMC has accepted."""
        self.run("chassis", "power", action)

    def is_on(self) -> bool:
        """The power state the BMC reports."""
        return self.run("chassis", "power", "status").strip().endswith("on")

    def run(self, *arguments: str, seconds: float = 10.0) -> str:
        """Output of an ipmitool command. Raises `Temporary` when the BMC does not answer well."""
        command = [
            "ipmitool", "-I", "lanplus", "-H", self.address, "-U", self.user,
            "-f", str(self.password_file),
            "-C", "3",  # else ipmitool asks for cipher suites for ten seconds
            *arguments,
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise Temporary(f"BMC {self.address} does not answer within {seconds:.0f} s") from None
        if done.returncode != 0:
            raise Temporary(f"BMC {self.address}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def of(node: NodeLayout) -> Bmc:
    """The BMC of a host."""
    return Bmc(node.bmc_address, BMC_USER, node.bmc_password_file)


def configuration(node: NodeLayout, password: str, startcmd: str) -> str:
    """ipmi_sim's lan.conf."""
    levels = "\n".join(
        f"    allowed_auths_{level} none md2 md5 straight"
        for level in ("callback", "user", "operator", "admin")
    )
    return f"""\
name "{node.name}"
set_working_mc 0x20
  startlan 1
    addr {node.bmc_address} {BMC_PORT}
    priv_limit admin
{levels}
    guid {node.guid}
  endlan
  serial 15 127.0.0.1 {node.serial_port} codec VM
  startcmd "{startcmd}"
  startnow true
  poweroff_wait {_POWER_OFF_WAIT}
  kill_wait {_KILL_WAIT}
  user 2 true "{BMC_USER}" "{password}" admin {_SESSIONS} none md2 md5 straight
"""


def start(node: NodeLayout, switch_netns: str, sim: Path, hierarchies: Hierarchies) -> None:
    """Start a BMC, which powers its host on at once. `sim` is the simulator's folder."""
    cgroup = hierarchies.make_unified(node.helper_cgroup)
    config, emulation, state = (node.bmc / name for name in ("lan.conf", "sim.emu", "state"))
    state.mkdir(exist_ok=True)
    emulation.write_text(_EMULATION)
    mainboard = [sys.executable, "-S", "-B", "-m", "bob.sandbox.mainboard", str(node.host_file)]
    config.touch(0o600)
    config.write_text(
        configuration(node, node.bmc_password_file.read_text(), shlex.join(mainboard))
    )
    # The process itself notes its number: it is found even if we die right here.
    note = ["/bin/sh", "-c", 'echo $$ > "$1"; shift; exec "$@"', "bmc", str(node.bmc_pid_file)]
    command = [
        *in_cgroups([cgroup]), *note,
        "nsenter", f"--net=/run/netns/{switch_netns}",
        *simulator.command(sim),
        "-n", "-c", str(config), "-f", str(emulation), "-s", str(state),
    ]  # fmt: skip
    with (node.bmc / "log").open("ab") as log:
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(Path(bob.__file__).parent.parent)},
        )  # fmt: skip


def running(node: NodeLayout) -> bool:
    """True when the process of the BMC lives (it may hang)."""
    return pid(node) is not None


def pid(node: NodeLayout) -> int | None:
    """The BMC's process id, unless that process is gone or its number belongs to another one."""
    try:
        number = int(node.bmc_pid_file.read_text())
        arguments = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
    except (OSError, ValueError):
        return None
    return number if str(node.bmc / "lan.conf") in arguments else None
