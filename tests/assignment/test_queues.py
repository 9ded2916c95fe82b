"""The two programs as they run on a queue, and what each mistake about it does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.assignment import fifo, standard
from tests.assignment.conftest import RIGHT
from tests.assignment.looking import Mistake
from tests.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator import Emulator

SAMPLES = ROOT / "images"


class Run:
    """Both halves of one program, and the queue between them."""

    def __init__(
        self, emulator: Emulator, bucket: str, program: Any, name: str = "cars", **attributes: str
    ) -> None:
        self.emulator, self.bucket, self.program = emulator, bucket, program
        if program is fifo:
            name += ".fifo"
            attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        made = emulator.client("sqs").create_queue(QueueName=name, Attributes=attributes)
        self.queue_url = made["QueueUrl"]

    def find(self, mistake: Mistake = Mistake.NONE) -> None:
        """Let A do its work."""
        self.program.Finder(self.emulator.client, self.bucket, self.queue_url, mistake).run()

    def reader(self, mistake: Mistake = Mistake.NONE, empty_polls_max: int = 3) -> Any:
        """Return B, who gives up where people's would wait for ever."""
        where = (self.emulator.client, self.bucket, self.queue_url, mistake)
        return self.program.Reader(*where, empty_polls_max=empty_polls_max)

    def read(self, mistake: Mistake = Mistake.NONE) -> list[str]:
        """Let B do its work; return its output."""
        lines: list[str] = self.reader(mistake).run()
        return lines

    def left(self) -> int:
        """Return how many messages are in the queue, in flight or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.emulator.client("sqs")
        asked = sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return sum(int(number) for number in asked["Attributes"].values())


@pytest.mark.parametrize("program", [fifo, standard], ids=["fifo", "standard"])
def test_both_programs_run_through(start_emulator: Callable[..., Emulator], program: Any) -> None:
    """A and B at the same time find what the project's workers find, twice, and leave nothing."""
    emulator = start_emulator("--bucket", "images", images=SAMPLES)
    run = Run(emulator, "images", program)
    expected = (SAMPLES / "expected-output.txt").read_text().splitlines()
    for _ in range(2):
        finder = threading.Thread(target=run.find)
        finder.start()
        assert run.reader(empty_polls_max=60).run() == expected
        finder.join()
        assert run.left() == 0


@pytest.mark.parametrize("program", [fifo, standard], ids=["fifo", "standard"])
def test_an_end_that_is_left_ends_the_next_run(
    emulator: Emulator, bucket: str, program: Any
) -> None:
    """B of the second run meets the `-1` of the first, and reads nothing or not all."""
    run = Run(emulator, bucket, program, VisibilityTimeout="1")
    run.find()
    assert run.read(Mistake.LEFT_END) == RIGHT
    while (
        not emulator.client("sqs")
        .receive_message(QueueUrl=run.queue_url, WaitTimeSeconds=2, VisibilityTimeout=0)
        .get("Messages")
    ):
        pass  # until its visibility timeout is over
    assert run.read() == []
    run.find()
    assert run.left() > 1, "the second run's cars: nobody reads them"


@pytest.mark.parametrize("program", [fifo, standard], ids=["fifo", "standard"])
def test_what_is_deleted_before_the_work_is_lost_with_it(
    emulator: Emulator, bucket: str, program: Any
) -> None:
    """B dies at its first image. Started again it reads all of them, or all but that one."""
    for mistake, expected in ((Mistake.NONE, RIGHT), (Mistake.DELETE_FIRST, RIGHT[1:])):
        run = Run(emulator, bucket, program, VisibilityTimeout="1")
        run.find()
        emulator.faults({"operations": {"rekognition.DetectText": {"error_share": 1}}})
        with pytest.raises(ClientError):
            run.read(mistake)
        emulator.faults({})
        assert run.read(mistake) == expected


def test_the_end_of_a_standard_queue_comes_in_the_middle(emulator: Emulator, bucket: str) -> None:
    """B that stops there loses the rest of the batch; one that drains the queue does not."""
    run = Run(emulator, bucket, standard)
    for mistake in (Mistake.NONE, Mistake.STOP_AT_END):
        run.find()
        emulator.faults({"seed": 0, "sqs": {"shuffle": True}})  # the end comes second
        lines = run.read(mistake)
        emulator.faults({})
        assert (lines == RIGHT) == (mistake is Mistake.NONE)
        assert set(lines) <= set(RIGHT)
    assert run.left() > 0


def test_a_standard_queue_may_deliver_twice(emulator: Emulator, bucket: str) -> None:
    """A line for each message is a text twice."""
    emulator.faults({"sqs": {"duplicate": True}})
    run = Run(emulator, bucket, standard)
    run.find()
    assert run.read() == RIGHT
    run.find()
    assert run.read(Mistake.APPEND) == [line for line in RIGHT for _ in range(2)]


def test_a_batch_that_was_sent_was_not_taken(emulator: Emulator, bucket: str) -> None:
    """Entries fail one by one, in an answer that says 200: they are sent again, or lost."""
    for mistake, is_right in ((Mistake.NONE, True), (Mistake.TRUST_BATCH, False)):
        run = Run(emulator, bucket, standard, name=mistake.name)
        emulator.faults({"seed": 2, "sqs": {"send_batch_fail_share": 0.5}})
        run.find(mistake)
        emulator.faults({})
        assert (run.left() == 5) == is_right  # four cars and the end


def test_content_as_deduplication_id_drops_the_next_run(emulator: Emulator, bucket: str) -> None:
    """Within five minutes of the first run the queue takes no message of the second."""
    run = Run(emulator, bucket, fifo)
    run.find(Mistake.SAME_IDS)
    assert run.read() == RIGHT
    run.find(Mistake.SAME_IDS)
    assert run.left() == 0
    with pytest.raises(TimeoutError, match="waits for ever"):
        run.read()


def test_work_that_outlasts_the_visibility_timeout(emulator: Emulator, bucket: str) -> None:
    """A FIFO queue refuses the delete and hands all of it to the next run; a standard one deletes."""
    slow = {"operations": {"rekognition.DetectText": {"latency_seconds": 0.6}}}
    run = Run(emulator, bucket, fifo, VisibilityTimeout="1")
    run.find()
    emulator.faults(slow)
    first = run.reader()
    assert first.run() == RIGHT
    assert first.refused
    assert all("The receipt handle has expired" in sentence for sentence in first.refused)
    emulator.faults({})
    second = run.reader()
    assert second.run(), "before the second run has sent anything"
    assert set(second.read) <= set(first.read)
    run = Run(emulator, bucket, standard, VisibilityTimeout="1")
    run.find()
    emulator.faults(slow)
    assert run.read() == RIGHT
    assert run.left() == 0
