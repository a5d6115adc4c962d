"""Starts the daemon. Exit codes: 0 after a stop that was asked for, else those of `bob.errors`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bob import logs
from bob.errors import BobError
from healthcheck.config import HealthConfig
from healthcheck.daemon import Daemon

CONFIG = Path("/etc/bob/healthcheck/healthcheck.json")
RUN_DIR = Path("/run/bob/healthcheck")


def main(argv: list[str] | None = None) -> int:
    """Run until a signal ends it."""
    parser = argparse.ArgumentParser(prog="healthcheck", description="Watches node and cluster.")
    parser.add_argument("--config", type=Path, default=CONFIG, help="its configuration")
    parser.add_argument("--run-dir", type=Path, default=RUN_DIR, help="lost at a reboot")
    options = parser.parse_args(argv)
    logs.start_daemon()
    try:
        return Daemon(HealthConfig.load(options.config), options.run_dir).run()
    except BobError as error:
        sys.stderr.write(f"healthcheck: {error}\n{error.cure}\n".rstrip() + "\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
