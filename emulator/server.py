"""The stand-in's front: faults and counts before everything, Rekognition and metadata before moto."""

from __future__ import annotations

import io
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from emulator import admin, credentials, errors, guard, mendings, metadata
from emulator.counts import Counts, outcome_of
from emulator.messages import Answer, Request
from emulator.operations import operation_of
from emulator.rekognition.answers import Answers
from emulator.rekognition.service import Recognizer, Rekognition
from emulator.sqs.endpoint import Endpoint
from emulator.wire import Server

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.faults import Fate, Faults
    from emulator.secret import Secret

log = logging.getLogger(__name__)

SILENCE_STEP_SECONDS = 0.2


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
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.stopping = threading.Event()
        self.listeners: dict[str, Server] = {}
        self.port = 0
        mendings.apply()
        credentials.enforce(iam_enforced)

    def listen(self, address: str, port: int) -> None:
        """Serve at one more address; the first call decides the port."""
        server = Server(address, port, self.answer)
        self.port = server.server_address[1]
        self.listeners[address] = server
        server.start()

    def stop_listening(self, address: str) -> None:
        """Close one of the addresses."""
        self.listeners.pop(address).stop()

    def stop(self) -> None:
        """Close all addresses."""
        self.stopping.set()
        for address in list(self.listeners):
            self.stop_listening(address)

    def answer(self, request: Request) -> Answer:
        """Answer one request of any kind."""
        refusal = guard.refusal(request, self.secret)
        if refusal is not None:
            return refusal
        if request.path.startswith("/_carscribe/"):
            return admin.answer(self, request)
        if request.path.startswith("/latest/"):
            self._keep_silent()
            return self.metadata.answer(request)
        if request.path.startswith("/moto-api"):
            if request.path == "/moto-api/reset":
                self.sqs.reset()
            return self.ask_moto(request)
        return self._answer_service(request)

    def _answer_service(self, request: Request) -> Answer:
        operation = operation_of(request)
        refusal = self.authenticator.refusal(operation.partition(".")[0], request)
        if refusal is not None:
            self.counts.add(operation, "errors")
            log.info("%s refused: %r", operation, request.access_key_id)
            return refusal
        fate = self.faults.fate_of(operation)
        try:
            self._keep_silent()
        except ConnectionAbortedError:
            self.counts.add(operation, "dropped")
            raise
        with self.counts.under_way(operation):
            return self._meet(fate, operation, request)

    def _meet(self, fate: Fate, operation: str, request: Request) -> Answer:
        if fate.latency_seconds:
            self.stopping.wait(fate.latency_seconds)
        service = operation.partition(".")[0]
        said = errors.protocol_of(service, request)
        if fate.throttled:
            self.counts.add(operation, "throttled")
            return errors.throttled(said, self.counts.read()[operation]["throttled"] - 1)
        if fate.failed:
            self.counts.add(operation, "errors")
            return errors.failed(said)
        try:
            answer = self._carry_out(service, operation, request)
        except ConnectionAbortedError:
            self.counts.add(operation, "dropped")
            raise
        answer.cut_off = fate.dropped
        self.counts.add(operation, outcome_of(answer))
        log.info("%s %s -> %d", operation, request.path, answer.status)
        return answer

    def _carry_out(self, service: str, operation: str, request: Request) -> Answer:
        with credentials.context(request):
            if service == "rekognition":
                return self.rekognition.answer(operation.partition(".")[2], request)
            if service == "sqs":
                return self.sqs.answer(operation.partition(".")[2], request)
            return credentials.refusal_as_json(service, self.ask_moto(request))

    def ask_moto(self, request: Request) -> Answer:
        """Pass a request on to moto's server and collect its answer."""
        environ = {**request.environ, "wsgi.input": io.BytesIO(request.body)}
        environ.pop("wsgi.input_terminated", None)
        answer = Answer(500)

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.status = int(status.split(" ", 1)[0])
            answer.headers = headers

        parts = self.moto(environ, start_response)
        try:
            answer.body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return answer

    def _keep_silent(self) -> None:
        """Accept and do not answer while silence is ordered; then the client has long given up."""
        if time.time() >= self.faults.silent_until:
            return
        while time.time() < self.faults.silent_until and not self.stopping.is_set():
            self.stopping.wait(SILENCE_STEP_SECONDS)
        raise ConnectionAbortedError
