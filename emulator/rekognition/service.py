"""Rekognition's JSON 1.1 protocol: from a request's body to the answer's."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from emulator import credentials, errors, shapes
from emulator.messages import Answer, new_id
from emulator.rekognition import images
from emulator.rekognition.errors import (
    InvalidParameterException,
    InvalidS3ObjectException,
    RekognitionError,
    SerializationException,
    ThrottlingException,
)
from emulator.rekognition.labels import detect_labels
from emulator.rekognition.texts import detect_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.messages import Request
    from emulator.rekognition.answers import Answers

OPERATIONS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "DetectLabels": detect_labels,
    "DetectText": detect_text,
}

MAX_BODIES_KEPT = 5_000
# As botocore writes it, and as most others do, without blanks.
LONE_IMAGES = (b'{"Image": {"Bytes": "', b'{"Image":{"Bytes":"')
LONE_IMAGE_END = b'"}}'


class Recognizer(Protocol):
    """Recognizes what is in an image that has no recorded answer."""

    def recognize(self, operation: str, data: bytes) -> dict[str, Any] | None:
        """Return what could be a recorded answer; None says that too much is asked at once."""

    def close(self) -> None:
        """Begin nothing more."""


class Rekognition:
    """DetectLabels and DetectText over the wire."""

    def __init__(self, answers: Answers, recognizer: Recognizer | None = None) -> None:
        self._answers, self._recognizer = answers, recognizer
        self._bodies: dict[tuple[str, int, str], tuple[dict[str, Any], bytes]] = {}
        """What was said about what is known of an image, by the options of the request."""

    @property
    def has_recognizer(self) -> bool:
        """Whether an answer may take long."""
        return self._recognizer is not None

    def close(self) -> None:
        """Let nobody wait for the recognizer any longer."""
        if self._recognizer is not None:
            self._recognizer.close()

    def answer(self, operation: str, request: Request) -> Answer:
        """Answer one request, or say the error as the service would."""
        if operation not in OPERATIONS:
            return errors.not_implemented(f"rekognition.{operation}", request)
        try:
            credentials.authorize(f"rekognition:{operation}", "*", request)
            body = self._respond(operation, request)
        except credentials.Refused as refused:
            return errors.error("rekognition", f"{refused.code}Exception", refused.message)
        except RekognitionError as error:
            return errors.error("rekognition", error.code, str(error), error.status)
        return Answer(
            200,
            body,
            [
                ("Content-Type", "application/x-amz-json-1.1"),
                ("x-amzn-RequestId", new_id()),
            ],
        )

    def _respond(self, operation: str, request: Request) -> bytes:
        parameters = _lone_image(request.body)
        if parameters is None:
            parameters = _parameters(operation, request.body)
        known = self.known(operation, parameters.pop("Image"), request)
        key = (operation, id(known), repr(parameters) if parameters else "")
        found = self._bodies.get(key)
        if found is None:
            body = json.dumps(OPERATIONS[operation](known, parameters)).encode()
            if len(self._bodies) >= MAX_BODIES_KEPT:
                self._bodies.clear()
            # Together with what is known, so that nothing else gets its id.
            found = self._bodies[key] = known, body
        return found[1]

    def known(self, operation: str, image: dict[str, Any], request: Request) -> dict[str, Any]:
        """Return what an operation would say of an image to who asks for all of it.

        Raises:
            RekognitionError: it is no such image.
        """
        checked, name = _image(image, request)
        if self._recognizer is None:
            return self._answers.find(checked.sha256, name).get(operation, {})
        answer = self._answers.find(checked.sha256, name, missed="the recognizer is asked")
        if answer:
            return answer.get(operation, {})
        seen = self._recognizer.recognize(operation, checked.data)
        if seen is None:
            raise ThrottlingException
        return seen


def _lone_image(body: bytes) -> dict[str, Any] | None:
    """Return the parameters of a request that brings an image's bytes and no word more.

    Looking at both ends and decoding what is between them costs a third less than reading
    the JSON. Where that is anything but Base64, None leaves it to those who read it.
    """
    for begin in LONE_IMAGES:
        if body.startswith(begin) and body.endswith(LONE_IMAGE_END):
            encoded = memoryview(body)[len(begin) : -len(LONE_IMAGE_END)]
            with contextlib.suppress(binascii.Error):
                return {"Image": {"Bytes": binascii.a2b_base64(encoded, strict_mode=True)}}
    return None


def _parameters(operation: str, body: bytes) -> dict[str, Any]:
    """Read the parameters of a request; an image is decoded."""
    try:
        value = json.loads(body.decode())
    except ValueError as error:
        raise SerializationException from error
    if not isinstance(value, dict):
        raise SerializationException
    found = shapes.input_problems(operation, value)
    if found:
        raise InvalidParameterException("; ".join(found))
    image = value["Image"]
    if (image.get("Bytes") is None) == (image.get("S3Object") is None):
        raise InvalidParameterException("Image: give Bytes or S3Object, and not both")
    if image.get("Bytes") is not None:
        try:
            image["Bytes"] = base64.b64decode(image["Bytes"], validate=True)
        except ValueError as error:
            raise SerializationException("Image.Bytes is no Base64") from error
    return value


def _image(image: dict[str, Any], request: Request) -> tuple[images.Checked, str]:
    by_object = image.get("S3Object")
    if by_object is not None:
        data = _object(by_object, request)
        checked = images.check(data, images.MAX_BYTES_IN_S3)
        return checked, f"s3://{by_object.get('Bucket')}/{by_object.get('Name')}"
    return images.check(image["Bytes"], images.MAX_BYTES_IN_REQUEST), "an image given as bytes"


def _object(wanted: dict[str, Any], request: Request) -> bytes:
    """Read an object from moto's own bucket, in the caller's name and region."""
    bucket_name, key, version = wanted.get("Bucket"), wanted.get("Name"), wanted.get("Version")
    if not bucket_name or not key:
        raise InvalidParameterException("Image.S3Object: Bucket and Name are both needed")
    backend = s3_backends[DEFAULT_ACCOUNT_ID][credentials.PARTITION]
    try:
        bucket = backend.get_bucket(bucket_name)
        if bucket.region_name != request.region:
            raise InvalidS3ObjectException
        if not credentials.may_get_object(request, bucket, key, version):
            raise InvalidS3ObjectException
        found = backend.get_object(bucket_name, key, version_id=version)
    except S3ClientError as error:
        raise InvalidS3ObjectException from error
    if found is None:
        raise InvalidS3ObjectException
    return bytes(found.value)
