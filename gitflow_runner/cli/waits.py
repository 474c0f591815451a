"""Open waits, the decisions that people sign on them, and the requests that steer a run."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gitflow_runner.cli.answers import complete_
from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output, printable
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import (
    decision_command,
    next_commands,
    run_data,
    run_lines,
    short,
    wait_data,
    wait_lines,
)
from gitflow_runner.errors import GitflowError, LangError, UsageError
from gitflow_runner.git.refs import approvals_prefix, run_ref
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import pretty, write
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.model.event import WaitOpened
from gitflow_runner.model.run import EXIT_CODES, Run
from gitflow_runner.runner.decide import (
    SHORT,
    Question,
    ask,
    check_action,
    check_person,
    decide,
    find_question,
)
from gitflow_runner.runner.drive import Patience
from gitflow_runner.runner.outbox import own_address
from gitflow_runner.runner.printed import Asked, decision_block
from gitflow_runner.trust.statement import Act, StepOutcome
from gitflow_runner.trust.verify import prove

_LINES = 60


def question_text(question: Question) -> list[str]:
    """Exactly what is signed, laid out for reading."""
    try:
        text = pretty(read_data(question.payload.decode("utf-8")), 100)
    except (GitflowError, UnicodeDecodeError):
        text = question.payload.decode("utf-8", "replace")
    return [f"  {line}" for line in text.splitlines()[:_LINES]]


def git_commands(session: Session, question: Question, decision: str) -> str:
    """The plain-Git way to the same decision, ready to paste."""
    runtime = session.service.runtime
    asked = Asked(
        runtime.remote or own_address(runtime),
        question.run.run,
        run_ref(question.run.slug, question.run.run),
        question.state.wait.folder,
        question.commit,
        question.digest,
        _runner_key(session, question),
        approvals_prefix(question.run.run, question.state.wait.folder),
    )
    return decision_block(asked, decision)


def _runner_key(session: Session, question: Question) -> str:
    raw = session.service.runtime.repository.read(question.commit)
    return prove(raw).key.line


def question_lines(session: Session, run: Run) -> list[str]:
    """What to do about the open waits of a run, for people."""
    now = session.service.runtime.clock.now_ms()
    lines = []
    for state in run.waits:
        lines += wait_lines(session.out, state, now)
        for action in state.wait.actions[:1]:
            lines.append(f"    decide: {decision_command(action, run.run, state.wait.folder)}")
        lines.append(f"    with plain git: gfr show {run.run} {state.wait.folder}")
    return lines


def show_wait(session: Session, run_name: str, wait_name: str, findings: Sequence[Finding]) -> None:
    """Print one open wait: its terms, its payload, and both ways to decide; `findings` are about its run."""
    question = find_question(session.service.runtime, run_name, wait_name)
    now = session.service.runtime.clock.now_ms()
    data = wait_data(question.state)
    decisions = question.state.wait.actions
    if findings:
        # The commands check the runner's key, and here nobody knows whose key that is.
        session.out.warn(f"untrusted_run: {findings[0].message} ({findings[0].code})")
    offered = () if findings else decisions
    blocks = {decision: git_commands(session, question, decision) for decision in offered}
    run = question.run
    data |= {
        "run": run.run,
        "flow": run.slug,
        "commit": question.commit,
        "payload_text": question.payload.decode("utf-8", "replace"),
        "trusted": not findings,
        "git_commands": blocks,
    }
    text = [
        *wait_lines(session.out, question.state, now),
        "",
        f"You would sign exactly this (payload {question.digest[:SHORT]}):",
        *question_text(question),
    ]
    for decision, block in list(blocks.items())[:1]:
        text += ["", f"With plain git, to {decision}:", *block.splitlines()]
    session.out.result(
        "gfr/waits.show/1",
        data,
        text=text,
        ids=[question.state.wait.folder],
        follow=[decision_command(decision, run.run, question.state.wait.folder) for decision in offered[:3]],
    )


@click.group(name="waits", invoke_without_command=True)
@click.option("--mine", is_flag=True, help="Only those that you may decide.")
@shared
def waits(out: Output, mine: bool) -> None:
    """List open waits, or answer one for an event."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    session = Session(out, fresh=True)
    runtime = session.service.runtime
    now = runtime.clock.now_ms()
    items: list[dict[str, object]] = []
    rows: list[tuple[object, ...]] = []
    lines: list[str] = []
    for item in session.service.runs(slug=None, limit=5_000):
        if item.state is None or not item.state.waits:
            continue
        trusted = session.service.is_trusted(item.at)
        for state in item.state.waits:
            yours = trusted and _may_decide(session, item.state, state.wait)
            if mine and not yours:
                continue
            data = wait_data(state) | {"run": item.state.run, "flow": item.state.slug}
            data |= {"yours": yours, "trusted": trusted}
            items.append(data)
            rows.append(
                (item.state.run, state.wait.folder, state.wait.wait, state.wait.title, data["deadline"])
            )
            lines.append(f"{short(item.state.run, item.state.slug)}  {item.state.run}")
            lines += [f"  {line}" for line in wait_lines(out, state, now)]
    count = sum(1 for item in items if item["yours"])
    out.result(
        "gfr/waits.ls/1",
        {"items": items, "cursor": None, "total": len(items)},
        text=[*lines, f"{count} of {len(items)} can be decided by you"] if items else ["nothing waits"],
        rows=rows,
        ids=[str(item["wait"]) for item in items],
        follow=[f"gfr approve {items[0]['run']} {items[0]['wait']}"] if items else [],
    )


