"""The two protocols of SQS: JSON 1.0 with a target header, and the older query with XML.

Source: botocore's model of the service, before and after 1.31.81; both still
hold on AWS, and older SDKs speak the second.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from emulator.messages import Answer, new_id, to_json
from emulator.sqs.errors import SqsError

if TYPE_CHECKING:
    from emulator.messages import Request

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
JSON = "application/x-amz-json-1.0"
# In the query protocol: the name of a list's item, and of the parameter that it is an item of.
LISTS = {
    "AttributeName": "AttributeNames",
    "ChangeMessageVisibilityBatchRequestEntry": "Entries",
    "DeleteMessageBatchRequestEntry": "Entries",
    "MessageAttributeName": "MessageAttributeNames",
    "MessageSystemAttributeName": "MessageSystemAttributeNames",
    "SendMessageBatchRequestEntry": "Entries",
    "TagKey": "TagKeys",
}
# The same of a map, with the names of an item's key and value.
MAPS = {
    "Attribute": ("Attributes", "Name", "Value"),
    "MessageAttribute": ("MessageAttributes", "Name", "Value"),
    "MessageSystemAttribute": ("MessageSystemAttributes", "Name", "Value"),
    "Tag": ("Tags", "Key", "Value"),
}
ITEMS = {  # of answers, by operation where it matters
    "Messages": "Message",
    "QueueUrls": "QueueUrl",
    "queueUrls": "QueueUrl",
    "Failed": "BatchResultErrorEntry",
}
# What has nothing to say. All else has its element, empty or not: SDKs look for it.
WITHOUT_RESULT = {
    "ChangeMessageVisibility",
    "DeleteMessage",
    "DeleteQueue",
    "PurgeQueue",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
}
XML_10_ESCAPES = {"\r": "&#13;", '"': "&quot;"}


def is_json(request: Request) -> bool:
    """Say which of the two a request speaks."""
    return "x-amz-target" in request.headers


def parameters(request: Request) -> dict[str, Any]:
    """Read the parameters of a request, in the names of the JSON protocol.

    Raises:
        SqsError: they cannot be read.
    """
    if is_json(request):
        try:
            found = json.loads(request.body.decode() or "{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SqsError("SerializationException", "The body is not a JSON object.")
        return found
    form = dict(request.query)
    if request.body:
        form |= parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    tree: dict[str, Any] = {}
    for name, values in form.items():
        branch = tree
        *path, leaf = name.split(".")
        for part in path:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise SqsError("MalformedQueryString", f"{name} is both a value and a structure.")
        branch[leaf] = values[0]
    found = _structure(tree)
    if "QueueUrl" not in found and request.path.count("/") > 1:
        found["QueueUrl"] = request.path
    return found


def _structure(tree: dict[str, Any]) -> dict[str, Any]:
    """Turn numbered items into lists and maps."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if name in LISTS and isinstance(value, dict):
            items = [value[number] for number in sorted(value, key=_as_number)]
            found[LISTS[name]] = [_structure(i) if isinstance(i, dict) else i for i in items]
        elif name in MAPS and isinstance(value, dict):
            target, key, content = MAPS[name]
            items = [value[number] for number in sorted(value, key=_as_number)]
            found[target] = {
                str(item.get(key, "")): item.get(content, "")
                for item in items
                if isinstance(item, dict)
            }
        else:
            found[name] = value
    return found


def _as_number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def answer(request: Request, operation: str, found: dict[str, Any]) -> Answer:
    """Say what an operation came to."""
    request_id = new_id()
    if is_json(request):
        return Answer(
            200,
            to_json(found),
            [("Content-Type", JSON), ("x-amzn-RequestId", request_id)],
        )
    result = f"<{operation}Result>{_xml(found, operation)}</{operation}Result>"
    if operation in WITHOUT_RESULT:
        result = ""
    text = (
        f'<?xml version="1.0"?><{operation}Response xmlns="{NAMESPACE}">{result}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Answer(200, text.encode(), [("Content-Type", "text/xml")])


def refusal(request: Request, error: SqsError) -> Answer:
    """Say why an operation was refused, with the older name beside the newer."""
    request_id = new_id()
    fault = "Sender" if error.sender_fault else "Receiver"
    if is_json(request):
        body = {"__type": f"com.amazonaws.sqs#{error.shape}", "message": error.message}
        headers = [
            ("Content-Type", JSON),
            ("x-amzn-RequestId", request_id),
            # Terraform's provider waits for this very name when it deletes a queue.
            ("x-amzn-query-error", f"{error.query_code};{fault}"),
        ]
        return Answer(error.status, json.dumps(body).encode(), headers)
    text = (
        f'<?xml version="1.0"?><ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{fault}</Type>'
        f"<Code>{escape(error.query_code)}</Code><Message>{escape(error.message)}</Message>"
        f"<Detail/></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Answer(error.status, text.encode(), [("Content-Type", "text/xml")])


def _xml(found: dict[str, Any], operation: str) -> str:
    parts = []
    for name, value in found.items():
        if name in {"Attributes", "MessageAttributes", "Tags"}:
            item, key = ("Tag", "Key") if name == "Tags" else (name.removesuffix("s"), "Name")
            parts += [
                f"<{item}><{key}>{_escaped(k)}</{key}><Value>{_content(v, operation)}</Value></{item}>"
                for k, v in value.items()
            ]
        elif isinstance(value, list):
            item = ITEMS.get(name, f"{operation}ResultEntry")
            parts += [f"<{item}>{_content(each, operation)}</{item}>" for each in value]
        else:
            parts.append(f"<{name}>{_content(value, operation)}</{name}>")
    return "".join(parts)


def _content(value: Any, operation: str) -> str:
    if isinstance(value, dict):
        return _xml(value, operation)
    return str(value).lower() if isinstance(value, bool) else _escaped(str(value))


def _escaped(text: str) -> str:
    return escape(text, XML_10_ESCAPES)
