"""`make conform`: ask a real account what the tests of conformance ask, and say where it differs.

    python -m tests.conformance.conform [--out DIR] [pytest's arguments]

Keeps each answer in a folder of build/conform/, and packs it, without account
numbers, into one file. With HOSTS=1 also a deployment with its hosts, a run, and its end.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from carscribe import CHECKOUT, options
from carscribe.credentials import check_credentials
from carscribe.deployment import BUILD, DeploymentError, target_that_is_up
from carscribe.steps import agrees, shown
from tests.conformance.account import BUDGET_USD, hidden
from tests.conformance.scrub import Scrubber

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTS_USD = 0.30
EXIT_DIFFERENT = 65
"""EX_DATAERR of sysexits.h."""
KEPT_OF_RESULTS = ("output.txt", "output.partial.txt", "results.jsonl", "summary.json")


@dataclass
class Findings:
    """A plug-in of pytest that notes where the account differs."""

    asked: int = 0
    different: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how one test ended, or that something could not be made or removed."""
        self.asked += report.when == "call"
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            said = crash.message if crash else str(report.longrepr)
            place = report.nodeid.rpartition("/")[2]
            first = " ".join(said.split())[:300]
            self.different.append(f"{place}: {first}")


def main(arguments: Sequence[str]) -> int:
    """Ask before anything is made, ask the account, pack what it said."""
    parser = argparse.ArgumentParser(prog="conform", description=__doc__)
    parser.add_argument("--out", type=Path, default=BUILD / "conform")
    known, of_pytest = parser.parse_known_args(arguments)
    chosen, said = options.collect("conform", ("HOSTS", "TARGET", "YES"), {}, os.environ)
    for line in said:
        print(line, file=sys.stderr)
    target = chosen.target or "aws"
    if chosen.hosts and target == "aws" and (present := target_that_is_up()):
        raise DeploymentError(
            f"TARGET={present} is up in this checkout, and `make conform HOSTS=1` would remove it "
            "at its end: `make down` first, or use a checkout of its own."
        )
    if target == "aws":
        will = _what_it_does(check_credentials(), with_hosts=chosen.hosts)
        if chosen.yes:
            print(will, flush=True)
        elif not agrees(will, f"{will} Say YES=1 to go on; nothing was asked and nothing made."):
            print("Nothing was asked and nothing made.")
            return 0
    folder = known.out / f"carscribe-conform-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    folder.mkdir(parents=True)
    scrub = Scrubber(hidden() if target == "aws" else ())
    findings = _ask(folder, of_pytest, is_aws=target == "aws")
    lines = [*_versions(), "", *_told(findings, target)]
    failed = _Deployment(folder, target, scrub).use() if chosen.hosts else []
    if chosen.hosts:
        lines.append(f"Hosts: {'; '.join(failed) or 'up, run, verify, results, down succeeded'}.")
    (folder / "report.txt").write_text(scrub("\n".join(lines) + "\n"))
    print(*lines, sep="\n")
    print(f"All of it, without account numbers: {shown(_pack(folder))}")
    return EXIT_DIFFERENT if findings.different or failed else 0


def _what_it_does(who: str, *, with_hosts: bool) -> str:
    region = boto3.session.Session().region_name or "us-east-1"
    said = (
        f"As {who}, in {region}: makes buckets and queues called carscribe-conform-..., asks "
        f"S3, SQS and Rekognition, and removes them again; at most ${BUDGET_USD:.2f}."
    )
    if with_hosts:
        said += f" Then `make up`, `run`, `verify`, `results` and `down`; at most ${HOSTS_USD:.2f}."
    return said


def _ask(folder: Path, arguments: Sequence[str], *, is_aws: bool) -> Findings:
    if is_aws:
        os.environ["CARSCRIBE_CONFORM_ANSWERS"] = str(folder / "answers.jsonl")
    findings = Findings()
    quiet = ["-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-r", ""]
    code = pytest.main([*quiet, str(Path(__file__).parent), *arguments], plugins=[findings])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        findings.different.append(f"the tests came to no end ({code!r})")
    return findings


def _told(findings: Findings, target: str) -> list[str]:
    who = "AWS" if target == "aws" else "The emulator"
    different, asked = len(findings.different), findings.asked
    if not different:
        return [f"{who} differs in none of {asked} points."]
    return [f"{who} differs in {different} of {asked} points:", *findings.different]


def _versions() -> list[str]:
    git = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return [
        f"carscribe {git.stdout.strip() or 'without git'}",
        f"Python {platform.python_version()}, boto3 {boto3.__version__}, {platform.platform()}",
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    ]


@dataclass
class _Deployment:
    """Hosts that are made, used and removed, and what was said meanwhile."""

    folder: Path
    target: str
    scrub: Scrubber

    def use(self) -> list[str]:
        """Say which steps failed; the hosts are removed in any case."""
        failed = []
        steps = {
            "up": [f"TARGET={self.target}", "IMAGES=images", "YES=1"],
            "run": ["YES=1"],
            "verify": [],  # looks at the last run, too
            "results": [],
        }
        try:
            for step, words in steps.items():
                if code := self._make(step, words):
                    failed.append(f"make {step} ended with {code}")
                    if step == "up":
                        break
                elif step == "results":
                    self._keep_results()
        finally:
            if code := self._make("down", ["YES=1"]):
                failed.append(f"make down ended with {code}, so something is left: say it again")
        return failed

    def _make(self, step: str, words: Sequence[str]) -> int:
        """Call make, show what it says, and keep that with the step's own log."""
        kept_out = (
            "MAKE",
            "MFLAGS",
            "PYTEST_",
            *(f"CARSCRIBE_{name}" for name in ("HOSTS", "TARGET", "YES")),
        )
        said, begun = [], time.time()
        with subprocess.Popen(
            ["make", "--no-print-directory", step, *words],
            cwd=CHECKOUT,
            env={n: value for n, value in os.environ.items() if not n.startswith(kept_out)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                said.append(line)
        self._keep(f"{step}.txt", "".join(said))
        log = BUILD / "logs" / f"{step}.log"
        if log.exists() and log.stat().st_mtime >= begun:
            self._keep(log.name, log.read_text(errors="replace"))
        return process.returncode

    def _keep_results(self) -> None:
        fetched = CHECKOUT / (BUILD / "fetched-run").read_text().strip()
        for name in KEPT_OF_RESULTS:
            if (fetched / name).exists():
                self._keep(name, (fetched / name).read_text())

    def _keep(self, name: str, text: str) -> None:
        (self.folder / name).write_text(self.scrub(text))


def _pack(folder: Path) -> Path:
    """Put all that was kept into one file, beside it."""
    packed = folder.with_name(f"{folder.name}.tar.gz")
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(folder, folder.name, filter=_nobodys)
    return packed


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owns a file on the machine of who sends it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DeploymentError as problem:
        print(problem, file=sys.stderr)
        sys.exit(problem.code)
