"""Several regions: where an image goes, what settles it there, and who is left out."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.response import StreamingBody

from carscribe_common import aws, regions
from carscribe_common.aws import Caller, Calls, Clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.cli import Shutdown
from carscribe_common.errors import AmbiguousError, Exit, ImageError, ShutdownRequested, WorkerExit
from carscribe_common.picture import BYTES_MAX, IN_MEMORY_BYTES, ByteBudget, Picture
from carscribe_common.pool import SPARE_THREADS
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.regions import FAILURES_IN_A_ROW, OUT_SECONDS, Answered, Regions
from tests.unit.common.test_errors import answer

HOME, THERE, THIRD = "us-east-1", "us-west-2", "eu-west-1"
BYTES = {"Bytes": b"picture"}
REFERENCE = {"S3Object": {"Bucket": "photos", "Name": "1.jpg"}}
SILENCE = ReadTimeoutError(endpoint_url="https://rekognition")
TEXT = {"TextDetections": [], "TextModelVersion": "3.0"}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing between two tries."""
    monkeypatch.setattr(aws, "FIRST_PAUSE_SECONDS", 0.0)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put the test's own clock in place of the real one."""
    clock = Clock()
    monkeypatch.setattr(regions, "time", clock)
    return clock


class World:
    """S3 and a Rekognition in each region, whose answers a test writes down.

    Args:
        answers: of each region, one after the other, the bucket's own first.
    """

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = {name.replace("_", "-"): said for name, said in answers.items()}
        self.asked: list[tuple[str, Any]] = []
        self.calls = Calls()
        self.shutdown = Shutdown()
        by_name = {name: _Rekognition(self, name) for name in self.answers}
        make: Any = Clients
        clients = make(
            s3=self,
            sqs=None,
            rekognition=by_name[HOME],
            calls=self.calls,
            elsewhere={name: client for name, client in by_name.items() if name != HOME},
        )
        self.breaker = CircuitBreaker(60, patience_seconds=0.01)
        call = Caller(clients, self.breaker, self.shutdown)
        self.limiters = {name: RateLimiter(1000.0) for name in self.answers}
        self.regions = Regions(call, self.limiters, concurrency_max=64)

    def get_object(self, **_: Any) -> dict[str, Any]:
        """Answer as S3."""
        self.asked.append(("s3", None))
        data = BYTES["Bytes"]
        return {"Body": StreamingBody(io.BytesIO(data), len(data)), "ContentLength": len(data)}

    def ask(self, size: int = len(BYTES["Bytes"])) -> Answered:
        """Ask about the one image."""
        memory = ByteBudget(IN_MEMORY_BYTES)
        picture = Picture(self.regions.call, memory, "photos", "1.jpg", '"e"', size)
        return self.regions.ask(
            "detect_text",
            "ask for the text of 1.jpg",
            picture,
            at_home=picture.by_reference,
            expect="TextDetections",
        )

    def busy(self, name: str) -> None:
        """Let a region have so many calls in flight that all others are asked before it."""
        region = next(one for one in self.regions._regions if one.name == name)
        region.in_flight = region.cap - 1


class _Rekognition:
    def __init__(self, world: World, region: str) -> None:
        self._world, self._region = world, region

    def detect_text(self, **parameters: Any) -> Any:
        self._world.asked.append((self._region, parameters["Image"]))
        said = self._world.answers[self._region].pop(0)
        if callable(said):
            said = said()
        if isinstance(said, Exception):
            raise said
        return said


def test_the_region_of_the_bucket_alone_is_asked_as_ever() -> None:
    """By the object's place, through the loop that retries; nothing goes anywhere."""
    world = World(us_east_1=[answer("InternalServerError", 500), TEXT])
    assert world.ask() == (TEXT, HOME, 0)
    assert world.asked == [(HOME, REFERENCE)] * 2
    assert not world.calls.take()


