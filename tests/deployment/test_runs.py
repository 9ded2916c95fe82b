"""Runs on hosts of this machine: two in a row, interrupted in every way, gone on with, fetched."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.deployment.checkout import EXPECTED, Beside, Playing

if TYPE_CHECKING:
    from tests.deployment.checkout import Copy

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]


def test_two_runs_in_a_row_give_the_right_result(up: Copy) -> None:
    """`ansible-playbook run.yml`, with no further argument, ends with the result; so does the next."""
    for _ in range(2):
        said = up.playbook("run").text
        assert "A looked at 10 of 10 images, B read 6 of 6 cars: 4 with text, 0 failed" in said
        assert "'1.jpg: SBR8167'" in said
        assert up.result() == EXPECTED


def test_the_hosts_are_as_they_should_be(up: Copy) -> None:
    """`make verify` is green."""
    up.make_target("verify")


def test_a_reboot_in_the_middle_of_a_run(up: Copy) -> None:
    """B's host reboots while it reads: the run goes on by itself, and its result is right.

    Meanwhile neither a second run nor a change of the hosts is let in; who goes on with the
    run that is in progress looks on.
    """
    count_anew(up)
    up.emulator("faults", {"operations": {"rekognition.DetectText": {"latency_seconds": 60}}})
    playing = Playing(up, "run.yml")
    playing.await_text(r"B read 0 of 6 cars")
    for refused in ("site", "run"):
        done = up.playbook(refused, code=None)
        assert done.code != 0
        assert "A run is in progress on worker-b" in done.text
    again = Playing(up, "run.yml", "-e", f"run_id={run_in(playing.text)}")
    again.await_text(r"B read 0 of 6 cars")
    # A call that is not answered in half a minute is made again: by now there may be more than six.
    begun = up.emulator("in_flight").get("rekognition.DetectText", 0)
    begun += up.emulator("counts").get("rekognition.DetectText", {}).get("ok", 0)
    up.command("python", "-m", "emulator", "reboot", "worker-b")
    up.emulator("faults", {})
    for looks_on in (playing, again):
        code = looks_on.end()
        assert code == 0, looks_on.text
    assert up.output() == EXPECTED
    counts = up.emulator("counts")
    assert counts["rekognition.DetectLabels"]["ok"] == 10
    # Six and what was begun at the reboot; the six at work may be made again in its very seconds.
    assert counts["rekognition.DetectText"]["ok"] <= 6 + begun + 6


def test_a_reboot_of_a_in_the_middle_of_a_run(up: Copy) -> None:
    """A's host reboots while it looks: the run goes on by itself, and its result is right."""
    count_anew(up)
    up.emulator("faults", {"operations": {"rekognition.DetectLabels": {"latency_seconds": 25}}})
    playing = Playing(up, "run.yml")
    in_flight = await_calls(up, "rekognition.DetectLabels")
    up.command("python", "-m", "emulator", "reboot", "worker-a")
    up.emulator("faults", {})
    code = playing.end()
    assert code == 0, playing.text
    assert up.output() == EXPECTED
    counts = up.emulator("counts")
    assert counts["rekognition.DetectLabels"]["ok"] <= 10 + in_flight
    assert counts["rekognition.DetectText"]["ok"] == 6


@pytest.mark.parametrize(
    ("worker", "operation", "calls"),
    [("a", "rekognition.DetectLabels", 10), ("b", "rekognition.DetectText", 6)],
)
def test_a_host_is_lost_in_the_middle_of_a_run(
    up: Copy, worker: str, operation: str, calls: int
) -> None:
    """`make up` once and `make run RUN_ID=...` once: identical, and paid twice at most what was in flight."""
    count_anew(up)
    up.emulator("faults", {"operations": {operation: {"latency_seconds": 25}}})
    running = Beside(up, "python", "-m", "carscribe", "run")
    in_flight = await_calls(up, operation)
    up.lose(worker)
    up.emulator("faults", {})
    running.signal(signal.SIGINT)
    assert running.end() == 130
    assert "goes on without you" in running.text
    again = up.make_target("up")
    ended = up.make_target("run", f"RUN_ID={run_in(running.text)}")
    assert EXPECTED in ended.text
    assert up.output() == EXPECTED
    assert again.fits_on_a_screen, again.text
    assert ended.fits_on_a_screen, ended.text
    paid = {name: number["ok"] for name, number in up.emulator("counts").items() if "ok" in number}
    assert paid[operation] <= calls + in_flight
    other = {"rekognition.DetectLabels": 10, "rekognition.DetectText": 6}
    del other[operation]
    # What the other worker had in flight when it was stopped is given back, not lost.
    for name, number in other.items():
        assert paid[name] == number, paid


def test_b_s_volume_is_full(up: Copy) -> None:
    """With no space left B says so in one sentence and settles nothing; with space it goes on."""
    state = "/var/lib/carscribe-worker-b"
    count_anew(up)
    up.emulator("faults", {"operations": {"rekognition.DetectText": {"latency_seconds": 25}}})
    since = up.on_host("b", "date +%s")
    # All that the volume gives but for a few pages, which the run's beginning takes.
    up.on_host("b", f"fallocate -l $(($(stat -f -c %a {state}) * 4096 - 16777216)) {state}/ballast")
    playing = Playing(up, "run.yml")
    await_calls(up, "rekognition.DetectText")
    up.on_host("b", f"dd if=/dev/zero of={state}/more bs=4k 2>/dev/null; sync; true")
    up.emulator("faults", {})
    said = f"journalctl -u carscribe-worker-b --since @{since} -o cat"
    deadline = time.monotonic() + 120
    while "No space left on device" not in (told := up.on_host("b", said)):
        assert time.monotonic() < deadline, told
    playing.await_text("ended with 74 and is started again")
    up.on_host("b", f"rm -f {state}/ballast {state}/more")
    assert "make space" in told
    assert "Traceback" not in told
    assert "damaged" not in told
    code = playing.end()
    assert code == 0, playing.text
    assert up.output() == EXPECTED
    counts = up.emulator("counts")
    assert counts["rekognition.DetectLabels"]["ok"] == 10
    assert counts["rekognition.DetectText"]["ok"] <= 6 + 6  # answered, and no space to say so


