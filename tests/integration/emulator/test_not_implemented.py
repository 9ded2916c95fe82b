"""What the emulator does not have says so, with its name and the page that tells what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.emulator import Emulator


@pytest.mark.parametrize(
    ("service", "call", "operation", "request_"),
    [
        ("sqs", "start_message_move_task", "StartMessageMoveTask", {"SourceArn": "x"}),
        ("rekognition", "detect_faces", "DetectFaces", {"Image": {"Bytes": b"x"}}),
        ("ec2", "describe_fpga_images", "DescribeFpgaImages", {}),
        (
            "iam",
            "get_context_keys_for_custom_policy",
            "GetContextKeysForCustomPolicy",
            {"PolicyInputList": ["{}"]},
        ),
        (
            "sts",
            "decode_authorization_message",
            "DecodeAuthorizationMessage",
            {"EncodedMessage": "x"},
        ),
        ("sns", "list_topics", "ListTopics", {}),
        ("dynamodb", "list_tables", "ListTables", {}),
    ],
)
def test_it_is_named(
    emulator: Emulator, service: str, call: str, operation: str, request_: dict[str, Any]
) -> None:
    """Of services that moto would know too: they are no part of this emulator."""
    with pytest.raises(ClientError) as caught:
        getattr(emulator.client(service), call)(**request_)
    error = caught.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    assert f"has no {service}.{operation}:" in error["Message"]
    assert "docs/emulator.md" in error["Message"]
