"""The systemd units of a node, and the script that keeps Nomad back until Consul works."""

from __future__ import annotations

from pathlib import PurePosixPath

from bob.provision.agent_config import CONFIG_FILE as AGENT_CONFIG_FILE
from bob.provision.agents import (
    BIN_DIR,
    BOB_DATA_DIR,
    BOB_RUN_DIR,
    BOB_UNIT,
    CONSUL_RPC_PORT,
    CONSUL_USER,
    HEALTH_RUN_DIR,
    LOOPBACK,
    NOMAD_CONFIG_DIR,
    NOMAD_DATA_DIR,
    ConsulAgent,
    consul_agent,
)
from bob.provision.consul_config import CONFIG_FILE as CONSUL_CONFIG_FILE
from bob.provision.health_config import CONFIG_FILE as HEALTH_CONFIG_FILE
from bob.provision.nomad_config import CONFIG_FILE as NOMAD_CONFIG_FILE
from bob.provision.templates import render
from inventory.model import NetworkName

WAIT_SCRIPT = BIN_DIR / "wait-for-consul"
WAIT_SECONDS = 60  # a cold start of the whole cluster elects a leader in 4-6 s (measured)

# systemd's StateDirectory and RuntimeDirectory are relative to these.
_VAR_LIB = PurePosixPath("/var/lib")
_RUN = PurePosixPath("/run")


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


def bob_unit() -> str:
    """The systemd unit of bob-agent, the same on every node."""
    return render(
        "bob-agent.service.j2",
        consul_unit=consul_agent(NetworkName.MGMT).unit,
        program=BIN_DIR / BOB_UNIT,
        config_file=AGENT_CONFIG_FILE,
        run_dir=BOB_RUN_DIR.relative_to(_RUN),
        state_dir=BOB_DATA_DIR.relative_to(_VAR_LIB),
    )


def health_unit() -> str:
    """The systemd unit of healthcheck, the same on every node."""
    return render(
        "healthcheck.service.j2",
        consul_unit=consul_agent(NetworkName.MGMT).unit,
        program=BIN_DIR / BOB_UNIT,
        config_file=HEALTH_CONFIG_FILE,
        run_dir=HEALTH_RUN_DIR.relative_to(_RUN),
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
