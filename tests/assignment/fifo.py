"""The assignment with a FIFO queue, one message group and `-1`, as it is often written."""

from __future__ import annotations

import uuid
from typing import Any

from botocore.exceptions import ClientError

from tests.assignment.looking import Mistake, Program, natural

GROUP = "cars"


class Finder(Program):
    """A: finds the cars."""

    def run(self) -> None:
        """Send each car's index, and `-1`."""
        run_id = uuid.uuid4()
        for key in self.keys():
            if self.is_car(key):
                self._send(key, run_id)
        self._send("-1", run_id)

    def _send(self, body: str, run_id: uuid.UUID) -> None:
        more: dict[str, Any] = {"MessageDeduplicationId": f"{run_id}-{body.encode().hex()}"}
        if self.mistake is Mistake.SAME_IDS:
            more = {}
        self.client("sqs").send_message(
            QueueUrl=self.queue_url, MessageBody=body, MessageGroupId=GROUP, **more
        )


class Reader(Program):
    """B: reads the texts."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.refused: list[str] = []
        """What was said of deletes that came too late."""
        self.read: list[str] = []
        """The images, each time one was read."""

    def run(self) -> list[str]:
        """Return the lines of output."""
        lines: dict[str, str] = {}
        while True:
            for message in self.await_messages():
                key = message["Body"]
                if key == "-1":
                    if self.mistake is not Mistake.LEFT_END:
                        self._delete_or_note(message)
                    return sorted((f"{k}: {text}" for k, text in lines.items()), key=natural)
                if self.mistake is Mistake.DELETE_FIRST:
                    self.delete(message)
                self.read.append(key)
                text = self.text(key)
                if text is not None:
                    lines[key] = text
                if self.mistake is not Mistake.DELETE_FIRST:
                    self._delete_or_note(message)

    def _delete_or_note(self, message: dict[str, Any]) -> None:
        try:
            self.delete(message)
        except ClientError as error:
            self.refused.append(error.response["Error"]["Message"])
