"""Starts the daemon. Exit codes: 0 after a stop that was asked for, else those of `bob.errors`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bob import logs
from bob.agent.daemon import Daemon
from bob.errors import BobError
from bob.provision.agent_config import CONFIG_FILE, AgentConfig
from bob.provision.agents import BOB_DATA_DIR, BOB_RUN_DIR


def main(argv: list[str] | None = None) -> int:
    """Run until a signal or a task ends it."""
    parser = argparse.ArgumentParser(prog="bob-agent", description="Bob's daemon of one node.")
    parser.add_argument("--config", type=Path, default=Path(CONFIG_FILE), help="its configuration")
    parser.add_argument("--run-dir", type=Path, default=Path(BOB_RUN_DIR), help="lost at a reboot")
    parser.add_argument("--data-dir", type=Path, default=Path(BOB_DATA_DIR), help="kept for ever")
    options = parser.parse_args(argv)
    logs.start_daemon()
    # What Bob's own parts keep for later, here without a home folder.
    os.environ.setdefault("BOB_CACHE", str(options.data_dir / "cache"))
    try:
        config = AgentConfig.load(options.config)
        return Daemon(config, options.run_dir, options.data_dir).run()
    except BobError as error:
        sys.stderr.write(f"bob-agent: {error}\n{error.cure}\n".rstrip() + "\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
