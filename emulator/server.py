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
from contextlib import suppress
from typing import TYPE_CHECKING

from emulator import admin, credentials, errors, guard, metadata, moto_patches, signatures
from emulator.counts import Counts, outcome_of
from emulator.http import Listener
from emulator.messages import Answer
from emulator.moto_app import Moto
from emulator.operations import (
    OF_MOTO,
    S3_NOT_HERE,
    is_form_upload,
    operation_of,
    service_of,
)
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

METADATA = "/latest/"
SILENCE_STEP_SECONDS = 0.2
IMAGES_AT_ONCE = 4
ASKED_AT_ONCE = 32
"""Threads that wait for the recognizer, which itself does a few pictures at once."""
BODY_BYTES = 8 * 1024 * 1024
"""Rekognition takes 5 MiB, which base64 makes 6.7; SQS 1 MiB, of which JSON makes six at most. It
is also all that a connection makes this process keep of who has not shown a secret."""
OBJECT_BYTES = 5 * 1024**3
"""Source: S3 API reference, PutObject. Of who has signed with a secret already."""
QUICK_BYTES = 256 * 1024
"""Up to this, looking into an image is quicker than handing it to a thread."""


class Emulator:
    """All that answers at the emulator's address."""

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
        self._other_faults = asyncio.Event()
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
        listener = await Listener.at(address, port, self)
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

    def admit(self, request: Request) -> Answer | int:
        """Refuse what its head shows to be nobody's here, or say how large its body may be."""
        refusal = guard.refusal(request, self.secret)
        if refusal is not None:
            return refusal
        if request.path.startswith(guard.CONTROL):
            return BODY_BYTES
        if request.path.startswith(METADATA):
            return 0
        service = service_of(request)
        if is_form_upload(request):
            return errors.not_implemented(operation_of(request), request)
        refusal = self.authenticator.refusal_of_head(service, request)
        if refusal is not None:
            log.info("%s refused: %r", service, request.access_key_id)
            return refusal
        return OBJECT_BYTES if service == "s3" and signatures.is_of_head(request) else BODY_BYTES

    def too_large(self, request: Request) -> Answer:
        """Refuse a body that is larger."""
        return errors.too_large(service_of(request), request)

    def answer(self, request: Request) -> Answer | Awaitable[Answer]:
        """Answer one request of any kind that was admitted."""
        if request.path.startswith("/_carscribe/"):
            return self.control(request)
        if request.path.startswith(METADATA):
            return self._answer_metadata(request)
        if request.path.startswith("/moto-api"):
            if request.path == "/moto-api/reset":
                self.sqs.reset()
            return self.moto.run(self.moto.ask, request)
        return self._answer_service(request)

    def show(self, faults: Faults) -> None:
        """Show these faults from now on; calls that wait for a latency of the earlier ones go on."""
        self.faults = faults
        self._other_faults.set()
        self._other_faults = asyncio.Event()

    def control(self, request: Request) -> Answer | Awaitable[Answer]:
        """Answer who commands this emulator, and has its token."""
        return admin.answer(self, request)

    async def _answer_metadata(self, request: Request) -> Answer:
        await self._keep_silent()
        return await self.moto.run(self.metadata.answer, request)

    def _answer_service(self, request: Request) -> Answer | Awaitable[Answer]:
        operation = operation_of(request)
        refusal = self.authenticator.refusal_of_body(operation.partition(".")[0], request)
        if refusal is not None:
            log.info("%s refused: %r", operation, request.access_key_id)
            return refusal
        self.counts.begin(operation)
        try:
            found = self._judge(operation, request)
        except Exception:
            self.counts.end(operation, "errors")
            raise
        if isinstance(found, Answer):
            return self._counted(found, operation, request)
        return self._answered(found, operation, request)

    async def _answered(
        self, coming: Awaitable[Answer], operation: str, request: Request
    ) -> Answer:
        try:
            answer = await coming
        except BaseException as error:
            is_dropped = isinstance(error, ConnectionAbortedError)
            self.counts.end(operation, "dropped" if is_dropped else "errors")
            raise
        return self._counted(answer, operation, request)

    def _counted(self, answer: Answer, operation: str, request: Request) -> Answer:
        self.counts.end(operation, outcome_of(answer))
        log.info("%s %s -> %d", operation, request.path, answer.status)
        return answer

    def _judge(self, operation: str, request: Request) -> Answer | Awaitable[Answer]:
        """Decide what is to happen, and have the operation carried out."""
        # Rekognition's quota, and all that befalls it, is each region's own.
        is_regional = operation.startswith("rekognition.")
        fate = self.faults.fate_of(f"{operation}@{request.region}" if is_regional else operation)
        if fate.latency_seconds or self._is_silent():
            return self._meet_late(fate, operation, request)
        return self._meet(fate, operation, request)

    async def _meet_late(self, fate: Fate, operation: str, request: Request) -> Answer:
        await self._keep_silent()
        with suppress(TimeoutError):
            async with asyncio.timeout(fate.latency_seconds):
                await self._other_faults.wait()
        found = self._meet(fate, operation, request)
        return found if isinstance(found, Answer) else await found

    def _meet(self, fate: Fate, operation: str, request: Request) -> Answer | Awaitable[Answer]:
        said = errors.protocol_of(operation.partition(".")[0], request)
        if fate.throttled:
            return errors.throttled(said, self.counts.throttled(operation))
        if fate.failed:
            return errors.failed(said)
        if fate.denied:
            return errors.denied(said, operation)
        found = self.carry_out(operation, request)
        return _cut_off(found) if fate.dropped else found

    def carry_out(self, operation: str, request: Request) -> Answer | Awaitable[Answer]:
        """Let the service itself answer."""
        service, _, name = operation.partition(".")
        if service == "sqs":
            return self.sqs.answer(name, request)
        if service == "rekognition":
            if len(request.body) <= QUICK_BYTES and not self.rekognition.has_recognizer:
                return self.rekognition.answer(name, request)
            return asyncio.get_running_loop().run_in_executor(
                self._images, self.rekognition.answer, name, request
            )
        if service not in OF_MOTO or (service == "s3" and name in S3_NOT_HERE):
            return errors.not_implemented(operation, request)
        return self.moto.run(self._ask_moto, operation, request)

    def _ask_moto(self, operation: str, request: Request) -> Answer:
        moto_patches.apply_to(operation.partition(".")[0])
        try:
            with credentials.context(request):
                answer = self.moto.ask(request)
        except NotImplementedError:  # moto's word for an operation that it does not have
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


async def _cut_off(found: Answer | Awaitable[Answer]) -> Answer:
    answer = found if isinstance(found, Answer) else await found
    answer.cut_off = True
    return answer