def test_an_image_goes_where_the_cap_is_used_least() -> None:
    """The bucket's own region gets its place, any other its bytes, and how many is told."""
    world = World(us_east_1=[TEXT], us_west_2=[TEXT])
    assert world.ask() == (TEXT, HOME, 0)
    world.busy(HOME)
    assert world.ask() == (TEXT, THERE, 7)
    assert world.asked == [(HOME, REFERENCE), ("s3", None), (THERE, BYTES)]
    assert not world.calls.take()


@pytest.mark.parametrize(("size", "asked"), [(BYTES_MAX, THERE), (BYTES_MAX + 1, HOME)])
def test_what_is_too_large_for_bytes_is_asked_at_home_alone(size: int, asked: str) -> None:
    """The size is known before a region is chosen."""
    world = World(us_east_1=[TEXT], us_west_2=[TEXT])
    world.busy(HOME)
    picture = Picture(world.regions.call, ByteBudget(IN_MEMORY_BYTES), "photos", "k", '"e"', size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "_download", lambda _: b"")
        found = world.regions.ask(
            "detect_text", "ask", picture, at_home=picture.by_reference, expect="TextDetections"
        )
    assert found.region == asked


@pytest.mark.parametrize(
    ("refusal", "count_there"),
    [
        (answer("ImageTooLargeException"), 2),
        (answer("InvalidS3ObjectException"), 2),
        (answer("InvalidImageFormatException"), 2),
        (answer("InvalidParameterException"), 2),
        (answer("SomethingNew"), 2),
        (answer("AccessDeniedException"), 1),
        (answer("UnrecognizedClientException"), 1),
    ],
    ids=["too large", "no object", "no image", "parameter", "unknown", "denied", "not opted in"],
)
def test_no_refusal_of_another_region_settles_an_image(
    refusal: Exception, count_there: int
) -> None:
    """The bucket's region is asked; a region that denies is asked no more in this run."""
    world = World(us_east_1=[TEXT, TEXT], us_west_2=[refusal, TEXT])
    for _ in range(2):
        world.busy(HOME)
        found = world.ask()
    asked = [name for name, _ in world.asked if name != "s3"]
    assert asked[:2] == [THERE, HOME]
    assert asked.count(THERE) == count_there
    assert found.region == (THERE if count_there == 2 else HOME)
    denied = count_there == 1
    assert world.regions.states() == {HOME: "in use", THERE: "denied" if denied else "in use"}
    assert world.calls.take()["moved"] == 1


def test_after_a_refusal_no_third_region_is_asked() -> None:
    """Not at once, and not when the bucket's own region had to be asked again."""
    refusal, throttled = answer("ImageTooLargeException"), answer("ThrottlingException")
    world = World(us_east_1=[throttled, TEXT], us_west_2=[refusal], eu_west_1=[])
    world.busy(HOME)
    world.busy(THIRD)
    assert world.ask().region == HOME
    assert [name for name, _ in world.asked if name != "s3"] == [THERE, HOME, HOME]


def test_the_refusal_of_the_bucket_s_region_is_the_image_s_own() -> None:
    """As with one region alone: its failure, or a question whose it is."""
    world = World(
        us_east_1=[answer("ImageTooLargeException"), answer("InvalidS3ObjectException")],
        us_west_2=[],
    )
    with pytest.raises(ImageError):
        world.ask()
    with pytest.raises(AmbiguousError):
        world.ask()


def test_a_denial_by_the_bucket_s_region_ends_the_worker() -> None:
    """It is the set-up's, as with one region alone."""
    world = World(us_east_1=[answer("AccessDeniedException")], us_west_2=[])
    with pytest.raises(WorkerExit) as caught:
        world.ask()
    assert caught.value.code == Exit.DENIED


@pytest.mark.parametrize(
    ("trouble", "unanswered"),
    [
        (answer("ThrottlingException"), 0),
        (answer("InternalServerError", 500), 0),
        (ConnectTimeoutError(endpoint_url="https://rekognition"), 0),
        (SILENCE, 1),
        ({}, 1),
    ],
    ids=["throttled", "5xx", "not reached", "silent", "empty"],
)
def test_what_one_region_leaves_goes_to_another(trouble: Any, unanswered: int) -> None:
    """At once, and a call that may be paid twice by that is counted."""
    world = World(us_east_1=[trouble], us_west_2=[TEXT])
    assert world.ask().region == THERE
    counts = world.calls.take()
    assert counts["moved"] == 1
    assert counts["unanswered"] == unanswered
    assert counts["errors_throttled"] == 0


