"""Make a run and follow it to its end, or go on with one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from carscribe import runs
from carscribe.deployment import BUILD, DeploymentError, StepError, hosts
from carscribe.playbooks import play
from carscribe.progress import Progress, display

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOG = BUILD / "run.log"
GOES_ON = (
    "You look on no more. Run {run_id} goes on without you: `make status` shows it, and "
    "`make results` fetches it when it has ended."
)
_LEFT = "sed -n 's/^CARSCRIBE_RUN_ID=//p' {state}/current-run 2>/dev/null || :"


def make_run(run_id: str, *, yes: bool) -> None:
    """Make a run, or go on with the one named, follow it, and print its result.

    Args:
        run_id: of the run to go on with; empty for a new one.
        yes: leave a run that has not ended as it is without a question.

    Raises:
        DeploymentError: the id is none, nothing is up, or another run has not ended.
        StepError: the run was not started or did not complete; why has been said.
    """
    name = checked(run_id) if run_id else runs.new_run_id()
    remotes = reached()
    anew = yes or asked(remotes, name)
    chosen = {"run_id": name} if run_id else {"run_new_id": name}
    print(f"{'Going on with run' if run_id else 'Run'} {name}", file=sys.stderr, flush=True)
    play("start", {**chosen, **({"run_anew": True} if anew else {})}, log=LOG)
    follow(remotes, name)


def checked(run_id: str) -> str:
    """Return a run id that a person has named, before any other program sees it.

    Raises:
        DeploymentError: it is none.
    """
    try:
        return runs.check_run_id(run_id)
    except runs.RunIdError as problem:
        raise DeploymentError(str(problem)) from None


def reached() -> list[runs.Remote]:
    """Return the workers' hosts.

    Raises:
        DeploymentError: nothing is up.
    """
    return [runs.Remote(host.worker, runs.ssh_words(host.variables)) for host in hosts().values()]


def asked(remotes: Sequence[runs.Remote], run_id: str) -> bool:
    """Ask whether to leave another run that has not ended; return whether there is one to leave.

    Raises:
        DeploymentError: there is one, and it is not to be left or nobody can be asked.
    """
    for remote in remotes:
        try:
            left = remote.read(_LEFT.format(state=remote.state)).strip()
        except runs.SilentError:
            continue  # the playbook says why, and what to do
        if left in {"", run_id}:
            continue
        said = (
            f"Run {left} has not ended: `make run RUN_ID={left}` goes on with it. "
            "Another one leaves it as it is."
        )
        if not sys.stdin.isatty():
            raise DeploymentError(f"{said} Say YES=1 to begin another.")
        print(said, file=sys.stderr)
        if input("Begin another? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise DeploymentError("Nothing was begun.")
        return True
    return False


def follow(remotes: Sequence[runs.Remote], run_id: str) -> None:
    """Watch a run to its end, and print its result or what failed.

    Raises:
        StepError: it did not complete; why has been said.
    """
    progress = Progress()
    try:
        with display() as shown:

            def show(seen: Mapping[str, runs.Seen]) -> None:
                figures = progress.figures(seen["a"].summary, seen["b"].summary)
                shown.worked(figures, runs.note(seen))

            seen = runs.watch(remotes, run_id, show)
    except KeyboardInterrupt:
        print(GOES_ON.format(run_id=run_id), file=sys.stderr)
        raise
    end = runs.end_of(remotes, seen, run_id)
    for worker, lines in end.journals.items():
        print("\n".join([f"Worker {worker.upper()}'s last lines:", *lines]), file=sys.stderr)
    if end.problems:
        print("\n".join(end.problems), file=sys.stderr)
        raise StepError(1)
    for line in end.output or ["No image has both a car and text."]:
        print(line, flush=True)
    print(
        "`make results` fetches all of it: the page, each text with its box, the costs.",
        file=sys.stderr,
    )
