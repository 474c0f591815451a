"""The entry point: the table of commands, loaded one at a time, and the one place that catches errors."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from gitflow_runner.cli.output import Output
from gitflow_runner.errors import GitflowError, UsageError

# name: (module below gitflow_runner.cli, function, summary). Help is printed from here, so that it costs
# no import of what the commands need.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("setup", "init", "Prepare this repository: a first flow, the policy, the runner's key."),
    "doctor": ("setup", "doctor", "Check Git, signing, trust and settings; each bad line names its fix."),
    "lint": ("lint", "lint", "Check flows and print what is wrong, where, and how to mend it."),
    "test": ("cases", "test", "Run the tests of flows in memory, with mocked steps."),
    "fmt": ("fmt", "fmt", "Lay out the text of flows; data, comments and discards stay."),
    "explain": ("explain", "explain", "Say what a code means, and what to do next."),
    "eval": ("code", "eval_", "Evaluate an expression, or a stream of them, in the language of flows."),
    "read": ("read", "read", "Print the forms of a file as JSON with their spans, for editors."),
    "run": ("runs", "run", "Start a run and drive it to its end or its first wait."),
    "watch": ("runs", "watch", "Follow a run that another process drives."),
    "show": ("runs", "show", "Show a run: its steps, waits, results and the next commands."),
    "logs": ("logs", "logs", "Print what the attempts of a run logged."),
    "waits": ("waits", "waits", "List open waits, with what each asks for; answer one for an event."),
    "approve": ("waits", "approve", "Sign an approval of exactly what is shown."),
    "reject": ("waits", "reject", "Sign a rejection; any valid one ends the wait."),
    "resolve": ("waits", "resolve", "Settle a step whose outcome a crash left in doubt."),
    "cancel": ("waits", "cancel", "Ask a run to stop; its `finally` forms still run."),
    "release": ("releases", "release", "Sign an immutable release of a flow."),
    "promote": ("releases", "promote", "Move live to a release."),
    "rollback": ("releases", "rollback", "Move live back to the release before."),
    "retire": ("releases", "retire", "Take a flow out of use until one of its releases is promoted again."),
    "versions": (
        "releases",
        "versions",
        "List the releases of a flow, whether each verifies, which is live.",
    ),
    "diff": ("releases", "diff", "Show what changed in a flow between two releases, or live and the draft."),
    "runs": ("runs", "runs", "List runs, or verify them from Git alone."),
    "resources": (
        "resources",
        "resources",
        "List, show, fetch, search and remove stored values and tables.",
    ),
    "flows": ("flows", "flows", "List flows, import a file, or migrate one to the newest spelling."),
    "verify": ("verify", "verify", "Judge the signatures of commits and tags."),
    "audit": ("audit", "audit", "List who released, promoted, decided and asked; prove all of it again."),
    "policy": ("policy", "policy", "Show, check, explain and change who may do what."),
    "trust": ("trust", "trust", "Pin the root of the policy that this clone trusts; prove that it is fresh."),
    "hooks": ("hooks", "hooks", "Install Git hooks beside what is there, show them, or take them away."),
    "configure": ("configure", "configure", "Set a flow up, and say what it lacks before it can run."),
    "connections": ("connections", "connections", "Write, try and list the named services."),
    "secrets": ("secrets", "secrets", "Keep secrets outside of Git, and say where each may be sent."),
    "gates": ("gates", "gates", "List gates, explain what they say of a commit, let one past by quorum."),
    "worker": ("worker", "worker", "Drive and recover the open runs of this clone."),
    "version": ("version", "version", "Print the version."),
}


class Commands(click.Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        module = importlib.import_module(f"gitflow_runner.cli.{found[0]}")
        command: click.Command = getattr(module, found[1])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from gitflow_runner.catalog.nearest import nearest

            near = nearest(args[0], COMMANDS, 2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-C", "directory", metavar="DIR", help="Work as if started in DIR.")
@click.version_option(package_name="gitflow-runner", message="%(version)s")
def cli(directory: str | None) -> None:
    """Durable flows in your own Git repository: runs, releases and approvals are signed commits.

    Start with `gfr init`, then `gfr run hello`.
    """
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            raise click.UsageError(f"cannot enter {directory}: {error.strerror}") from None


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code; nothing deliberate ever ends in a traceback."""
    argv = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(argv))


def run(argv: list[str]) -> int:
    """The command's exit code; all output has been printed."""
    spoken: list[Output] = []  # of the command, once its options are read
    try:
        code = cli.main(args=argv, prog_name="gfr", standalone_mode=False, obj=spoken)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except click.ClickException as error:
        return _usage(argv, error)
    except GitflowError as error:
        _output(argv, spoken).error(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader is gone: nothing more can be said, not even at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        from gitflow_runner.git.disk_errors import from_os_error

        told = from_os_error(error, f"{argv[0] if argv else 'gfr'} needed the disk")
        _output(argv, spoken).error(told)
        return told.exit_code
    except Exception as error:  # noqa: BLE001 - the last net: a defect is told as one, not as a traceback
        return _internal(_output(argv, spoken), error)


def _output(argv: list[str], spoken: Sequence[Output] = ()) -> Output:
    if spoken:
        return spoken[-1]
    # Errors can come before any option was parsed, and must still be JSON if JSON was asked for.
    flags = argv[: argv.index("--")] if "--" in argv else argv
    return Output.choose(
        as_json="--json" in flags,
        plain=False,
        colour=None,
        quiet=False,
        environment=os.environ,
        stdout=sys.stdout,
        stderr=sys.stderr,
    )


def _usage(argv: list[str], error: click.ClickException) -> int:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "gfr"
    told = UsageError("usage", error.format_message(), fix=(f"{command} --help",))
    _output(argv).error(told)
    return told.exit_code


def _internal(out: Output, error: Exception) -> int:
    details: dict[str, object] = {"type": type(error).__name__}
    if os.environ.get("GFR_DEBUG"):
        import tempfile
        import traceback

        with tempfile.NamedTemporaryFile("w", prefix="gfr-", suffix=".log", delete=False) as log:
            log.write(out.mask("".join(traceback.format_exception(error))))
        details["log"] = log.name
    told = GitflowError(
        "internal",
        f"an internal error: {type(error).__name__}: {error}",
        hint=f"see {details['log']}" if "log" in details else "set GFR_DEBUG=1 to keep the details in a file",
        details=details,
    )
    out.error(told)
    return 1
