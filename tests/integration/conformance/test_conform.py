"""`make conform`, against an account that the emulator plays: what a first person on AWS does."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.account import BUDGET_USD, SAMPLES, BudgetError, Recorder
from tests.conformance.scrub import Scrubber
from tests.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator import Emulator


def conform(
    emulator: Emulator, out: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run it as the Makefile does, with nobody to be asked."""
    paths = [str(ROOT / part) for part in (".", "common", "worker_a", "worker_b")]
    return subprocess.run(
        [sys.executable, "-m", "tests.conformance.conform", "--out", str(out), *arguments],
        cwd=ROOT,
        env={
            **emulator.env,
            "PATH": f"{out}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": ":".join(paths),
            **{f"CARSCRIBE_{name}": value for name, value in variables.items()},
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def packed(out: Path) -> dict[str, str]:
    """Return the texts of the one file that a person sends."""
    [path] = out.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        files = [member for member in archive.getmembers() if member.isfile()]
        assert {(member.uid, member.uname) for member in files} == {(0, "")}
        return {
            member.name.rpartition("/")[2]: archive.extractfile(member).read().decode()  # type: ignore[union-attr] # a file
            for member in files
        }


def test_an_account_that_answers_as_documented(
    start_emulator: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Each answer is kept without its account, and nothing is left behind."""
    emulator, out = start_emulator(images=SAMPLES), tmp_path / "out"
    asked = "digests or presigned or surest_label or not_there"
    done = conform(emulator, out, "-k", asked, YES="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "at most $0.10" in done.stdout
    assert "AWS differs in none of 5 points." in done.stdout
    kept = packed(out)
    assert set(kept) == {"answers.jsonl", "report.txt"}
    assert "AWS differs in none" in kept["report.txt"]
    answers = [json.loads(line) for line in kept["answers.jsonl"].splitlines()]
    [sent] = [line for line in answers if line["call"] == "sqs.SendMessage"]
    assert sent["test"] == "test_digests_are_as_documented"
    assert sent["request"]["MessageBody"] == "ü"
    assert sent["status"] == 200
    assert "/000000000000/" in sent["request"]["QueueUrl"]
    assert "123456789012" not in "".join(kept.values())
    assert emulator.client("s3").list_buckets()["Buckets"] == []
    assert "QueueUrls" not in emulator.client("sqs").list_queues()


def test_an_account_that_differs(emulator: Emulator, tmp_path: Path) -> None:
    """It is said in which point, and by what."""
    emulator.faults({"operations": {"sqs.PurgeQueue": {"error_share": 1}}})
    done = conform(emulator, tmp_path, "-k", "purge or presigned", YES="1")
    assert done.returncode == 65
    assert "AWS differs in 1 of 2 points:" in done.stdout
    assert "test_sqs.py::test_a_purge_is_refused_within_a_minute: " in done.stdout
    assert '"status": 500' in packed(tmp_path)["answers.jsonl"]


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({}, 78, "Say YES=1 to go on; nothing was asked and nothing made."),
        ({"YES": "maybe"}, 78, "YES is 'maybe'"),
        ({"AMBIENT_YES": "1"}, 78, "YES=1 is set in your environment"),
        ({"AMBIENT_HOSTS": "1"}, 78, "HOSTS=1 is set in your environment"),
    ],
)
def test_nothing_is_made_unasked(
    emulator: Emulator, tmp_path: Path, variables: dict[str, str], code: int, said: str
) -> None:
    """Where nobody can be asked, and where the answer stands in the environment by chance."""
    done = conform(emulator, tmp_path, **variables)
    assert done.returncode == code
    assert said in done.stderr
    assert set(emulator.counts()) <= {"sts.GetCallerIdentity"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("failing", "steps"),
    [("up", ["up", "down"]), ("run results", ["up", "run", "verify", "results", "down"])],
)
def test_hosts_are_removed_whatever_fails(
    emulator: Emulator, tmp_path: Path, failing: str, steps: list[str]
) -> None:
    """Without hosts nothing more is tried; else each step is, and what it said is kept."""
    make, called = tmp_path / "make", tmp_path / "called"
    make.write_text(
        f'#!/bin/sh\necho "$@" >> {called}\necho arn:aws:iam::123456789012:user/me\n'
        f'case " {failing} " in *" $2 "*) exit 3;; esac\n'
    )
    make.chmod(0o755)
    words = ("-k", "presigned")
    done = conform(emulator, tmp_path, *words, YES="1", TARGET="local", HOSTS="1")
    assert done.returncode == 65
    assert "The emulator differs in none of 1 points." in done.stdout
    said = "; ".join(f"make {step} ended with 3" for step in failing.split())
    assert f"Hosts: {said}." in done.stdout
    calls = [line.split()[1:] for line in called.read_text().splitlines()]
    assert [call[0] for call in calls] == steps
    assert calls[0][1:] == ["TARGET=local", "IMAGES=images", "YES=1"]
    assert calls[-1][1:] == ["YES=1"]
    kept = packed(tmp_path)
    assert {kept[f"{step}.txt"] for step in steps} == {"arn:aws:iam::000000000000:(who 1)\n"}


def test_it_stops_before_it_costs_more(emulator: Emulator) -> None:
    """A call that would go beyond what was promised is not made; what was made can be removed."""
    recorder = Recorder(None, Scrubber())
    rekognition, s3 = emulator.client("rekognition"), emulator.client("s3")
    for client in (rekognition, s3):
        recorder.watch(client)
    recorder.spent_usd = BUDGET_USD - 0.0005
    with pytest.raises(BudgetError, match=r"more than \$0.10"):
        rekognition.detect_labels(Image={"Bytes": b"x"})
    assert "rekognition.DetectLabels" not in emulator.counts()
    s3.list_buckets()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:q", "arn:aws:sqs:us-east-1:000000000000:q"),
        ("arn:aws:iam::123456789012:user/me", "arn:aws:iam::000000000000:(who 1)"),
        ("sts::1:assumed-role/LabRole/me@x.org ok", "sts::1:(who 1) ok"),
        ("AK" + "IAIOSFODNN7EXAMPLE", "(key 1)"),
        ("i-0123456789abcdef0, i-0123456789abcdef0, vol-01234567", "(i 1), (i 1), (vol 2)"),
        ("A 52.1.2.3, 10.1.2.3", "A (ip 1), 10.1.2.3"),
        ("a73b5e30-1c02-4c5e-9e0c-0c7c33e1a1b2", "(uuid 1)"),
        ("ec2-52-1-2-3.compute-1.amazonaws.com", "(host 1).compute-1.amazonaws.com"),
        ("1234567890123 and 98.5", "1234567890123 and 98.5"),
        ("token SECRET, account 42", "token (secret), account 000000000000"),
    ],
)
def test_what_nobody_is_to_read(text: str, expected: Any) -> None:
    """Account numbers, keys, names and ids; what is the same stays the same."""
    assert Scrubber(["SECRET", "42"])(text) == expected