waits.add_command(complete_)


def _may_decide(session: Session, run: Run, wait: WaitOpened) -> bool:
    if wait.wait != "approval":
        return False
    try:
        question = find_question(session.service.runtime, run.run, wait.folder)
        check_person(session.service.runtime, question)
    except GitflowError:
        return False
    return True


@click.command(name="approve")
@click.argument("run_name", metavar="RUN")
@click.argument("wait_name", metavar="[WAIT]", required=False)
@click.option("-m", "--message", default="", help="Words that go into the signed commit.")
@click.option(
    "--payload", default=None, help="The payload's digest that you saw (needed without a terminal)."
)
@click.option("--action", default="approve", help="Another decision that the wait offers, such as retry.")
@click.option("--yes", is_flag=True, help="Do not ask (needs --payload).")
@shared
def approve(
    out: Output,
    run_name: str,
    wait_name: str | None,
    message: str,
    payload: str | None,
    action: str,
    yes: bool,
) -> int:
    """Show what RUN asks, sign an approval of exactly that, and let the run go on.

    Examples: gfr approve 7k3m5q --payload 9f2c1d4 --yes · gfr approve 7k3m5q 00002-load-failed --action retry
    """
    return _decide(out, run_name, wait_name, action, message, payload, yes)


@click.command(name="reject")
@click.argument("run_name", metavar="RUN")
@click.argument("wait_name", metavar="[WAIT]", required=False)
@click.option("-m", "--message", default="", help="Why; it goes into the signed commit.")
@click.option(
    "--payload", default=None, help="The payload's digest that you saw (needed without a terminal)."
)
@click.option("--yes", is_flag=True, help="Do not ask (needs --payload).")
@shared
def reject(
    out: Output, run_name: str, wait_name: str | None, message: str, payload: str | None, yes: bool
) -> int:
    """Sign a rejection of what RUN asks; any valid one ends the wait."""
    return _decide(out, run_name, wait_name, "reject", message, payload, yes)


def _decide(
    out: Output,
    run_name: str,
    wait_name: str | None,
    decision: str,
    message: str,
    payload: str | None,
    yes: bool,
) -> int:
    session = Session(out, fresh=True)
    runtime = session.service.runtime
    question = find_question(runtime, run_name, wait_name)
    principal = check_person(runtime, question)
    check_action(question, decision)
    if not yes or payload is None:
        payload = _confirmed(out, question, decision, payload)
    signed = decide(runtime, question, decision, note=message, payload=payload)
    out.note(f"signed {signed.oid[:7]} on {signed.ref} as {principal}")
    run = question.run
    data: dict[str, object] = {"approval": signed.oid, "ref": signed.ref, "principal": principal}
    if question.at.remote is not None or not session.owns(run.run):
        data |= {"run": run.run, "flow": run.slug, "status": run.status}
        where = f"{run.run} goes on where it is driven"
        out.result("gfr/approve/1", data, text=[where], ids=[signed.oid], follow=[f"gfr show {run.run}"])
        return 0
    stood = session.drive(lambda: session.service.drive(question.at, Patience.TIMERS))
    view = session.service.show(run.run)
    data |= run_data(view)
    code = EXIT_CODES[stood.run.status]
    out.result(
        "gfr/approve/1",
        data,
        text=run_lines(out, view, runtime.clock.now_ms()),
        rows=[(signed.oid, stood.run.run, stood.run.status)],
        ids=[signed.oid],
        follow=next_commands(stood.run),
    )
    # A quorum of several people is no failure of this one's approval.
    return 0 if code == 7 else code


