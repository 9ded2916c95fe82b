"""The assignment with a standard queue and a sentinel, which may come before the last car."""

from __future__ import annotations

from tests.assignment.looking import Mistake, Program, natural

SENTINEL = "-1"
BATCH = 10


class Finder(Program):
    """A: finds the cars."""

    def run(self) -> None:
        """Send the cars in batches, and the sentinel."""
        cars = [key for key in self.keys() if self.is_car(key)]
        bodies = [*cars, SENTINEL]
        for first in range(0, len(bodies), BATCH):
            self._send(bodies[first : first + BATCH])

    def _send(self, bodies: list[str]) -> None:
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        while entries:
            answer = self.client("sqs").send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            failed = {entry["Id"] for entry in answer.get("Failed", [])}
            entries = [entry for entry in entries if entry["Id"] in failed]
            if self.mistake is Mistake.TRUST_BATCH:
                return


class Reader(Program):
    """B: reads the texts until the sentinel was seen and nothing more comes."""

    def run(self) -> list[str]:
        """Return the lines of output."""
        lines: list[str] = []
        is_ending = False
        while True:
            messages = self.receive(1) if is_ending else self.await_messages()
            if not messages:
                return sorted(lines, key=natural)
            for message in messages:
                key = message["Body"]
                if key == SENTINEL:
                    is_ending = True
                    if self.mistake is not Mistake.LEFT_END:
                        self.delete(message)
                    if self.mistake in {Mistake.STOP_AT_END, Mistake.LEFT_END}:
                        return sorted(lines, key=natural)
                    continue
                if self.mistake is Mistake.DELETE_FIRST:
                    self.delete(message)
                text = self.text(key)
                line = f"{key}: {text}"
                if text is not None and (line not in lines or self.mistake is Mistake.APPEND):
                    lines.append(line)
                if self.mistake is not Mistake.DELETE_FIRST:
                    self.delete(message)
