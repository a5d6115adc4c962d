"""`bob backup`: everything that cannot be made again, in one encrypted file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption
from bob.commands._passphrase import PassphraseOption
from bob.console import Format, OutputOption

SCHEMA = "bob/backup/1"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("backup")(backup)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    cluster: ClusterOption = None,
    passphrase_file: PassphraseOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Keep Consul, Nomad and the cluster's secrets in one encrypted file."""
    from bob.commands._cluster import load_context
    from bob.commands._passphrase import passphrase
    from bob.errors import UsageError
    from bob.ops.backup.run import back_up

    context = load_context(cluster)
    if file.exists():
        raise UsageError(f"{file} exists", cure="Choose another name.")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{file.absolute().parent} is no folder")
    key = passphrase(passphrase_file, twice=True)
    with console.err.status("") as status:
        size = back_up(context, file, key, status.update)
    view = {"schema": SCHEMA, "cluster": context.cluster, "file": str(file), "bytes": size}
    text = f"{escape(str(file))}: backup of {context.cluster}, {size / 1e6:.1f} MB, encrypted."
    console.emit(view, output, lambda: console.out.print(text))