def _confirmed(out: Output, question: Question, decision: str, payload: str | None) -> str:
    """The digest to sign for, from a person at a terminal; `UsageError` where nobody can be asked."""
    wait = question.state.wait
    command = decision_command(decision, question.run.run, wait.folder)
    if not may_ask() or out.mode == "json":
        raise UsageError(
            "approval.unseen",
            f"to {decision} without a terminal, name the payload that you saw",
            fix=(
                f"gfr show {question.run.run} {wait.folder}",
                f"{command} --payload {question.digest[:SHORT]} --yes",
            ),
            details={"payload_digest": wait.payload},
        )
    out.note(f"{wait.folder} asks: {wait.title}")
    out.note(f"You {decision} exactly this (payload {question.digest[:SHORT]}):")
    for line in question_text(question):
        out.note(printable(line))
    if not click.confirm(f"{decision.capitalize()}?", default=False, err=True):
        raise UsageError("approval.declined", "nothing was signed")
    return payload or question.digest


@click.command(name="cancel")
@click.argument("run_name", metavar="RUN")
@click.option("--reason", default=None, help="Why; it goes into the signed request.")
@shared
def cancel(out: Output, run_name: str, reason: str | None) -> int:
    """Ask RUN to stop; its `finally` forms still run, as recorded steps."""
    return _ask(out, run_name, "cancel", reason=reason)


@click.command(name="resolve")
@click.argument("run_name", metavar="RUN")
@click.argument("step", metavar="STEP")
@click.option("--retry", "outcome", flag_value="retry", help="Do it again; it may happen twice.")
@click.option("--fail", "outcome", flag_value="fail", help="Take it as failed.")
@click.option("--done", "value", metavar="EDN", default=None, help="Take it as done, with this result.")
@click.option("--reason", default=None, help="How you know; it goes into the signed request.")
@shared
def resolve(
    out: Output,
    run_name: str,
    step: str,
    outcome: StepOutcome | None,
    value: str | None,
    reason: str | None,
) -> int:
    """Settle STEP of RUN, whose outcome a crash left in doubt.

    Example: gfr resolve 7k3m5q charge --done '{:id "ch_1"}' --reason "seen in the ledger"
    """
    if (outcome is None) == (value is None):
        raise UsageError("usage.resolve", "give one of --retry, --done VALUE and --fail")
    data = None if value is None else _value(value)
    return _ask(out, run_name, "resolve", reason=reason, step=step, outcome=outcome or "done", value=data)


def _value(text: str) -> bytes:
    try:
        return write(read_data(text, loose=True)).encode()
    except LangError as error:
        raise UsageError("usage.value", f"--done takes a value in EDN: {error.message}") from None


def _ask(
    out: Output,
    run_name: str,
    act: Act,
    *,
    reason: str | None,
    step: str | None = None,
    outcome: StepOutcome | None = None,
    value: bytes | None = None,
) -> int:
    session = Session(out, fresh=True)
    at = session.service.find(run_name)
    signed = ask(
        session.service.runtime,
        at,
        act,
        reason=reason,
        step=step,
        outcome=outcome,
        value=value,
    )
    out.note(f"signed {signed.oid[:7]} on {signed.ref} as {signed.principal}")
    data: dict[str, object] = {"request": signed.oid, "ref": signed.ref, "principal": signed.principal}
    elsewhere = at.remote is not None or not session.owns(at.run)
    try:
        stood = None if elsewhere else session.drive(lambda: session.service.drive(at))
    except GitflowError as error:
        if error.code not in ("lease.run_held", "run.foreign"):
            raise
        stood = None
    if stood is None:
        out.note(f"{at.run} is driven elsewhere; it takes the request at its next look")
        out.result("gfr/request/1", data | {"run": at.run}, text=[signed.oid], ids=[signed.oid])
        return 0
    view = session.service.show(at.run)
    taken = next((r for r in view.requests if r.oid == signed.oid), None)
    if taken is not None and taken.reason is not None:
        out.warn(f"the request was refused: {taken.reason}")
    now = session.service.runtime.clock.now_ms()
    out.result(
        "gfr/request/1",
        data | run_data(view),
        text=run_lines(out, view, now),
        rows=[(signed.oid, at.run, stood.run.status)],
        ids=[signed.oid],
        follow=next_commands(stood.run),
    )
    return 0
