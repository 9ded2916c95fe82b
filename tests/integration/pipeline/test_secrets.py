"""Secrets: none in git, in what a deployment leaves here, in logs, results or process lists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.emulator.cloud import allow, assume, make_role
from tests.pipeline import ROOT, Pipeline, car_answer, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}",
    r"\b(?:AKIA|ASIA)(?!UNKNOWN)[A-Z0-9]{16}\b",  # made-up ones of the tests say so
    r"(?i:aws_?secret_?access_?key)\W{1,5}[A-Za-z0-9/+]{40}\b",
    r"(?i:aws_?session_?token)\W{1,5}[A-Za-z0-9/+=]{100}",
    r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
)
SECRET = re.compile("|".join(KINDS))
"""Private keys, AWS key ids (temporary ones too), secret keys, tokens."""

PLANTED = {
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA",
    "a key id": "AK" + "IAIOSFODNN7EXAMPLE",
    "a temporary key id": "AS" + "IAIOSFODNN7EXAMPLE",
    "a secret key": "aws_secret_access" + "_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a token": "AWS_SESSION" + "_TOKEN=" + "x" * 120,
}

LEFT_HERE = ("build/*/terraform.tfstate*", "build/inventory.yml", "build/**/*.log", "results/**/*")
LARGEST_BYTES = 20 * 2**20


def git(*arguments: str) -> str:
    """Return what git prints."""
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)
    return done.stdout.decode(errors="replace")


def left_here() -> Iterator[Path]:
    """Yield the files that deployments and runs have left in this checkout."""
    for pattern in LEFT_HERE:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path.stat().st_size <= LARGEST_BYTES:
                yield path


@pytest.mark.parametrize("kind", PLANTED)
def test_the_scan_finds_what_is_planted(kind: str) -> None:
    """Each kind of secret is found, so that a scan without a finding says something."""
    assert SECRET.search(f"before\n{PLANTED[kind]}\nafter")


def test_none_in_git() -> None:
    """No file that git knows holds a secret, and none ever did."""
    paths = [ROOT / name for name in git("ls-files", "-z").split("\0") if name]
    found = [
        path
        for path in paths
        if path.is_file() and SECRET.search(path.read_bytes().decode(errors="replace"))
    ]
    assert not found
    past = SECRET.search(git("log", "-p", "--no-textconv", "--unified=0", "--", ".", ":!*.txt"))
    assert past is None, past


def test_none_in_what_a_deployment_leaves_here() -> None:
    """State, inventory, logs and results hold no private key and no credentials."""
    found = [path for path in left_here() if SECRET.search(path.read_text(errors="replace"))]
    assert not found


def test_none_in_what_a_worker_leaves(pipeline: Pipeline) -> None:
    """A worker's credentials are in its environment alone: in no file, log or process list."""
    who = assume(pipeline.emulator, make_role(pipeline.emulator, "worker", allow(("*", "*"))))
    secret, token = who["secret"], who["token"]
    pipeline.add("1.jpg", car_answer(99.0, "GO 1"), body=picture(9_000_001))
    env = dict(pipeline.emulator.env)
    pipeline.emulator.env |= {
        "AWS_ACCESS_KEY_ID": who["key"],
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }
    try:
        b = pipeline.start("b", LOG_LEVEL="DEBUG")
        a = pipeline.start("a", LOG_LEVEL="DEBUG")
        lists = [
            Path(f"/proc/{worker.process.pid}/cmdline").read_bytes().decode() for worker in (a, b)
        ]
        assert (a.wait(), b.wait()) == (0, 0)
    finally:
        pipeline.emulator.env.clear()
        pipeline.emulator.env.update(env)
    written = [p.read_text(errors="replace") for p in pipeline.folder.rglob("*") if p.is_file()]
    assert len(written) > 8, "stores, locks, results, summaries, logs"
    for text in (*lists, *written):
        assert secret not in text
        assert token not in text
