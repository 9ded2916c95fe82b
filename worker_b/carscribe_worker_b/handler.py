"""What worker B does with one message: state and message in, actions out. No I/O.

The rules are those of the message protocol (docs/architecture.md). The state
moves with each message before the next one is handled; what an action records
is committed before anything that it effects is done.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from carscribe_common.protocol import Alive, Car, Done, MalformedMessageError, Message
from carscribe_common.rules import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

QUIET_SECONDS = 1.0
"""Where an image failed, a complete run waits so long for a message that contests its n."""


class RecordEnd(NamedTuple):
    """A is done: to be committed, and only then may its message go."""

    expected: int
    digest: int | None


class Process(NamedTuple):
    """An image is to be worked on; its receipts are kept until it is settled."""

    car: Car
    receipts: Sequence[str]


class Park(NamedTuple):
    """A message waits for its n to be settled; its receipt is kept, it is still in flight."""

    car: Car
    receipts: Sequence[str]


class Ack(NamedTuple):
    """The messages are dealt with, once what is recorded with them is committed."""

    receipts: Sequence[str]


class Requeue(NamedTuple):
    """The messages are not for this run to deal with; redrive ends them as dead letters."""

    receipts: Sequence[str]


Action = RecordEnd | Process | Park | Ack | Requeue


class Settled(Protocol):
    """What the handler asks of the store, see store.TextStore."""

    @property
    def end(self) -> tuple[int, int | None] | None: ...  # noqa: D102
    @property
    def is_covered(self) -> bool: ...  # noqa: D102
    @property
    def has_failures(self) -> bool: ...  # noqa: D102
    def holder(self, n: int) -> str | None: ...  # noqa: D102
    def is_settled(self, n: int, key: str) -> bool: ...  # noqa: D102


class InFlight(NamedTuple):
    """A message in flight, with a receipt for each of its deliveries."""

    car: Car
    receipts: list[str]


@dataclass
class RunState:
    """What is known of a run: what is settled, by the store, and what is in flight.

    Attributes:
        run_id: of this run; messages of others are deleted.
        settled: the store.
        is_own: tells of a key whether it is this pair's; another pair's is refused.
        now: the time of this turn, seconds; the main loop sets it.
        heard_at: when a message of this run came, or one was in flight last.
        changed_at: when any message came, or an image was settled.
        end: A's last n and its digest, once A has said them.
        in_flight: by n, what is worked on.
        parked: by n and key, what contests an n that is worked on.
        messages: how many of each kind there were.
    """

    run_id: str
    settled: Settled
    is_own: Callable[[str], bool] = lambda _: True
    now: float = 0.0
    heard_at: float = 0.0
    changed_at: float = 0.0
    end: tuple[int, int | None] | None = None
    in_flight: dict[int, InFlight] = field(default_factory=dict)
    parked: dict[int, dict[str, InFlight]] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.end = self.settled.end


def handle(state: RunState, message: Message | MalformedMessageError, receipt: str) -> list[Action]:
    """Return what is to be done with one delivery of a message."""
    state.changed_at = state.now
    if isinstance(message, MalformedMessageError):
        why = f"A message is none of this program's: {message}"
        return _refuse(state, "malformed", receipt, why=why)
    if message.run_id != state.run_id:
        logger.warning("A message of another run, %s: deleted", message.run_id)
        state.messages["of_other_runs"] += 1
        return [Ack([receipt])]
    match message:
        case Alive():
            actions: list[Action] = [Ack([receipt])]
        case Done():
            actions = _handle_end(state, message, receipt)
        case Car():
            actions = _handle_car(state, message, receipt)
    if not any(isinstance(action, Requeue) for action in actions):
        state.heard_at = state.now
    return actions


def on_settled(state: RunState, n: int, failed: bool) -> list[Action]:
    """Return what follows once the image in flight for an n is settled.

    A failed one leaves its n free: the first message that contests it is
    worked on, the others go on waiting.
    """
    state.changed_at = state.now
    done = state.in_flight.pop(n, None)
    actions: list[Action] = [Ack(done.receipts)] if done else []
    rivals = state.parked.pop(n, {})
    if failed and rivals:
        first = rivals.pop(next(iter(rivals)))
        state.in_flight[n] = first
        if rivals:
            state.parked[n] = rivals
        return [*actions, Process(*first)]
    for car, receipts in rivals.values():
        actions += _refuse_rival(state, car, receipts)
    return actions


def is_complete(state: RunState, now: float) -> bool:
    """Tell whether A is done and each n is settled, beyond doubt.

    An image that failed may have been a message's that A never sent: then A's
    own of the same n is in flight, parked, or about to come.
    """
    if state.end is None or state.parked or not state.settled.is_covered:
        return False
    if any(n <= state.end[0] for n in state.in_flight):
        return False
    return not state.settled.has_failures or now - state.changed_at >= QUIET_SECONDS


def _handle_end(state: RunState, done: Done, receipt: str) -> list[Action]:
    end = (done.expected, done.digest)
    if state.end is None:
        state.end = end
        logger.info("-1: worker A is done, %d images with a car in all", done.expected)
        return [RecordEnd(*end), Ack([receipt])]
    expected, digest = state.end
    if done.expected != expected:
        why = f"A second end of this run, at {done.expected} and not {expected}"
        return _refuse(state, "conflicting", receipt, why=why)
    if None not in {digest, done.digest} and digest != done.digest:
        why = f"A second end of this run, at {expected} as the first one, but of other images"
        return _refuse(state, "conflicting", receipt, why=why)
    if digest is None and done.digest is not None:
        state.end = end
        return [RecordEnd(*end), Ack([receipt])]
    return [Ack([receipt])]


def _handle_car(state: RunState, car: Car, receipt: str) -> list[Action]:
    if not state.is_own(car.key):
        why = f"{escape(car.key)} is an image of another pair of workers"
        return _refuse(state, "of_other_pairs", receipt, why=why)
    if state.settled.is_settled(car.n, car.key):
        state.messages["redelivered"] += 1
        return [Ack([receipt])]
    if state.settled.holder(car.n) is not None:
        return _refuse_rival(state, car, [receipt])
    holder = state.in_flight.get(car.n)
    if holder is None:
        state.in_flight[car.n] = InFlight(car, [receipt])
        return [Process(car, [receipt])]
    if holder.car.key == car.key:
        same: InFlight | None = holder
    else:
        # Decided when the holder is settled: should it fail, n is this one's.
        rivals = state.parked.setdefault(car.n, {})
        same = rivals.get(car.key)
        if same is None:
            rivals[car.key] = InFlight(car, [receipt])
    if same is not None:
        state.messages["redelivered"] += 1
        same.receipts.append(receipt)
    return [Park(car, [receipt])]


def _refuse_rival(state: RunState, car: Car, receipts: Sequence[str]) -> list[Action]:
    why = f"{escape(car.key)}: its n, {car.n}, is another image's"
    return _refuse(state, "conflicting", *receipts, why=why)


def _refuse(state: RunState, kind: str, *receipts: str, why: str) -> list[Action]:
    logger.warning("%s; returned", why)
    state.messages[kind] += 1
    return [Requeue(receipts)]
