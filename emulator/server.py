"""The front: what is refused first, who asks, faults and counts; then the service itself.

Everything runs on one event loop. What can be answered at once is an `Answer`,
all else a coroutine of one; moto has a thread of its own, and so has whatever
looks at images.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from emulator import admin, credentials, errors, guard, metadata, moto_patches
from emulator.counts import Counts, outcome_of
from emulator.http import Listener
from emulator.messages import Answer
from emulator.moto_app import Moto
from emulator.operations import operation_of
from emulator.rekognition.answers import Answers
from emulator.rekognition.service import Recognizer, Rekognition
from emulator.sqs.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from emulator.faults import Fate, Faults
    from emulator.messages import Request
    from emulator.secret import Secret

log = logging.getLogger(__name__)

SILENCE_STEP_SECONDS = 0.2
OF_MOTO = {"ec2", "iam", "s3", "ssm", "sts"}
IMAGES_AT_ONCE = 4
ASKED_AT_ONCE = 32
"""Threads that wait for the recognizer, which itself does a few pictures at once."""
QUICK_BYTES = 256 * 1024
"""Up to this, looking into an image is quicker than handing it to a thread."""


class StandIn:
    """All that answers at the stand-in's address."""

    def __init__(
        self,
        images: Path | None,
        region: str,
        faults: Faults,
        *,
        secret: Secret,
        hint: str = "",
        iam_enforced: bool = False,
        recognizer: Recognizer | None = None,
    ) -> None:
        self.region = region
        self.secret = secret
        self.authenticator = credentials.Authenticator(secret, hint)
        self.faults = faults
        self.counts = Counts()
        self.answers = Answers(images)
        self.rekognition = Rekognition(self.answers, recognizer)
        self.sqs = Endpoint(lambda: self.faults)
        self.metadata = metadata.Metadata(region)
        self.moto = Moto()
        self.listeners: dict[str, Listener] = {}
        self.port = 0
        threads = ASKED_AT_ONCE if recognizer else IMAGES_AT_ONCE
        self._images = ThreadPoolExecutor(threads, thread_name_prefix="images")
        moto_patches.apply()
        credentials.enforce(iam_enforced)

    async def listen(self, address: str, port: int) -> None:
        """Serve at one more address; the first call decides the port."""
        listener = await Listener.at(address, port, self.answer)
        self.port = listener.port
        self.listeners[address] = listener

    def stop_listening(self, address: str) -> None:
        """Close one of the addresses."""
        self.listeners.pop(address).close()

    def stop(self) -> None:
        """Close all addresses and hang up."""
        for listener in self.listeners.values():
            listener.close(hang_up=True)
        self.listeners.clear()
        self.moto.stop()
        self.rekognition.close()
        self._images.shutdown(wait=False, cancel_futures=True)

    def answer(self, request: Request) -> Answer | Awaitable[Answer]:
        """Answer one request of any kind."""
        refusal = guard.refusal(request, self.secret)
        if refusal is not None:
            return refusal
        if request.path.startswith("/_carscribe/"):
            return admin.answer(self, request)
        if request.path.startswith("/latest/"):
            return self._answer_metadata(request)
        if request.path.startswith("/moto-api"):
            if request.path == "/moto-api/reset":
                self.sqs.reset()
            return self.moto.run(self.moto.ask, request)
        return self._answer_service(request)

    async def _answer_metadata(self, request: Request) -> Answer:
        await self._keep_silent()
        return await self.moto.run(self.metadata.answer, request)

    def _answer_service(self, request: Request) -> Answer | Awaitable[Answer]:
        operation = operation_of(request)
        refusal = self.authenticator.refusal(operation.partition(".")[0], request)
        if refusal is not None:
            self.counts.add(operation, "errors")
            log.info("%s refused: %r", operation, request.access_key_id)
            return refusal
        # Rekognition's quota, and all that befalls it, is each region's own.
        is_regional = operation.startswith("rekognition.")
        fate = self.faults.fate_of(f"{operation}@{request.region}" if is_regional else operation)
        if fate.latency_seconds or self._is_silent():
            return self._answer_late(fate, operation, request)
        return self._meet(fate, operation, request)

    async def _answer_late(self, fate: Fate, operation: str, request: Request) -> Answer:
        try:
            await self._keep_silent()
        except ConnectionAbortedError:
            self.counts.add(operation, "dropped")
            raise
        with self.counts.under_way(operation):
            if fate.latency_seconds:
                await asyncio.sleep(fate.latency_seconds)
            found = self._meet(fate, operation, request)
            return found if isinstance(found, Answer) else await found

    def _meet(self, fate: Fate, operation: str, request: Request) -> Answer | Awaitable[Answer]:
        service = operation.partition(".")[0]
        if fate.throttled:
            self.counts.add(operation, "throttled")
            said = errors.protocol_of(service, request)
            return errors.throttled(said, self.counts.read()[operation]["throttled"] - 1)
        if fate.failed:
            self.counts.add(operation, "errors")
            return errors.failed(errors.protocol_of(service, request))
        if fate.denied:
            self.counts.add(operation, "errors")
            return errors.denied(errors.protocol_of(service, request), operation)
        found = self._carry_out(service, operation, request)
        if isinstance(found, Answer):
            return self._counted(found, fate, operation, request)
        return self._answered(found, fate, operation, request)

    async def _answered(
        self, coming: Awaitable[Answer], fate: Fate, operation: str, request: Request
    ) -> Answer:
        with self.counts.under_way(operation):
            try:
                answer = await coming
            except ConnectionAbortedError:
                self.counts.add(operation, "dropped")
                raise
        return self._counted(answer, fate, operation, request)

    def _counted(self, answer: Answer, fate: Fate, operation: str, request: Request) -> Answer:
        answer.cut_off = fate.dropped
        self.counts.add(operation, outcome_of(answer))
        log.info("%s %s -> %d", operation, request.path, answer.status)
        return answer

    def _carry_out(
        self, service: str, operation: str, request: Request
    ) -> Answer | Awaitable[Answer]:
        name = operation.partition(".")[2]
        if service == "sqs":
            return self.sqs.answer(name, request)
        if service == "rekognition":
            if len(request.body) <= QUICK_BYTES and not self.rekognition.has_recognizer:
                return self._ask_rekognition(name, request)
            return asyncio.get_running_loop().run_in_executor(
                self._images, self._ask_rekognition, name, request
            )
        if service not in OF_MOTO:
            return errors.not_implemented(operation, request)
        return self.moto.run(self._ask_moto, operation, request)

    def _ask_rekognition(self, name: str, request: Request) -> Answer:
        with credentials.context(request):
            return self.rekognition.answer(name, request)

    def _ask_moto(self, operation: str, request: Request) -> Answer:
        try:
            with credentials.context(request):
                answer = self.moto.ask(request)
        except NotImplementedError:
            return errors.not_implemented(operation, request)
        return credentials.refusal_as_json(operation.partition(".")[0], answer)

    def _is_silent(self) -> bool:
        return time.time() < self.faults.silent_until

    async def _keep_silent(self) -> None:
        """Accept and do not answer while silence is ordered; then the client has long given up."""
        if not self._is_silent():
            return
        while self._is_silent():  # noqa: ASYNC110 # other faults may end it sooner
            await asyncio.sleep(SILENCE_STEP_SECONDS)
        raise ConnectionAbortedError
