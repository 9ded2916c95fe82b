"""`make exercise CMD="python3 $PWD/my_worker_b.py"`: what a worker B of one's own still lacks.

The command is started in an empty folder, at most LIMIT_SECONDS long, with
boto3's own variables for the emulator (AWS_ENDPOINT_URL and others) and with
CARSCRIBE_RUN_ID, CARSCRIBE_BUCKET, CARSCRIBE_QUEUE_URL and CARSCRIBE_REGION.
It leaves `output.txt` there and ends with 0. The rules are those of the message
protocol (docs/architecture.md). Without CMD the project's own worker is asked.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator import REGION, ROOT, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.emulator import Emulator

LIMIT_SECONDS = 120
VISIBILITY_SECONDS = 4
SLOW_SECONDS = 2 * VISIBILITY_SECONDS
"""DetectText takes so long where a message has to be kept from becoming visible."""

OTHER_RUN, NONSENSE = "another-run", "hello"
BUCKET, RUN_ID = "exercise", "exercise"
EXPECTED = (ROOT / "images/expected-output.txt").read_text()
OUR_OWN = (
    f"{sys.executable} -m carscribe_worker_b && cp runs/$CARSCRIBE_RUN_ID/output.txt output.txt"
)


@dataclass
class Ran:
    """What became of one start, or of two with a kill between them.

    Attributes:
        code: the exit code; None if it had to be ended.
        output: what it left in output.txt.
        said: the end of what it wrote.
        asked: how many calls of DetectText were answered.
        in_flight: how many were not, when it was killed.
        left: the bodies of the messages that are still on the queue.
    """

    code: int | None
    output: str
    said: str
    asked: int
    in_flight: int
    left: list[str]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of the module's own, with the sample pictures in a bucket."""
    with start(tmp_path_factory.mktemp("exercise"), images=ROOT / "images") as emulator:
        s3 = emulator.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for path in sorted((ROOT / "images").glob("*.jpg")):
            s3.put_object(Bucket=BUCKET, Key=path.name, Body=path.read_bytes())
        yield emulator


@pytest.fixture(scope="module")
def messages(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The messages of worker A's run: six cars, and the end."""
    sqs = emulator.client("sqs")
    url = sqs.create_queue(QueueName="from-a")["QueueUrl"]
    folder = tmp_path_factory.mktemp("a")
    worker_a = [sys.executable, "-m", "carscribe_worker_a"]
    subprocess.run(worker_a, cwd=folder, env=environment(emulator, url, folder), check=True)
    sent: list[dict[str, Any]] = []
    wanted = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
    while received := sqs.receive_message(**wanted).get("Messages"):
        sent += [
            {"MessageBody": m["Body"], "MessageAttributes": m["MessageAttributes"]}
            for m in received
        ]
    return sent


def environment(emulator: Emulator, queue_url: str, folder: Path) -> dict[str, str]:
    """Return what the program is told."""
    paths = [str(ROOT / part) for part in ("common", "worker_a", "worker_b")]
    return {
        **os.environ,
        **emulator.env,
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), *paths])),
        "CARSCRIBE_RUN_ID": RUN_ID,
        "CARSCRIBE_BUCKET": BUCKET,
        "CARSCRIBE_QUEUE_URL": queue_url,
        "CARSCRIBE_REGION": REGION,
        "CARSCRIBE_STATE_DIR": str(folder),
        "CARSCRIBE_VISIBILITY_TIMEOUT_SECONDS": str(VISIBILITY_SECONDS),
        "CARSCRIBE_REKOGNITION_RATE_PER_SECOND": "50",
    }


