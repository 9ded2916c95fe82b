"""SQS over its JSON protocol: one queue, standard, with long polling."""

import asyncio
import hashlib
import json
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from benchmarks.thin.counts import Counts
from benchmarks.thin.http import Request
from benchmarks.thin.queue import InvalidHandleError, Message, NotInFlightError, Queue

JSON_10 = "Content-Type: application/x-amz-json-1.0\r\n"
BATCH_MAX = 10
RECEIVE_MAX = 10
Parameters = dict[str, Any]


class Refused(Exception):  # noqa: N818  it is the service's answer, not a fault of ours
    """An error that the service answers: its JSON type, its older code and a sentence."""

    def __init__(self, shape: str, code: str, message: str) -> None:
        super().__init__(shape, code, message)
        self.shape, self.code, self.message = shape, code, message


def md5(text: str) -> str:
    """Return the MD5 of a body."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Parameters) -> str:
    """Return the MD5 of message attributes, as SQS documents it."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        for part in (name, attribute["DataType"]):
            digest.update(struct.pack(">I", len(part.encode())) + part.encode())
        value = attribute["StringValue"].encode()
        digest.update(b"\x01" + struct.pack(">I", len(value)) + value)
    return digest.hexdigest()


def milliseconds(moment: float) -> str:
    """Turn a moment of the loop's clock into SQS's form of a time."""
    since = time.time() - asyncio.get_running_loop().time()
    return str(int((since + moment) * 1000))


