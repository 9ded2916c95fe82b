"""What both programs of the assignment do with images, right and with the mistakes people make."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIDENCE_MIN = 90.0
TEXT_CONFIDENCE_MIN = 80.0
LAST_INDEX = 11
"""The highest index there is, where a program goes through the indexes and looks for each."""


class Mistake(StrEnum):
    """One way to get it wrong; a program makes at most one."""

    NONE = "none"
    CONTAINS_CAR = 'name.contains("Car")'
    MAX_LABELS = "MaxLabels=3"
    MIN_CONFIDENCE = "MinConfidence=90 and no comparison"
    ALL_TEXTS = "LINE and WORD alike"
    UNSURE_TEXTS = "texts of any confidence"
    EMPTY_LINES = "images without a text are listed"
    CONTAINS_KEY = 'key.contains(i + ".jpg")'
    FIRST_PAGE = "one call of ListObjectsV2"
    CLIENT_EACH = "clients are built for each image"
    SAME_IDS = "the content is the deduplication id"
    LEFT_END = "-1 is never deleted"
    STOP_AT_END = "B stops in the middle of a batch"
    DELETE_FIRST = "deleted before the work"
    TRUST_BATCH = "a batch that was sent was taken"
    APPEND = "each message is a line"


class Program:
    """One half of the assignment, on one host."""

    def __init__(
        self,
        connect: Callable[[str], Any],
        bucket: str,
        queue_url: str,
        mistake: Mistake = Mistake.NONE,
        *,
        page_size: int = 1000,
        empty_polls_max: int = 0,
        wait_seconds: int = 1,
    ) -> None:
        """Take a function that makes clients, and where to work.

        A page of the bucket is of 1,000 keys on AWS; a test has fewer. People's programs
        wait for ever: with `empty_polls_max` one gives up after so many polls.
        """
        self._connect, self.bucket, self.queue_url = connect, bucket, queue_url
        self.mistake, self.page_size = mistake, page_size
        self.empty_polls_max, self.wait_seconds = empty_polls_max, wait_seconds
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients or self.mistake is Mistake.CLIENT_EACH:
            self._clients[service] = self._connect(service)
        return self._clients[service]

    def keys(self) -> Iterator[str]:
        """List the images."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        found = []
        for page in pages.paginate(
            Bucket=self.bucket, PaginationConfig={"PageSize": self.page_size}
        ):
            found += [item["Key"] for item in page.get("Contents", [])]
            if self.mistake is Mistake.FIRST_PAGE:
                break
        if self.mistake is Mistake.CONTAINS_KEY:
            for number in range(1, LAST_INDEX + 1):
                yield from (key for key in found if f"{number}.jpg" in key)
        else:
            yield from (key for key in found if key.endswith(".jpg"))

    def is_car(self, key: str) -> bool:
        """Ask whether an image shows a car."""
        asked: dict[str, Any] = {"Image": {"S3Object": {"Bucket": self.bucket, "Name": key}}}
        if self.mistake is Mistake.MAX_LABELS:
            asked["MaxLabels"] = 3
        if self.mistake is Mistake.MIN_CONFIDENCE:
            asked["MinConfidence"] = CONFIDENCE_MIN
        labels = self.client("rekognition").detect_labels(**asked)["Labels"]
        if self.mistake is Mistake.MIN_CONFIDENCE:
            return any(label["Name"] == "Car" for label in labels)
        sure = [label["Name"] for label in labels if label["Confidence"] > CONFIDENCE_MIN]
        if self.mistake is Mistake.CONTAINS_CAR:
            return any("Car" in name for name in sure)
        return "Car" in sure

    def text(self, key: str) -> str | None:
        """Download an image and read it; None is no line of the output."""
        data = self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        found = self.client("rekognition").detect_text(Image={"Bytes": data})["TextDetections"]
        texts = [
            text["DetectedText"]
            for text in found
            if (text["Type"] == "LINE" or self.mistake is Mistake.ALL_TEXTS)
            and (text["Confidence"] >= TEXT_CONFIDENCE_MIN or self.mistake is Mistake.UNSURE_TEXTS)
        ]
        if not texts and self.mistake is not Mistake.EMPTY_LINES:
            return None
        return " | ".join(texts)

    def receive(self, empty_polls_max: int = 0) -> list[dict[str, Any]]:
        """Poll until there are messages; return none only after so many polls, 0 for never."""
        polls = 0
        while True:
            answer = self.client("sqs").receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=self.wait_seconds
            )
            polls += 1
            if (messages := answer.get("Messages")) or polls == empty_polls_max:
                return list(messages or [])

    def await_messages(self) -> list[dict[str, Any]]:
        """Poll until there are messages.

        Raises:
            TimeoutError: a test does not wait as long as people do.
        """
        messages = self.receive(self.empty_polls_max)
        if not messages:
            raise TimeoutError("B waits for ever")
        return messages

    def delete(self, message: dict[str, Any]) -> None:
        """Acknowledge a message."""
        self.client("sqs").delete_message(
            QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
        )


def natural(line: str) -> list[str | int]:
    """Return what lines of output are sorted by: 2.jpg before 10.jpg."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", line)]