def test_all_regions_are_asked_again_where_none_answers() -> None:
    """A transient fault never settles an image; what no region took is counted as ever."""
    throttled = answer("ThrottlingException")
    world = World(us_east_1=[throttled, TEXT], us_west_2=[throttled])
    assert world.ask().region == HOME
    assert [name for name, _ in world.asked if name != "s3"] == [HOME, THERE, HOME]
    assert world.calls.take()["errors_throttled"] == 1


def test_a_region_that_fails_is_left_out_for_a_while(clock: Clock) -> None:
    """After five in a row; then one call tries it, and it is left out for twice as long or back."""
    world = World(us_east_1=[TEXT] * 99, us_west_2=[SILENCE] * (FAILURES_IN_A_ROW + 1) + [TEXT] * 9)

    def region_asked_first() -> str:
        world.asked.clear()
        world.busy(HOME)
        world.ask()
        return next(name for name, _ in world.asked if name != "s3")

    assert [region_asked_first() for _ in range(FAILURES_IN_A_ROW + 1)] == [
        *[THERE] * FAILURES_IN_A_ROW,
        HOME,
    ]
    assert world.regions.states()[THERE] == "left out"
    assert world.regions.rate_per_second == pytest.approx(980.0)
    clock.now += OUT_SECONDS - 0.1
    assert region_asked_first() == HOME
    clock.now += 0.2
    there = world.regions._regions[1]
    assert there.cap == 1
    assert region_asked_first() == THERE
    clock.now += 2 * OUT_SECONDS - 0.1
    assert region_asked_first() == HOME
    clock.now += 0.2
    assert region_asked_first() == THERE
    assert world.regions.states()[THERE] == "in use"
    assert there.cap > 1
    assert world.regions.rate_per_second == pytest.approx(1960.0)


def test_throttling_leaves_no_region_out() -> None:
    """The limiter answers to that, and the cap with it."""
    throttled = answer("ThrottlingException")
    count = FAILURES_IN_A_ROW + 1
    world = World(us_east_1=[TEXT] * count, us_west_2=[throttled] * count)
    for _ in range(count):
        world.busy(HOME)
        world.ask()
    assert world.regions.states()[THERE] == "in use"


def test_the_cap_follows_rate_and_latency(clock: Clock) -> None:
    """So a region that is slow, or cut, holds no more threads than it has use for."""

    def slow() -> Any:
        clock.now += 0.2
        return TEXT

    world = World(us_east_1=[slow] * 200, us_west_2=[])
    home = world.regions.home
    for _ in range(200):
        world.ask(size=BYTES_MAX + 1)
    assert home.latency_seconds == pytest.approx(0.2, abs=0.01)
    home.limiter = RateLimiter(50.0)
    assert home.cap == 15 + SPARE_THREADS  # 49/s for 0.2 s, and half as many to spare
    assert home.in_flight == 0


def test_a_full_region_is_waited_for() -> None:
    """Where all caps are full, a call waits for a place and takes the first that is free."""
    gate = threading.Event()

    def held() -> Any:
        assert gate.wait(30)
        return TEXT

    world = World(us_east_1=[held, TEXT], us_west_2=[])
    for region in world.regions._regions:
        region.concurrency_max = 1
    world.regions._regions[1].denied("it is not wanted here")
    found: list[Answered] = []
    threads = [threading.Thread(target=lambda: found.append(world.ask())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert len(world.asked) <= 1
    gate.set()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2
    assert world.regions.home.in_flight == 0


def test_who_waits_for_a_place_sees_the_end() -> None:
    """A worker that is told to end does not wait for regions."""
    world = World(us_east_1=[], us_west_2=[])
    for region in world.regions._regions:
        region.in_flight = region.cap
    world.shutdown.request(15)
    with pytest.raises(ShutdownRequested):
        world.ask()
