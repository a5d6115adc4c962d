"""Where a passphrase comes from: never from the command line itself, which others can read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bob.errors import UsageError

VARIABLE = "BOB_PASSPHRASE_FILE"
SHORTEST = 8

PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar=VARIABLE,
        help="File with the passphrase or key; without it you are asked.",
        dir_okay=False,
    ),
]


def passphrase(file: Path | None, *, twice: bool) -> bytes:
    """The passphrase, read now; `twice` has it typed twice. Raises `UsageError`."""
    if file is not None:
        try:
            found = file.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}") from error
        where = str(file)
    elif sys.stdin.isatty():
        found = str(
            typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
        ).encode()
        where = "the passphrase"
    else:
        raise UsageError(
            "there is nobody to ask for a passphrase", cure="Give it with --passphrase-file FILE."
        )
    if len(found) < SHORTEST:
        raise UsageError(
            f"{where} is too short: {len(found)} bytes",
            cure=f"Take {SHORTEST} or more; the backup holds every secret of the cluster.",
        )
    return found