class SQS:
    """The service, with its one queue."""

    def __init__(
        self, queue: Queue, name: str, region: str, counts: Counts, *, visibility_seconds: int = 60
    ) -> None:
        self.queue = queue
        self.path = f"/123456789012/{name}"
        self.arn = f"arn:aws:sqs:{region}:123456789012:{name}"
        self.visibility_seconds = visibility_seconds
        self.counts = counts
        self.waiting: deque[tuple[Request, Parameters, asyncio.TimerHandle]] = deque()
        self.timer: asyncio.TimerHandle | None = None
        self.operations: dict[str, Callable[[Parameters], Parameters]] = {
            "SendMessage": self.send_message,
            "SendMessageBatch": self.send_message_batch,
            "DeleteMessage": self.delete_message,
            "DeleteMessageBatch": self.delete_message_batch,
            "ChangeMessageVisibility": self.change_message_visibility,
            "ChangeMessageVisibilityBatch": self.change_message_visibility_batch,
            "GetQueueAttributes": self.get_queue_attributes,
        }

    def handle(self, operation: str, request: Request) -> None:
        """Answer one call."""
        seen = self.counts[f"sqs.{operation}"]
        seen.begin()
        parameters = json.loads(request.body)
        try:
            if not str(parameters.get("QueueUrl", "")).endswith(self.path):
                raise Refused(
                    "QueueDoesNotExist",
                    "AWS.SimpleQueueService.NonExistentQueue",
                    "The specified queue does not exist.",
                )
            if operation == "ReceiveMessage":
                self._receive(request, parameters)
                return
            if operation not in self.operations:
                raise Refused(
                    "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", operation
                )
            answer = self.operations[operation](parameters)
        except Refused as refused:
            body = {"__type": f"com.amazonaws.sqs#{refused.shape}", "message": refused.message}
            error_header = f"x-amzn-query-error: {refused.code};Sender\r\n"
            request.reply(json.dumps(body).encode(), JSON_10 + error_header, 400)
            seen.end("errors")
        else:
            request.reply(json.dumps(answer).encode(), JSON_10)
            seen.end("ok")
        self._wake()

    @staticmethod
    def now() -> float:
        """Return the loop's time, by which visibility is counted."""
        return asyncio.get_running_loop().time()

    # --- sending ---------------------------------------------------------------
    def send_message(self, parameters: Parameters) -> Parameters:
        """Send one."""
        body = parameters["MessageBody"]
        attributes = parameters.get("MessageAttributes") or {}
        message = self.queue.send(body, attributes, self.now())
        if body == "-1":
            self.counts.mark("end_sent")
        answer = {"MessageId": message.message_id, "MD5OfMessageBody": md5(body)}
        if attributes:
            answer["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
        return answer

    def send_message_batch(self, parameters: Parameters) -> Parameters:
        """Send up to ten."""
        return self._batch(parameters, self.send_message)

    @staticmethod
    def _batch(parameters: Parameters, one: Callable[[Parameters], Parameters]) -> Parameters:
        entries = parameters.get("Entries") or []
        ids = {entry["Id"] for entry in entries}
        if not entries:
            raise Refused(
                "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
                "There should be at least one entry in the request.",
            )
        if len(entries) > BATCH_MAX:
            raise Refused(
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                f"Maximum number of entries per request are {BATCH_MAX}.",
            )
        if len(ids) < len(entries):
            raise Refused(
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
            )
        answer: Parameters = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                answer["Successful"].append({"Id": entry["Id"], **one(entry)})
            except Refused as refused:
                answer["Failed"].append(
                    {
                        "Id": entry["Id"],
                        "SenderFault": True,
                        "Code": refused.shape,
                        "Message": refused.message,
                    }
                )
        return {name: found for name, found in answer.items() if found}

    # --- receiving -------------------------------------------------------------
    def _receive(self, request: Request, parameters: Parameters) -> None:
        count = parameters.get("MaxNumberOfMessages", 1)
        if not 1 <= count <= RECEIVE_MAX:
            raise Refused(
                "InvalidParameterValue",
                "InvalidParameterValue",
                f"Value {count} for parameter MaxNumberOfMessages is invalid.",
            )
        wait = parameters.get("WaitTimeSeconds", 0)
        if wait > 0 and not self._available():
            timer = asyncio.get_running_loop().call_later(wait, self._give_up, request)
            self.waiting.append((request, parameters, timer))
            self._schedule()
        else:
            self._hand_out(request, parameters)

    def _available(self) -> bool:
        self.queue.refresh(self.now())
        return self.queue.depth > 0

    def _hand_out(self, request: Request, parameters: Parameters) -> None:
        visibility = parameters.get("VisibilityTimeout", self.visibility_seconds)
        count = parameters.get("MaxNumberOfMessages", 1)
        messages = self.queue.receive(count, visibility, self.now())
        found = [self._form(message, parameters) for message in messages]
        request.reply(json.dumps({"Messages": found} if found else {}).encode(), JSON_10)
        self.counts["sqs.ReceiveMessage"].end("ok")

    @staticmethod
    def _form(message: Message, parameters: Parameters) -> Parameters:
        form: Parameters = {
            "MessageId": message.message_id,
            "ReceiptHandle": message.handle,
            "MD5OfBody": md5(message.body),
            "Body": message.body,
        }
        system = {
            *(parameters.get("AttributeNames") or []),
            *(parameters.get("MessageSystemAttributeNames") or []),
        }
        if system:
            known = {
                "ApproximateReceiveCount": str(message.receives),
                "SentTimestamp": milliseconds(message.sent_at),
                "ApproximateFirstReceiveTimestamp": milliseconds(message.first_received_at),
                "SenderId": "AIDAEXAMPLE",
            }
            form["Attributes"] = {
                name: value for name, value in known.items() if name in system or "All" in system
            }
        names = set(parameters.get("MessageAttributeNames") or [])
        attributes = {
            name: value for name, value in message.attributes.items() if names & {name, "All", ".*"}
        }
        if attributes:
            form["MessageAttributes"] = attributes
            form["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
        return form

    def _give_up(self, request: Request) -> None:
        for waiter in self.waiting:
            if waiter[0] is request:
                self.waiting.remove(waiter)
                self._hand_out(request, waiter[1])
                return

    def _wake(self) -> None:
        """Serve who waits, as far as there are messages."""
        while self.waiting and self._available():
            request, parameters, timer = self.waiting.popleft()
            timer.cancel()
            if request.gone:
                self.counts["sqs.ReceiveMessage"].end("errors")
            else:
                self._hand_out(request, parameters)
        self._schedule()

    def _schedule(self) -> None:
        """Wake up when the next hidden message comes back, if somebody waits for it."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        at = self.queue.next_return()
        if self.waiting and at is not None:
            self.timer = asyncio.get_running_loop().call_at(at, self._wake)

    # --- settling --------------------------------------------------------------
    def delete_message(self, parameters: Parameters) -> Parameters:
        """Delete one."""
        try:
            self.queue.delete(parameters["ReceiptHandle"])
        except InvalidHandleError as error:
            raise self._invalid_handle() from error
        return {}

    def delete_message_batch(self, parameters: Parameters) -> Parameters:
        """Delete up to ten."""
        return self._batch(parameters, self.delete_message)

    def change_message_visibility(self, parameters: Parameters) -> Parameters:
        """Change when one comes back."""
        try:
            self.queue.change(
                parameters["ReceiptHandle"], parameters["VisibilityTimeout"], self.now()
            )
        except InvalidHandleError as error:
            raise self._invalid_handle() from error
        except NotInFlightError as error:
            raise Refused(
                "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
                "The message referred to isn't in flight.",
            ) from error
        return {}

    def change_message_visibility_batch(self, parameters: Parameters) -> Parameters:
        """Change when up to ten come back."""
        return self._batch(parameters, self.change_message_visibility)

    @staticmethod
    def _invalid_handle() -> Refused:
        return Refused(
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            "The input receipt handle is not a valid receipt handle.",
        )

    # --- asking ----------------------------------------------------------------
    def get_queue_attributes(self, parameters: Parameters) -> Parameters:
        """Tell depth and settings."""
        self.queue.refresh(self.now())
        wanted = set(parameters.get("AttributeNames") or [])
        known = {
            "ApproximateNumberOfMessages": str(self.queue.depth),
            "ApproximateNumberOfMessagesNotVisible": str(self.queue.in_flight),
            "ApproximateNumberOfMessagesDelayed": "0",
            "QueueArn": self.arn,
            "VisibilityTimeout": str(self.visibility_seconds),
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": f"{self.arn}-dead-letters",
                    "maxReceiveCount": self.queue.max_receives,
                },
                separators=(",", ":"),
            ),
        }
        found = {n: value for n, value in known.items() if n in wanted or "All" in wanted}
        return {"Attributes": found} if found else {}
