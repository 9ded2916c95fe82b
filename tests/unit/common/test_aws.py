"""The workers' clients refuse what botocore alone would take for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import IncompleteReadError

from carscribe_common.aws import build_clients
from carscribe_common.rate_limit import RateLimiter

if TYPE_CHECKING:
    from tests.emulator import Emulator


def test_a_response_that_is_cut_off_is_no_answer(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Botocore reads it as an answer without members, so a car would be no car."""
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    clients = build_clients("us-east-1", 2, {"us-east-1": RateLimiter(50.0)})
    clients.s3.create_bucket(Bucket="photos")
    emulator.faults({"operations": {"*": {"drop_share": 1}}})
    with pytest.raises(IncompleteReadError):
        clients.sqs.create_queue(QueueName="indexes")
    emulator.faults({})
    clients.s3.put_object(Bucket="photos", Key="1.jpg", Body=b"x")
    assert clients.s3.head_object(Bucket="photos", Key="1.jpg")["ContentLength"] == 1
    assert clients.s3.get_object(Bucket="photos", Key="1.jpg")["Body"].read() == b"x"
