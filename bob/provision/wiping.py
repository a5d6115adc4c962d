"""Making a host bare again, as it was before Bob came; the packages it was given stay."""

from __future__ import annotations

from bob.clients.ssh import quote
from bob.provision.agents import (
    BIN_DIR,
    BOB_RUN_DIR,
    BOB_UNIT,
    CONFIG_ROOT,
    CONSUL_USER,
    DATA_ROOT,
    HEALTH_UNIT,
    LEAVE_SECONDS,
    LOOPBACK,
    NOMAD_UNIT,
    UNIT_DIR,
)
from bob.provision.host_report import CLAIM_FILE
from bob.provision.resolver import RESOLV_CONF, RESOLVED_DROP_IN
from bob.provision.templates import render

OF_ANOTHER_CLUSTER = 3
"""How the script ends on a host that belongs to another cluster; it is left as it is."""
BARE, WIPED = "bare", "wiped"
"""What the script says: the host was bare before, or is now."""


def wipe_script(claim: str, *, leave: bool = False) -> str:
    """Shell script that makes a host bare, provided that it holds `claim` ("<cluster> <id>").

    It prints `BARE` or `WIPED`, fails with a reason when something could not be removed, and may
    be repeated. `leave`: Consul's agents say goodbye first, so that nobody takes the node for lost;
    for a node that is no server. Takes a few seconds, 90 s more for each unit that hangs.
    """
    return render(
        "wipe.sh.j2",
        claim=quote(claim),
        claim_file=CLAIM_FILE,
        leave=leave,
        leave_seconds=LEAVE_SECONDS,
        unit_dir=UNIT_DIR,
        bob_unit=BOB_UNIT,
        health_unit=HEALTH_UNIT,
        nomad_unit=NOMAD_UNIT,
        data_root=DATA_ROOT,
        config_root=CONFIG_ROOT,
        program_root=BIN_DIR.parent,
        run_root=BOB_RUN_DIR.parent,
        user=CONSUL_USER,
        loopback=LOOPBACK,
        resolv_conf=RESOLV_CONF,
        resolved_drop_in=RESOLVED_DROP_IN,
    )
