"""What B does with each message that comes in: see carscribe_common.protocol."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from carscribe_common.protocol import Alive, Car, Done, MalformedMessageError, parse
from carscribe_common.rules import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from carscribe_common.journal import Journal
    from carscribe_worker_b.consumer import Held, Inbox
    from carscribe_worker_b.ledger import Ledger

logger = logging.getLogger(__name__)

Batch = list[dict[str, Any]]
"""Messages as they were received; none if the long poll ended without."""

QUIET_SECONDS = 1.0
"""Where an image failed, a complete run waits so long for a message that contests its n."""


class Desk:
    """Decides about messages. Used by the main loop alone.

    Args:
        run_id: messages of other runs are deleted.
        give: hands a message to the crew.
        delete_later: takes the receipts of what is settled.

    Attributes:
        messages: how many of each kind there were.
        heard_at: when a message of this run came, time.monotonic().
    """

    def __init__(
        self,
        run_id: str,
        ledger: Ledger,
        inbox: Inbox,
        journal: Journal,
        *,
        give: Callable[[Held], None],
        delete_later: Callable[[list[str]], None],
    ) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._inbox = inbox
        self._journal = journal
        self._give = give
        self._delete_later = delete_later
        self._contested: dict[int, dict[str, tuple[Car, str]]] = {}
        self._news_at = time.monotonic()
        self.messages: Counter[str] = Counter()
        self.heard_at = time.monotonic()

    def decide(self, batch: Batch) -> None:
        """Do with each message what the protocol says."""
        if batch:
            self._news_at = time.monotonic()
        returned = [received["ReceiptHandle"] for received in batch if not self._accept(received)]
        if returned:
            self._inbox.give_back(returned)
            if len(returned) == len(batch):
                time.sleep(0.1)  # what is returned is there again at once

    def settled(self, n: int) -> None:
        """Decide about the messages that contest an n, now that its holder is settled."""
        self._news_at = time.monotonic()
        for car, handle in self._contested.pop(n, {}).values():
            if not self._take(car, handle):
                self._inbox.give_back([handle])

    def is_done(self) -> bool:
        """Tell whether A is done and each n is settled, beyond doubt.

        An image that failed may have been a message's that A never sent: then
        A's own of the same n is held, contested, or about to come.
        """
        if not self._ledger.complete:
            return False
        if self._contested or self._inbox.holds_up_to(self._ledger.expected or 0):
            return False
        return not self._ledger.failed or time.monotonic() - self._news_at >= QUIET_SECONDS

    def return_contested(self) -> int:
        """Make visible what waits for another message; tell how many."""
        handles = [h for rivals in self._contested.values() for _, h in rivals.values()]
        self._contested.clear()
        self._inbox.give_back(handles)
        return len(handles)

    def _accept(self, received: dict[str, Any]) -> bool:
        """Take a message; False if it is to be returned, to end in the dead-letter queue."""
        handle = received["ReceiptHandle"]
        self.messages["received"] += 1
        try:
            message = parse(received)
        except MalformedMessageError as wrong:
            return self._refuse("malformed", f"A message is none of this program's: {wrong}")
        if message.run_id != self._run_id:
            logger.warning("A message of another run, %s: deleted", message.run_id)
            self.messages["of_other_runs"] += 1
            self._delete_later([handle])
            return True
        match message:
            case Alive():
                self._delete_later([handle])
            case Done(expected=expected) if self._ledger.expected in {None, expected}:
                self._end(expected)
                self._delete_later([handle])
            case Done(expected=expected):
                return self._refuse(
                    "conflicting",
                    f"A second end of this run, at {expected} and not {self._ledger.expected}",
                )
            case Car():
                if not self._take(message, handle):
                    return False
        self.heard_at = time.monotonic()
        return True

    def _refuse(self, kind: str, why: str) -> bool:
        logger.warning("%s; returned", why)
        self.messages[kind] += 1
        return False

    def _take(self, car: Car, handle: str) -> bool:
        """Take an image's message; False if its n belongs to another image."""
        holder = self._inbox.holder(car.n)
        if holder and holder.key != car.key:
            # Decided when the holder is settled: should it fail, n is this one's.
            self._contested.setdefault(car.n, {})[car.key] = (car, handle)
            return True
        if self._ledger.is_taken(car.n, car.key):
            return self._refuse(
                "conflicting", f"{escape(car.key)}: its n, {car.n}, is another image's"
            )
        if self._ledger.is_settled(car.n, car.key):
            self.messages["redelivered"] += 1
            self._delete_later([handle])
        elif held := self._inbox.hold(car, handle):
            self._give(held)
        else:
            self.messages["redelivered"] += 1
        return True

    def _end(self, expected: int) -> None:
        if self._ledger.expected is None:
            self._journal.append({"type": "end", "expected": expected})
            self._journal.commit()
            self._ledger.expected = expected
            logger.info("-1: worker A is done, %d images with a car in all", expected)
