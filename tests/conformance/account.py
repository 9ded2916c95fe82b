"""The account that is asked: the emulator's, or a real one; what is made in it is removed."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.conformance.scrub import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import OperationModel

SAMPLES = Path(__file__).resolve().parents[2] / "images"
DEFAULT_REGION = "us-east-1"
FIRST = "1.jpg"
"""A sample with a car and a text on it."""
BUDGET_USD = 0.10
# Source: the services' price pages, us-east-1, first tier; S3's are of PUT and LIST.
PRICES_USD = {"rekognition": 0.001, "s3": 0.000_005, "sqs": 0.000_000_5}
LONG = 2_000
"""Texts and bytes beyond this are kept by their length alone."""
QUEUE_READY_SECONDS = 1
"""API reference, CreateQueue: "you must wait at least one second after the queue is created"."""


class BudgetError(Exception):
    """The calls would cost more than was promised."""


class Recorder:
    """Keeps each answer of AWS, and stops before it costs too much."""

    def __init__(self, path: Path | None, scrub: Scrubber) -> None:
        self._path, self._scrub = path, scrub
        self._lock = threading.Lock()
        self.spent_usd = 0.0
        self.test = ""

    def watch(self, client: Any) -> None:
        """Keep what a client asks and is answered."""
        client.meta.events.register("provide-client-params.*.*", self._asked)
        client.meta.events.register("after-call.*.*", self._answered)

    def _asked(self, params: Any, model: OperationModel, context: Any, **_: Any) -> None:
        service = model.service_model.service_name
        with self._lock:
            self.spent_usd += PRICES_USD.get(service, 0.0)
            # What was made is removed in any case.
            if self.spent_usd > BUDGET_USD and service == "rekognition":
                raise BudgetError(f"more than ${BUDGET_USD:.2f}")
        context["asked"] = params

    def _answered(
        self, http_response: Any, parsed: Any, model: OperationModel, context: Any, **_: Any
    ) -> None:
        if self._path is None:
            return
        headers = http_response.headers
        line = {
            "test": self.test,
            "call": f"{model.service_model.service_name}.{model.name}",
            "request": _plain(context.get("asked")),
            "status": http_response.status_code,
            "error": headers.get("x-amzn-query-error"),
            "answer": _plain({k: v for k, v in parsed.items() if k != "ResponseMetadata"}),
        }
        text = self._scrub(json.dumps(line, ensure_ascii=False))
        with self._lock, self._path.open("a") as file:
            file.write(f"{text}\n")


def _plain(value: Any) -> Any:
    """Return what JSON has a form for; of what is long, how long it is."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str | bytes | bytearray) and len(value) > LONG:
        return f"({len(value)} of {type(value).__name__})"
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


class Account:
    """What the tests of conformance use; names are random, so that nothing of anybody's is met."""

    def __init__(
        self, make: Callable[..., Any], region: str, recorder: Recorder, *, is_aws: bool
    ) -> None:
        self._make, self.region, self.recorder, self.is_aws = make, region, recorder, is_aws
        self.prefix = f"carscribe-conform-{secrets.token_hex(5)}"
        self.problems: list[str] = []
        self._clients: dict[tuple[str, str], Any] = {}
        self._count = 0

    def client(self, service: str, region: str = "", **settings: Any) -> Any:
        """Make a client that asks once, and lets wrong parameters through to the service."""
        key = (service, f"{region} {settings}")
        if key not in self._clients:
            config = Config(
                parameter_validation=False,
                retries={"mode": "standard", "total_max_attempts": 3 if self.is_aws else 1},
                s3={"addressing_style": "path"},
            ).merge(Config(**settings))
            made = self._make(service, region_name=region or self.region, config=config)
            self.recorder.watch(made)
            self._clients[key] = made
        return self._clients[key]

    def name(self) -> str:
        """Return a name that nothing has."""
        self._count += 1
        return f"{self.prefix}-{self._count}"

    def make_queue(self, **attributes: str) -> str:
        """Make a queue; return its URL."""
        name = self.name() + (".fifo" if attributes.get("FifoQueue") == "true" else "")
        made = self.client("sqs").create_queue(QueueName=name, Attributes=attributes)
        if self.is_aws:
            time.sleep(QUEUE_READY_SECONDS)
        return str(made["QueueUrl"])

    def delete_queue(self, url: str) -> None:
        """Remove a queue, if it is there."""
        sqs = self.client("sqs")
        self._remove(f"the queue {url}", lambda: sqs.delete_queue(QueueUrl=url))

    def make_bucket(self, region: str = "") -> str:
        """Make a bucket; return its name."""
        region = region or self.region
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        name = self.name()
        self.client("s3", region).create_bucket(
            Bucket=name, **({} if region == "us-east-1" else place)
        )
        return name

    def delete_bucket(self, name: str, region: str = "") -> None:
        """Remove a bucket and all versions of all that is in it."""
        s3 = self.client("s3", region)

        def remove() -> None:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
                for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    s3.delete_object(Bucket=name, Key=found["Key"], VersionId=found["VersionId"])
            s3.delete_bucket(Bucket=name)

        self._remove(f"the bucket {name}", remove)

    def _remove(self, what: str, remove: Callable[[], Any]) -> None:
        try:
            remove()
        except Exception as error:  # noqa: BLE001 # the rest is removed all the same
            if "NonExistentQueue" not in str(error):
                self.problems.append(f"{what}: {error}")


def hidden() -> list[str]:
    """Return what nobody else is to read: the caller's account, name, key and token."""
    session = boto3.session.Session()
    sts = session.client("sts", region_name=session.region_name or DEFAULT_REGION)
    identity = sts.get_caller_identity()
    words = [identity["Account"], identity["UserId"]]
    credentials = session.get_credentials()
    if credentials is not None:
        words += [credentials.access_key or "", credentials.token or ""]
    return words


def on_aws(path: Path) -> Account:
    """Return the caller's own account, whatever the environment and its files say it is."""
    session = boto3.session.Session()
    recorder = Recorder(path, Scrubber(hidden()))
    region = session.region_name or DEFAULT_REGION
    return Account(session.client, region, recorder, is_aws=True)
