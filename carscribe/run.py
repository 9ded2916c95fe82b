"""Make a run and follow it to its end, or go on with one; fetch what it wrote."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from carscribe import runs, watch
from carscribe.deployment import DeploymentError, StepError, hosts
from carscribe.fetch import FetchError, choose, fetch
from carscribe.options import THUMBNAILS_MAX
from carscribe.progress import Progress, bytes_display, display, of_all_pairs, size
from carscribe.steps import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

INCOMPLETE = 65
FILES = {
    "output.txt": "The result:",
    "output.partial.txt": "So far:",
    "report.html": "The page:",
    "results.csv": "The table:",
    "results.jsonl": "All of it:",
}
GOES_ON = (
    "You look on no more. Run {run_id} goes on without you, if it has begun: `make status` shows "
    "it, `make run RUN_ID={run_id}` looks on again, and `make results` fetches it when it has ended."
)
_LEFT = "sed -n 's/^CARSCRIBE_RUN_ID=//p' {state}/current-run 2>/dev/null || :"


def make_run(run_id: str, *, yes: bool, start: Callable[[dict[str, Any]], None]) -> None:
    """Make a run, or go on with the one named, follow it, and print its result.

    Args:
        run_id: of the run to go on with; empty for a new one.
        yes: leave a run that has not ended as it is without a question.
        start: starts the workers, with these variables for the playbook.

    Raises:
        DeploymentError: nothing is up, or another run has not ended.
        StepError: the run was not started or did not complete; why has been said.
    """
    name = run_id or runs.new_run_id()
    remotes = reached()
    anew = yes or asked(remotes, name)
    chosen = {"run_id": name} if run_id else {"run_new_id": name}
    print(f"{'Going on with run' if run_id else 'Run'} {name}", file=sys.stderr, flush=True)
    try:
        start({**chosen, **({"run_anew": True} if anew else {})})
        follow(remotes, name)
    except KeyboardInterrupt:
        print(GOES_ON.format(run_id=name), file=sys.stderr)
        raise


def reached() -> list[runs.Remote]:
    """Return the workers' hosts.

    Raises:
        DeploymentError: nothing is up.
    """
    return [host.remote for host in hosts().values()]


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
        left = runs.shown(left)
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
    with display() as shown:

        def show(seen: Mapping[str, watch.Seen]) -> None:
            figures = progress.figures(*of_all_pairs(watch.summaries(seen)))
            shown.worked(figures, watch.note(seen))

        seen = watch.watch(remotes, run_id, show)
    end = watch.end_of(remotes, seen, run_id)
    for name, lines in end.journals.items():
        print("\n".join([f"Worker {name.upper()}'s last lines:", *lines]), file=sys.stderr)
    if end.problems:
        print("\n".join(end.problems), file=sys.stderr)
        raise StepError(1)
    for line in end.output or ["No image has both a car and text."]:
        print(line, flush=True)
    sentences = [end.more, *watch.several_models(seen), *watch.denied_regions(seen)]
    for sentence in filter(None, sentences):
        print(sentence, file=sys.stderr)
    print(
        "`make results` fetches all of it: the page, each text with its box, the costs.",
        file=sys.stderr,
    )


def fetch_run(
    remotes: Sequence[runs.Remote], run_id: str, results: Path
) -> tuple[Path, dict[str, str]]:
    """Fetch a run, the latest if none is named; return its folder and the hosts that were silent.

    Raises:
        DeploymentError: there is no such run, or it did not come whole.
    """
    begun = time.monotonic()
    try:
        name, silent = choose(remotes, run_id)
        folder = results / name
        with bytes_display() as show:
            silent |= fetch([one for one in remotes if one.name not in silent], name, folder, show)
    except FetchError as problem:
        raise DeploymentError(str(problem)) from None
    total = sum(path.stat().st_size for path in folder.glob("[ab]*/*"))
    took = time.monotonic() - begun
    print(f"Run {name}: {size(total)} are here after {took:.0f} s", flush=True)
    return folder, silent


def say_result(folder: Path, silent: Mapping[str, str], thumbnails: int = THUMBNAILS_MAX) -> int:
    """Say what was made of a run, and what is missing; return the exit code.

    Args:
        folder: of the run.
        silent: the hosts that did not answer, with why.
        thumbnails: of how many images a picture was asked for.

    Returns:
        0 if the run is complete, else 65 (EX_DATAERR of sysexits.h).
    """
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    totals, state = summary["totals"], summary["state"]
    print(
        f"{totals['images']} images, {totals['cars']} cars, {totals['with_text']} with text, "
        f"{totals['failed']} failed."
    )
    for name, what in FILES.items():
        if (folder / name).exists():
            print(f"{what:<12} {shown(folder / name)}")
    if thumbnails < min(totals["images"], THUMBNAILS_MAX):
        print(
            f"The page has pictures of the first {thumbnails} images; `make results "
            "THUMBNAILS=all` fetches the others, too."
        )
    if silent:
        for host, why in silent.items():
            print(f"Host {host.upper()} does not answer ({runs.shown(why)}).", file=sys.stderr)
        print("What it has is missing: `make up`, then `make results` again.", file=sys.stderr)
        return INCOMPLETE
    if state == runs.COMPLETE:
        return 0
    pairs = summary.get("pairs", [summary])
    reasons = [
        f"Worker {name.upper()}: {runs.shown(reason)}"
        for pair in pairs
        for name in runs.names_of(pair.get("pair", 1))[-2:]
        if (reason := (pair[f"worker_{name[0]}"] or {}).get("reason"))
    ]
    advice = f"`make run RUN_ID={folder.name}` goes on with it, `make status` shows how far it is."
    if unknown := [
        runs.names_of(pair.get("pair", 1))[-2] for pair in pairs if not pair["worker_a"]
    ]:
        advice += (
            f" Nothing of worker {runs.listed(name.upper() for name in unknown)} is here: if its "
            "volume is a new one nobody can go on with it, and `make run YES=1` begins another."
        )
    print("\n".join([f"This run is not complete but {state}.", *reasons, advice]), file=sys.stderr)
    return INCOMPLETE
