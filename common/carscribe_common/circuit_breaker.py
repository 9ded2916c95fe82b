"""CircuitBreaker: whether something works at all, which decides what an error means."""

from __future__ import annotations

import threading
import time

from carscribe_common.errors import Exit, WorkerExit

IN_A_ROW = 10
"""So many ambiguous errors with no success between them are the set-up's fault."""

PATIENCE_SECONDS = 5.0
"""How long an ambiguous error waits for another call's success, which clears the set-up."""


class CircuitBreaker:
    """What is known of the set-up from the calls so far. Used by all threads.

    Args:
        give_up_seconds: with no success at all for so long the worker ends.
        seen_success: an earlier process of this run had success.
        patience_seconds: how long an ambiguous error may wait for others.
    """

    def __init__(
        self,
        give_up_seconds: float,
        *,
        seen_success: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._give_up_seconds = give_up_seconds
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()
        self._successes = int(seen_success)
        self._ambiguous_in_a_row = 0
        self._last_success = 0.0

    def success(self) -> None:
        """Hear that a call about an image was answered, be it with the image's own failure."""
        with self._changed:
            self._last_success = time.monotonic()
            self._ambiguous_in_a_row = 0
            self._successes += 1
            self._changed.notify_all()

    def blames_set_up(self) -> bool:
        """Hear of an ambiguous error; tell whether it is the set-up's fault.

        It is, if nothing has succeeded yet, or after ten in a row. Many calls
        are in flight at once, so each waits a little for a success after it, or
        for the tenth: a permission that is withdrawn in the middle of a run
        fails no image.
        """
        with self._changed:
            self._ambiguous_in_a_row += 1
            seen = self._successes
            if self._ambiguous_in_a_row >= IN_A_ROW:
                self._changed.notify_all()
                return True
            self._changed.wait_for(
                lambda: self._successes > seen or self._ambiguous_in_a_row >= IN_A_ROW,
                timeout=self._patience_seconds,
            )
            return not self._successes or self._ambiguous_in_a_row >= IN_A_ROW

    def give_up_if_open(self, since: float, last: str) -> None:
        """Raise WorkerExit (TRANSIENT) after give_up_seconds without any success.

        Args:
            since: when the call in question was first tried, time.monotonic().
            last: what went wrong last.
        """
        with self._changed:
            silent = time.monotonic() - max(since, self._last_success)
        if silent >= self._give_up_seconds:
            raise WorkerExit(
                Exit.TRANSIENT,
                f"Nothing succeeded for {silent:.0f} s; the last try: {last}. "
                "The run goes on where it stopped when the worker is started again.",
            )
