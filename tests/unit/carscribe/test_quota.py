"""Which of the three things that are said of Rekognition's quota holds."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from carscribe import quota
from carscribe.quota import APPLIED, DEFAULT, DOCUMENTED, Quota

NAME = "Transactions per second per account for the Amazon Rekognition Image operation {}"
DENIED = "AccessDeniedException"


class Session:
    """A session with a Service Quotas that answers both lists, the defaults first.

    Args:
        answers: by operation, the value; or an error's code.
    """

    def __init__(self, *answers: dict[str, float] | str) -> None:
        self.client_made = boto3.client(
            "service-quotas",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        stub = Stubber(self.client_made)
        for (_, call), answer in zip(quota.LISTS, answers, strict=True):
            if isinstance(answer, str):
                stub.add_client_error(call, answer)
                continue
            listed = [{"QuotaName": NAME.format(name), "Value": n} for name, n in answer.items()]
            other = {"QuotaName": "Concurrent stream processors per second", "Value": 1.0}
            stub.add_response(call, {"Quotas": [*listed, other]}, {"ServiceCode": "rekognition"})
        stub.activate()

    def client(self, service: str, **_: Any) -> Any:
        """Return it."""
        assert service == "service-quotas"
        return self.client_made


@pytest.mark.parametrize(
    ("default", "applied", "wanted"),
    [
        (DENIED, DENIED, Quota(5, DOCUMENTED)),
        ({}, {}, Quota(5, DOCUMENTED)),
        ({"DetectLabels": 25, "DetectText": 25}, {}, Quota(25, DEFAULT)),
        ({"DetectLabels": 25, "DetectText": 25}, DENIED, Quota(25, DEFAULT)),
        (DENIED, {"DetectLabels": 200, "DetectText": 200}, Quota(200, APPLIED)),
        # A quota that was raised for one operation alone: the other one's holds.
        ({"DetectLabels": 25, "DetectText": 25}, {"DetectLabels": 200}, Quota(25, DEFAULT)),
        (
            {"DetectLabels": 25, "DetectText": 25},
            {"DetectLabels": 200, "DetectText": 100},
            Quota(100, APPLIED),
        ),
        (DENIED, {"DetectLabels": 5000, "DetectText": 5000}, Quota(1000, APPLIED)),
    ],
)
def test_the_account_s_own_quota_then_the_default_then_the_documented_one(
    default: dict[str, float] | str, applied: dict[str, float] | str, wanted: Quota
) -> None:
    """What may be read holds, for the operation of which it is less."""
    said = quota.read(Session(default, applied), "eu-central-1")  # type: ignore[arg-type]
    assert said == wanted


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        (NAME.format("DetectLabels"), True),
        ("Rekognition Image: DetectLabels, transactions per second", True),
        ("Transactions per second for individual operations: DetectFaces, DetectLabels", True),
        ("Transactions per second per account for stored video: StartLabelDetection", False),
        ("Transactions per second per account for DetectCustomLabels", False),
        ("Images per call of DetectLabels", False),
    ],
)
def test_a_quota_is_known_by_its_operation(name: str, is_it: bool) -> None:
    """The exact words are AWS's, and may be others than they were."""
    assert quota._is_of("DetectLabels", name) == is_it


@pytest.mark.parametrize(("region", "calls"), [("us-east-1", 50), ("eu-central-1", 5)])
def test_it_is_said_with_who_says_it(region: str, calls: int) -> None:
    """The doctor's words."""
    assert str(quota.documented(region)) == f"{calls} calls a second, as documented"
