"""`rvos`: the commands, and the border where every error becomes one sentence and an exit code.

Exit codes: 0 done, 1 failed, 2 the call is wrong, 130 interrupted. Heavy libraries are imported by the commands that
need them, so that help comes at once.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from rvos_core import __version__
from rvos_core.cli.bench import bench
from rvos_core.cli.demo import demo
from rvos_core.cli.evaluate import evaluate_app
from rvos_core.cli.exchange import export, import_annotations
from rvos_core.cli.models import models_app
from rvos_core.cli.output import report_error
from rvos_core.cli.predict import predict
from rvos_core.cli.project import project_app
from rvos_core.cli.read import read
from rvos_core.cli.segment import segment
from rvos_core.cli.synth import synth_app
from rvos_core.cli.track import track
from rvos_core.cli.train import train
from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.logging import environment, set_up_logging

_log = logging.getLogger("rvos.jobs")

# The usage error of the click that this typer stands on (its own copy in newer versions).
_WrongCall: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="rvos",
    help="Type what you see, get its mask on every frame of a clip.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("demo")(demo)
app.command("segment")(segment)
app.command("track")(track)
app.command("import")(import_annotations)
app.command("export")(export)
app.command("read")(read)
app.command("predict")(predict)
app.add_typer(evaluate_app, name="eval")
app.add_typer(models_app, name="models")
app.add_typer(project_app, name="project")
app.add_typer(synth_app, name="synth")
app.command("bench")(bench)
app.command("train")(train)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"rvos {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log more, and show where an unexpected error came from.")
    ] = False,
) -> None:
    # `main` reads --debug before anything else runs; it stands here to be listed and checked.
    del version, debug


def main(argv: Sequence[str] | None = None) -> int:
    """Run `rvos` with `argv` (default: the process's arguments) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    debug = "--debug" in arguments
    if debug:  # wherever it was typed
        arguments = ["--debug", *(each for each in arguments if each != "--debug")]
    _install_excepthook(set_up_logging("rvos", debug=debug, to_stderr=debug), as_json=as_json, debug=debug)
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name="rvos", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except _WrongCall as error:
        return _fail(_usage(error), as_json=as_json)
    except UserError as error:
        return _fail(error, as_json=as_json)
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        report_error(UserError("Interrupted; nothing half-written is left.", code="interrupted"), as_json=as_json)
        return Cancelled.exit_code
    except MemoryError:
        return _fail(_out_of_memory(), as_json=as_json)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader of our output left: nothing to tell it
        return 1
    except OSError as error:
        return _fail(_system_error(error), as_json=as_json)


def _fail(error: UserError, *, as_json: bool) -> int:
    _log.info("failed: %s (%s)", error, error.code)
    report_error(error, as_json=as_json)
    return error.exit_code


def _usage(error: Exception) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "rvos"
    message = getattr(error, "format_message", lambda: str(error))() or "A command is missing."
    return UsageError(message, hint=f"`{command} --help` lists what can be given.", code="usage")


def _out_of_memory() -> UserError:
    return UserError(
        "There is too little memory for this run.",
        hint="Take a smaller --size or --window, or close other programs.",
        code="memory.exhausted",
    )


def _system_error(error: OSError) -> UserError:
    """What the system refused, as a sentence; files that we open ourselves bring better ones."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"The disk is full{where}.", hint="Make room or choose another folder with -o.", code="output.disk_full"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(
            f"The system does not allow it{where}.", hint="Choose another folder with -o.", code="output.not_allowed"
        )
    return UserError(f"The system says: {error.strerror or error}{where}.", code="system")


def _install_excepthook(log_path: Path, *, as_json: bool, debug: bool) -> None:
    """The last border: an error nobody foresaw becomes one sentence, its traceback goes to the log."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("%s\n%s", environment(), "".join(traceback.format_exception(kind, error, trace)))
        if debug:
            traceback.print_exception(kind, error, trace)
        message = f"Something went wrong that should not have ({kind.__name__}: {_first_line(error)})."
        unexpected = UserError(message, hint=f"The details are in {log_path}.", code="unexpected")
        report_error(unexpected, as_json=as_json)

    sys.excepthook = hook


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")[:200]


if __name__ == "__main__":
    sys.exit(main())
