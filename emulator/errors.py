"""Errors in the form of the service that is asked: JSON, S3's XML, or the query protocol's."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from emulator.messages import Answer
from emulator.operations import SERVICES

if TYPE_CHECKING:
    from emulator.messages import Request

# The names under which a service says "too fast", with the HTTP status it uses.
# Source: each service's API reference, "Common errors".
THROTTLES = {
    "rekognition": [("ProvisionedThroughputExceededException", 400), ("ThrottlingException", 400)],
    "sqs": [("RequestThrottled", 403)],
    "sqs-query": [("RequestThrottled", 403)],
    "s3": [("SlowDown", 503)],
    "ec2": [("RequestLimitExceeded", 503)],
}
DEFAULT_THROTTLES = [("Throttling", 400)]
FAILURES = {
    "rekognition": ("InternalServerError", 500),
    "sqs": ("InternalError", 500),
    "sqs-query": ("InternalError", 500),
    "s3": ("InternalError", 500),
}
DEFAULT_FAILURE = ("InternalFailure", 500)
DENIALS = {"rekognition": ("AccessDeniedException", 400), "s3": ("AccessDenied", 403)}
DEFAULT_DENIAL = ("AccessDenied", 403)
TOO_LARGE = {
    "rekognition": ("RequestEntityTooLargeException", 413),
    "s3": ("EntityTooLarge", 400),
}
DEFAULT_TOO_LARGE = ("RequestEntityTooLarge", 413)
PAGE = "docs/emulator.md"
ANY_JSON, REST_JSON = "json", "rest-json"
"""Forms of services that are not here."""
JSON_VERSIONS = {"rekognition": "1.1", "sqs": "1.0", "ssm": "1.1", ANY_JSON: "1.1"}
OF_REST_IN_XML = {"cloudfront", "route53"}


def protocol_of(service: str, request: Request) -> str:
    """Return the form of a service's errors: older SDKs speak another protocol with SQS."""
    has_target = "x-amz-target" in request.headers
    if service in SERVICES:
        return "sqs-query" if service == "sqs" and not has_target else service
    if has_target:
        return ANY_JSON
    is_query = "form-urlencoded" in request.header("Content-Type") or "Action" in request.query
    return service if is_query or service in OF_REST_IN_XML else REST_JSON


def error(service: str, code: str, message: str, status: int = 400) -> Answer:
    """Say `code` as `service` would."""
    request_id = str(uuid.uuid4())
    if service == REST_JSON:
        headers = [("x-amzn-ErrorType", code), ("x-amzn-RequestId", request_id)]
        answer = Answer.of_json({"message": message}, status)
        answer.headers += headers
        return answer
    if service in JSON_VERSIONS:
        value = {"__type": code, "Code": code, "Logref": request_id, "Message": message}
        headers = [
            ("Content-Type", f"application/x-amz-json-{JSON_VERSIONS[service]}"),
            ("x-amzn-RequestId", request_id),
        ]
        if service == "sqs":
            value = {"__type": f"com.amazonaws.sqs#{code}", "message": message}
            fault = "Receiver" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
            headers.append(("x-amzn-query-error", f"{code};{fault}"))
        return Answer(status, json.dumps(value).encode(), headers)
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    elif service == "ec2":
        text = (
            f"<Response><Errors><Error>{inner}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
    return Answer(status, xml.encode(), [("Content-Type", "application/xml")])


def denied(service: str, operation: str) -> Answer:
    """Refuse an operation as `service` would refuse who may not use it."""
    code, status = DENIALS.get(service, DEFAULT_DENIAL)
    return error(service, code, f"User is not authorized to perform: {operation}", status)


def throttled(service: str, choice: int) -> Answer:
    """Say "too fast" as `service` would; `choice` picks among its names for it."""
    names = THROTTLES.get(service, DEFAULT_THROTTLES)
    code, status = names[choice % len(names)]
    answer = error(service, code, "Rate exceeded", status)
    answer.is_throttle = True
    return answer


def failed(service: str) -> Answer:
    """Say "our own fault" as `service` would."""
    code, status = FAILURES.get(service, DEFAULT_FAILURE)
    return error(service, code, "We encountered an internal error. Please try again.", status)


def too_large(service: str, request: Request) -> Answer:
    """Refuse a request whose body is larger than the service takes."""
    code, status = TOO_LARGE.get(service, DEFAULT_TOO_LARGE)
    text = "Your request's body exceeds the maximum allowed size."
    return error(protocol_of(service, request), code, text, status)


def not_implemented(operation: str, request: Request) -> Answer:
    """Say that there is no such operation here, and where it is written what there is."""
    said = protocol_of(operation.partition(".")[0], request)
    asked = f"{operation} {request.path}" if said == REST_JSON else operation
    text = f"This emulator has no {asked}: what it has stands in {PAGE}."
    return error(said, "NotImplemented", text, HTTPStatus.NOT_IMPLEMENTED)
