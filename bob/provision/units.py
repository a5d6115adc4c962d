"""The systemd units of a node, and the script that keeps Nomad back until Consul works."""

from __future__ import annotations

from pathlib import PurePosixPath

from bob.provision.agents import (
    BIN_DIR,
    CONSUL_RPC_PORT,
    CONSUL_USER,
    LOOPBACK,
    NOMAD_CONFIG_DIR,
    NOMAD_DATA_DIR,
    ConsulAgent,
    consul_agent,
)
from bob.provision.consul_config import CONFIG_FILE as CONSUL_CONFIG_FILE
from bob.provision.nomad_config import CONFIG_FILE as NOMAD_CONFIG_FILE
from bob.provision.templates import render
from inventory.model import NetworkName

WAIT_SCRIPT = BIN_DIR / "wait-for-consul"
WAIT_SECONDS = 60  # a cold start of the whole cluster elects a leader in 4-6 s (measured)

_VAR_LIB = PurePosixPath("/var/lib")  # systemd's StateDirectory is relative to it


def consul_unit(agent: ConsulAgent) -> str:
    """The systemd unit of a Consul agent."""
    return render(
        "consul.service.j2",
        agent=agent,
        # The file, not the folder: for each certificate in a folder the agent would warn twice.
        config_file=agent.config_dir / CONSUL_CONFIG_FILE,
        user=CONSUL_USER,
        bin_dir=BIN_DIR,
        state_dir=agent.data_dir.relative_to(_VAR_LIB),
    )


def nomad_unit() -> str:
    """The systemd unit of the Nomad agent, the same on every node."""
    return render(
        "nomad.service.j2",
        consul_unit=consul_agent(NetworkName.MGMT).unit,
        wait_script=WAIT_SCRIPT,
        wait_seconds=WAIT_SECONDS,
        bin_dir=BIN_DIR,
        config_dir=NOMAD_CONFIG_DIR,
        state_dir=NOMAD_DATA_DIR.relative_to(_VAR_LIB),
    )


def wait_script() -> str:
    """The script that keeps Nomad back until Consul has a leader; needs bash and coreutils."""
    return render(
        "wait-for-consul.j2",
        config=NOMAD_CONFIG_DIR / NOMAD_CONFIG_FILE,
        address=LOOPBACK,
        http_port=consul_agent(NetworkName.MGMT).http_port,
        rpc_port=CONSUL_RPC_PORT,
        seconds=WAIT_SECONDS,
    )
