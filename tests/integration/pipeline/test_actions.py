"""The actions of AWS: what is documented, what is allowed, and what is really called."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import carscribe_worker_a
import carscribe_worker_b
from carscribe_common.errors import Exit
from tests.pipeline import ROOT, Pipeline, car_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKERS = {"a": carscribe_worker_a, "b": carscribe_worker_b}
ACTION = re.compile(r"\b(?:s3|sqs|rekognition):[A-Z][A-Za-z]+\b")

PREFIX = "carscribe-results/"

ACTIONS_OF_OPERATIONS = {
    "rekognition.DetectLabels": "rekognition:DetectLabels",
    "rekognition.DetectText": "rekognition:DetectText",
    "s3.AbortMultipartUpload": "s3:AbortMultipartUpload",
    "s3.CreateMultipartUpload": "s3:PutObject",
    "s3.GetObject": "s3:GetObject",
    "s3.HeadObject": "s3:GetObject",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.PutObject": "s3:PutObject",
    "sqs.ChangeMessageVisibility": "sqs:ChangeMessageVisibility",
    "sqs.ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs.DeleteMessage": "sqs:DeleteMessage",
    "sqs.DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs.ReceiveMessage": "sqs:ReceiveMessage",
    "sqs.SendMessage": "sqs:SendMessage",
    "sqs.SendMessageBatch": "sqs:SendMessage",
}
"""Service authorization reference: the batches ask for the permission of the single calls."""


@pytest.fixture(autouse=True)
def results_prefix(pipeline: Pipeline) -> None:
    """Ask for results in the bucket, for without that two of the actions are not called."""
    pipeline.settings["RESULTS_PREFIX"] = PREFIX


def documented(name: str) -> set[str]:
    """Return the actions that a worker's docstring names."""
    return set(ACTION.findall(WORKERS[name].__doc__ or ""))


def allowed(name: str) -> set[str]:
    """Return the actions that Terraform allows a worker's role."""
    text = (ROOT / "terraform" / "identity.tf").read_text()
    shared, _, own = text.partition("own_statements = {")
    of_a, _, rest = own.partition("    b = {")
    of_b, _, _ = rest.partition("worker_policies = {")
    return set(ACTION.findall(shared)) | set(ACTION.findall({"a": of_a, "b": of_b}[name]))


def policy(pipeline: Pipeline, actions: Iterable[str]) -> str:
    """Return a policy as Terraform writes it: each action on the one resource it needs."""
    resources = {
        "s3:ListBucket": f"arn:aws:s3:::{pipeline.bucket}",
        "s3:GetObject": f"arn:aws:s3:::{pipeline.bucket}/*",
        "s3": f"arn:aws:s3:::{pipeline.bucket}/{PREFIX}*",
        "rekognition": "*",
        "sqs": f"arn:aws:sqs:us-east-1:123456789012:{pipeline.bucket}",
    }
    statements = [
        {
            "Effect": "Allow",
            "Action": action,
            "Resource": resources.get(action) or resources[action.partition(":")[0]],
        }
        for action in sorted(actions)
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def become(pipeline: Pipeline, name: str, actions: Iterable[str]) -> dict[str, str]:
    """Return the keys of a user who may do these actions and nothing else."""
    iam = pipeline.emulator.client("iam")
    user = f"worker-{name}"
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(pipeline, actions))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


@pytest.mark.parametrize("name", WORKERS)
def test_docstring_and_policy_name_the_same_actions(name: str) -> None:
    """What a worker says that it calls is what Terraform allows it, no more and no less."""
    assert documented(name)
    assert documented(name) == allowed(name)


def test_every_action_is_called_and_no_other(pipeline: Pipeline) -> None:
    """With policies enforced both workers do a run, and call each of their actions."""
    for number in range(12):
        pipeline.add(f"{number}.jpg", car_answer(99.0, f"GO {number}"))
    emulator = pipeline.emulator
    keys = {name: become(pipeline, name, documented(name)) for name in WORKERS}
    root = dict(emulator.env)
    emulator.enforce_iam()
    # Slow enough that a held message has to be extended.
    emulator.faults({"operations": {"rekognition.DetectText": {"latency_seconds": 2}}})
    try:
        for name in WORKERS:
            emulator.call("POST", "_carscribe/reset")
            emulator.env.update(keys[name])
            assert pipeline.run(name, "--check").process.returncode == 0
            worker = pipeline.run(name)
            assert worker.process.returncode == 0, worker.log
            called = {ACTIONS_OF_OPERATIONS[operation] for operation in emulator.counts()}
            assert called == documented(name)
    finally:
        emulator.env.update(root)
        emulator.enforce_iam(enforced=False)


@pytest.mark.parametrize(
    ("name", "action"), [(name, action) for name in WORKERS for action in sorted(documented(name))]
)
def test_check_notices_each_missing_action(pipeline: Pipeline, name: str, action: str) -> None:
    """Without any one of its actions the check of a worker fails with 77, and names it."""
    emulator = pipeline.emulator
    root = dict(emulator.env)
    keys = become(pipeline, name, documented(name) - {action})
    emulator.enforce_iam()
    emulator.env.update(keys)
    try:
        worker = pipeline.run(name, "--check")
    finally:
        emulator.env.update(root)
        emulator.enforce_iam(enforced=False)
    assert worker.process.returncode == Exit.DENIED, worker.log
    assert f"Cannot {action}" in worker.log
