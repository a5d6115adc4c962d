"""The `bob` command: finds the verbs, turns errors into exit codes and one clear message."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import FrameType
from typing import Annotated, Any

import typer
from rich.markup import escape

import bob.commands
from bob import __version__, console, logs
from bob.errors import INTERRUPTED, BobError

# typer has no name for the parent of its errors of usage, and may carry a click of its own
_UsageError: type[Any] = typer.BadParameter.__base__ or typer.BadParameter

HELP = f"""Build and run a self-healing private-cloud control plane. (bob {__version__})

Exit codes: 0 done or nothing to do, 1 failure, 2 usage or invalid inventory, 3 preflight refused,
4 changes pending, 5 another operation holds the scope, 6 guard refused, 7 deadline passed,
8 recorded but unfinished, 9 degraded, 130 interrupted.
"""


def build_app() -> typer.Typer:
    """The command line, made of every module of `bob.commands` (each has `register(app)`)."""
    app = typer.Typer(
        name="bob", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(_root)
    for module in sorted(m.name for m in pkgutil.iter_modules(bob.commands.__path__)):
        if not module.startswith("_"):
            importlib.import_module(f"bob.commands.{module}").register(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """The parent of all verbs; the work of its one option is done by its callback."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    _terminate_like_interrupt()
    logs.start("-".join(word for word in given[:2] if word.isidentifier()) or "bob")
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code. Every error becomes a message on stderr."""
    log = logs.get()
    log.info("started", version=__version__, arguments=arguments)
    try:
        code = build_app()(args=arguments, prog_name="bob", standalone_mode=False)
        return int(code or 0)
    except BobError as error:
        log.error("failed", error=str(error), kind=type(error).__name__, exc_info=True)
        _say(error.message, error.cure)
        return error.exit_code
    except typer.Exit as stop:
        return int(stop.exit_code)
    except _UsageError as error:
        error.show()
        return int(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        log.warning("interrupted")
        console.err.print("Interrupted.")
        return INTERRUPTED
    except Exception as error:  # the last guard: anything here is a defect of Bob
        log.error("BUG", exc_info=True)
        _say(f"BUG: {type(error).__name__}: {error}", "Please report it with the log file.")
        return 1


def _say(message: str, cure: str) -> None:
    console.err.print(f"[bold red]error:[/] {escape(message)}")
    if cure:
        console.err.print(f"  [bold]do now:[/] {escape(cure)}")
    if file := logs.file():
        console.err.print(f"  [dim]log:[/] {file}")


def _terminate_like_interrupt() -> None:
    """SIGTERM and SIGHUP unwind like Ctrl-C, so that clean-up code runs."""
    import signal

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


if __name__ == "__main__":
    main()