def test_going_on_with_a_run_that_was_stopped(up: Copy) -> None:
    """A run that was stopped is reported as such, and -e run_id=... takes it to its end."""
    count_anew(up)
    up.emulator("faults", {"operations": {"rekognition.DetectText": {"latency_seconds": 5}}})
    playing = Playing(up, "run.yml")
    playing.await_text(r"B read 0 of 6 cars")
    up.on_host("b", "systemctl stop carscribe-worker-b")
    up.emulator("faults", {})
    assert playing.end() != 0
    named = re.search(r"go on with it: `make run RUN_ID=(\S+)`", playing.text)
    assert named, playing.text
    up.playbook("run", "-e", f"run_id={named[1]}")
    assert up.output() == EXPECTED
    assert up.emulator("counts")["rekognition.DetectLabels"]["ok"] == 10
    again = up.playbook("run", "-e", f"run_id={named[1]}", code=None)
    assert again.code != 0
    assert f"Run {named[1]} is complete" in again.text


def test_of_two_runs_at_once_one_is_made(up: Copy) -> None:
    """Both see idle hosts; one takes them, the other names it, follows nothing and stops nothing."""
    slow = {"operations": {"rekognition.DetectText": {"latency_seconds": 25}}}
    up.emulator("faults", slow)
    both = [Playing(up, "run.yml") for _ in range(2)]
    await_calls(up, "rekognition.DetectText")
    up.emulator("faults", {})
    codes = [playing.end() for playing in both]
    assert sorted(code == 0 for code in codes) == [False, True], [one.text for one in both]
    loser = next(one for one, code in zip(both, codes, strict=True) if code)
    said = " ".join(loser.text.split())
    assert re.search("has just begun on worker-a|A run is in progress on|has not ended on", said)
    assert "A looked at" not in loser.text, "it followed a run that is not its own"
    assert up.output() == EXPECTED


def test_a_run_that_only_b_knows_is_fetched_and_never_gone_on_with(up: Copy) -> None:
    """As after the loss of A's volume: what B has is fetched, and A begins no run in its name."""
    run = "/var/lib/carscribe-worker-b/runs/only-b"
    up.on_host("b", f"mkdir {run} && touch {run}/results.jsonl && echo ok > {run}/output.txt")
    try:
        refused = up.playbook("run", "-e", "run_id=only-b", code=None)
        fetched = up.make_target("results", "RUN_ID=only-b", code=None)
    finally:
        up.on_host("b", f"rm -r {run}")
    assert refused.code != 0
    assert "Worker A's host knows nothing of run only-b" in " ".join(refused.text.split())
    assert fetched.code != 0
    assert "This run is not complete" in fetched.text
    assert (up.root / "results/only-b/output.txt").read_text() == "ok\n"


def test_what_a_first_person_on_aws_sends(up: Copy) -> None:
    """`make conform HOSTS=1` uses the hosts, removes them, and packs what was said and found.

    `make down` says what the API confirms to be gone, and nothing of the deployment is left.
    """
    words = ("conform", "HOSTS=1", "TARGET=local", "YES=1")
    done = up.command("make", *words, environment={"PYTEST_ADDOPTS": "-k presigned"})
    assert "The emulator differs in none of 1 points." in done.text
    assert "Hosts: up, run, verify, results, down succeeded." in done.text
    assert "Removed: 2 addresses, 1 bucket, 2 instances" in done.text
    [folder] = (path for path in (up.root / "build/conform").iterdir() if path.is_dir())
    assert folder.with_name(f"{folder.name}.tar.gz").exists()
    assert (folder / "output.txt").read_text() == EXPECTED
    assert {"up.txt", "up.log", "verify.txt", "run.txt", "results.txt", "down.log"} <= {
        path.name for path in folder.iterdir()
    }
    assert "123456789012" not in "".join(path.read_text() for path in folder.iterdir())
    assert up.remains() == []
    again = up.make_target("run", code=None)
    assert again.code != 0
    assert "Nothing is up here" in again.text


def run_in(text: str) -> str:
    """Return the id of the run that a command has named first."""
    found = re.search(r"[Rr]un (2\d{7}T\d{6}Z-[0-9a-f]{6})", text)
    assert found, text
    return found[1]


def count_anew(copy: Copy) -> None:
    """Set the emulator's counts to zero once no call of an earlier test can add to them."""
    deadline = time.monotonic() + 120
    while any(
        number
        for operation, number in copy.emulator("in_flight").items()
        if operation.startswith("rekognition.")
    ):
        assert time.monotonic() < deadline, copy.emulator("in_flight")
        time.sleep(0.5)
    copy.emulator("reset", {})


def await_calls(copy: Copy, operation: str) -> int:
    """Wait until a worker has calls of an operation under way; tell how many."""
    deadline = time.monotonic() + 180
    while not copy.emulator("in_flight").get(operation):
        assert time.monotonic() < deadline, f"no {operation}"
        time.sleep(0.2)
    time.sleep(3)  # for those that start together with the first
    return int(copy.emulator("in_flight").get(operation, 0))