class Exercise:
    """One queue, and the program that reads from it in a folder of its own."""

    def __init__(self, emulator: Emulator, folder: Path, name: str) -> None:
        self.emulator, self.folder = emulator, folder
        self.sqs = emulator.client("sqs")
        timeout = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=timeout)["QueueUrl"]
        self.log = folder.with_suffix(".log")

    def send(self, *messages: dict[str, Any]) -> None:
        """Send messages in this order."""
        for message in messages:
            self.sqs.send_message(QueueUrl=self.url, **message)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the program."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", os.environ.get("CARSCRIBE_CMD") or OUR_OWN],
                cwd=self.folder,
                env=environment(self.emulator, self.url, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def asked(self) -> int:
        """How many calls of DetectText were answered since the last reset of the counts."""
        return self.emulator.counts().get("rekognition.DetectText", {}).get("ok", 0)

    def end(self, process: subprocess.Popen[bytes], in_flight: int = 0) -> Ran:
        """Wait for the program's end, and see what it left."""
        try:
            code: int | None = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            kill(process)
        output = self.folder / "output.txt"
        return Ran(
            code,
            output.read_text() if output.exists() else "",
            self.log.read_text(errors="replace")[-1500:],
            self.asked(),
            in_flight,
            self.left(),
        )

    def left(self) -> list[str]:
        """Return the bodies on the queue, once nothing is in flight any more."""
        bodies: list[str] = []
        deadline = time.monotonic() + 3 * VISIBILITY_SECONDS
        while time.monotonic() < deadline:
            found = self.sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=60
            )
            bodies += [message["Body"] for message in found.get("Messages", [])]
            hidden = "ApproximateNumberOfMessagesNotVisible"
            state = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[hidden])
            if int(state["Attributes"][hidden]) == len(bodies) and not found.get("Messages"):
                break
        return sorted(bodies)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the program with all that it started, as the power would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def exercise(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Make an exercise by its name."""

    def made(name: str) -> Exercise:
        emulator.faults({})
        emulator.call("POST", "_carscribe/reset")
        return Exercise(emulator, tmp_path_factory.mktemp(name), name)

    return made


@pytest.fixture(scope="module")
def quiet(exercise: Any, messages: list[dict[str, Any]]) -> Ran:
    """The messages as worker A sent them."""
    one: Exercise = exercise("quiet")
    one.send(*messages)
    return one.end(one.start())


@pytest.fixture(scope="module")
def troubled(exercise: Any, messages: list[dict[str, Any]]) -> Ran:
    """What a standard queue may do with them, and what others send to it."""
    one: Exercise = exercise("troubled")
    *cars, end = messages
    random.Random(1).shuffle(cars)
    attributes = cars[0]["MessageAttributes"]
    of_other = {
        "MessageBody": cars[0]["MessageBody"],
        "MessageAttributes": {
            **attributes,
            "run_id": {"DataType": "String", "StringValue": OTHER_RUN},
        },
    }
    one.send(
        end, cars[0], {"MessageBody": NONSENSE}, cars[1], cars[1], of_other, *cars[2:], cars[0]
    )
    return one.end(one.start())


@pytest.fixture(scope="module")
def slow(exercise: Any, messages: list[dict[str, Any]]) -> Ran:
    """Each call of DetectText takes twice as long as a message stays hidden."""
    one: Exercise = exercise("slow")
    one.emulator.faults(
        {"operations": {"rekognition.DetectText": {"latency_seconds": SLOW_SECONDS}}}
    )
    one.send(*messages)
    return one.end(one.start())


@pytest.fixture(scope="module")
def killed(exercise: Any, messages: list[dict[str, Any]]) -> Ran:
    """Killed after the first answer, and started again in the same folder."""
    one: Exercise = exercise("killed")
    one.emulator.faults({"operations": {"rekognition.DetectText": {"latency_seconds": 1}}})
    one.send(*messages)
    process = one.start()
    deadline = time.monotonic() + LIMIT_SECONDS
    while not one.asked() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    kill(process)
    calls = one.emulator.call("GET", "_carscribe/in_flight").get("rekognition.DetectText", 0)
    return one.end(one.start(), in_flight=calls + one.asked())


def test_it_ends_and_says_that_all_is_well(quiet: Ran) -> None:
    """With exit code 0, once -1 has come and each n up to `expected` is settled."""
    assert quiet.code == 0, f"It did not end with 0 in {LIMIT_SECONDS} s. It said:\n{quiet.said}"


def test_the_output_is_right(quiet: Ran) -> None:
    """A line for each car with text, in natural order of the keys; see docs/architecture.md."""
    assert quiet.output == EXPECTED


def test_each_image_is_asked_about_once(quiet: Ran) -> None:
    """DetectText costs $0.001 each time."""
    assert quiet.asked == 6


def test_nothing_is_left_on_the_queue(quiet: Ran) -> None:
    """What is settled is deleted, and -1 too: else the next run meets it (rule 2)."""
    assert quiet.left == []


def test_the_end_may_come_before_the_last_car(troubled: Ran) -> None:
    """A standard queue may deliver in any order: the cars are counted (rule 1)."""
    assert troubled.code == 0, f"It did not end with 0. It said:\n{troubled.said}"
    assert troubled.output == EXPECTED


def test_a_second_delivery_is_paid_for_once(troubled: Ran) -> None:
    """A standard queue may deliver twice: what is settled is deleted and not read again (rule 3)."""
    assert troubled.asked == 6


def test_another_run_s_message_is_deleted(troubled: Ran) -> None:
    """And nothing else becomes of it (rule 4); what is no message of ours stays (rule 6)."""
    assert troubled.left in ([], [NONSENSE])


def test_a_message_at_work_stays_hidden(slow: Ran) -> None:
    """Its visibility is extended for as long as it takes: else it is read again (rule 5)."""
    assert slow.code == 0, f"It did not end with 0. It said:\n{slow.said}"
    assert (slow.output, slow.asked, slow.left) == (EXPECTED, 6, [])


def test_a_kill_loses_nothing(killed: Ran) -> None:
    """A message is deleted only when its result is on disk (rule 2): then the next start has it."""
    assert killed.code == 0, f"It did not end with 0 after the kill. It said:\n{killed.said}"
    assert killed.output == EXPECTED
    assert killed.left == []


def test_what_was_paid_for_is_kept_over_a_kill(killed: Ran) -> None:
    """Only the calls in flight at the kill are made again."""
    assert killed.asked <= 6 + killed.in_flight
