"""AWS's real sentences, and what a stranger is told to do."""

from __future__ import annotations

import pytest

from carscribe.advice import advice
from carscribe.state import errors

# As AWS writes them (EC2, STS and IAM API references), and as Terraform's provider passes them on.
CASES = {
    "User: arn:aws:sts::1:assumed-role/voclabs/u is not authorized to perform: ec2:RunInstances "
    "with an explicit deny in an identity-based policy: voc-cancel-cred": "start the lab again",
    "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security "
    "token included in the request is expired": "credentials have expired",
    "operation error STS: GetCallerIdentity, https response error StatusCode: 403, RequestID: 1, "
    "api error InvalidClientTokenId: The security token included in the request is invalid.": (
        "lack their aws_session_token"
    ),
    "An error occurred (InvalidToken) when calling the ListBuckets operation: The provided token "
    "is malformed or otherwise invalid.": "lack their aws_session_token",
    "api error PendingVerification: Your request for accessing resources in this region is being "
    "validated, and you will not be able to launch additional resources in this region until the "
    "validation is complete.": "still verifying",
    "api error VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU "
    "limit of 1 allows for the instance bucket that the specified instance type belongs to.": (
        "vCPU quota"
    ),
    "api error AddressLimitExceeded: The maximum number of addresses has been reached.": (
        "two are needed"
    ),
    "api error VpcLimitExceeded: The maximum number of VPCs has been reached.": "existing_subnet_id",
    "creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: 400, "
    "RequestID: 1, api error AuthFailure: Not authorized for images: [ami-0123456789abcdef0]": (
        "set ami_id to another"
    ),
    "api error InvalidAMIID.NotFound: The image id '[ami-0123456789abcdef0]' does not exist": (
        "set ami_id to another"
    ),
    "associating EC2 EIP (eipalloc-1): operation error EC2: AssociateAddress, https response error "
    "StatusCode: 400, RequestID: 1, api error Gateway.NotAttached: Network vpc-1 is not attached to "
    "any internet gateway": "name a public subnet",
    "creating IAM Role (carscribe-worker-a-1): operation error IAM: CreateRole, https response error "
    "StatusCode: 409, RequestID: 1, LimitExceeded: Cannot exceed quota for RolesPerAccount: 1000": (
        "A quota of your account is used up"
    ),
    "api error InsufficientInstanceCapacity: We currently do not have sufficient t3.micro capacity "
    "in the Availability Zone you requested (us-east-1a).": "another instance_type",
    "api error Unsupported: Your requested instance type (t3.micro) is not supported in your "
    "requested Availability Zone (us-east-1e).": "another instance_type",
    "waiting for EC2 Instance (i-1) create: unexpected state 'shutting-down', wanted target "
    "'running'. last error: Client.InternalError: Client error on launch": "kms:CreateGrant",
    "api error UnauthorizedOperation: You are not authorized to perform this operation. User: "
    "arn:aws:iam::1:user/me is not authorized to perform: ec2:RunInstances on resource: "
    "arn:aws:ec2:us-east-1:1:instance/* with an explicit deny in a service control policy": (
        "service control policy"
    ),
    "reading S3 Bucket (carscribe-images-1) object lock configuration: operation error S3: "
    "GetObjectLockConfiguration, https response error StatusCode: 403, RequestID: 1, HostID: 1, "
    "api error AccessDenied: User: arn:aws:sts::1:assumed-role/voclabs/u is not authorized to "
    "perform: s3:GetBucketObjectLockConfiguration on resource: "
    '"arn:aws:s3:::carscribe-images-1" with an explicit deny in a service control policy: '
    "arn:aws:organizations::1:policy/o-1/service_control_policy/p-1": "then `make up LAB=1`",
    "api error InvalidParameterCombination: The specified instance type is not eligible for Free "
    "Tier. For a list of Free Tier instance types, run 'describe-instance-types' with the filter "
    "'free-tier-eligible=true'.": "leave instance_type at t3.micro",
    "api error VPCIdNotSpecified: No default VPC for this user": "VPC of its own",
    "api error InvalidKeyPair.NotFound: The key pair 'vockey' does not exist": "us-east-1 alone",
    "api error DependencyViolation: The subnet 'subnet-1' has dependencies and cannot be deleted.": (
        "GuardDuty"
    ),
    "api error InvalidSubnet.Conflict: The CIDR '10.73.1.0/24' conflicts with another subnet": (
        "vpc_cidr"
    ),
    "Error acquiring the state lock: ConditionalCheckFailedException": "Another command is at work",
    "api error OptInRequired: You are not subscribed to this service. Please go to "
    "http://aws.amazon.com to subscribe.": "finish its sign-up",
    "api error RequestExpired: Request has expired.": "credentials have expired",
    "api error AuthFailure: AWS was not able to validate the provided access credentials": (
        "lack their aws_session_token"
    ),
    "api error UnauthorizedOperation: You are not authorized to perform this operation. User: "
    "arn:aws:iam::1:user/me is not authorized to perform: ec2:CreateVpc because no "
    "identity-based policy allows the ec2:CreateVpc action": "for the action that is named",
    "dial tcp: lookup ec2.us-east-1.amazonaws.com: no such host": "cannot be reached",
    "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation": (
        "secret key does not fit"
    ),
}

TERRAFORM = """
╷
│ Error: creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: 400, api error VcpuLimitExceeded: You have requested more
│
│   with aws_instance.worker["worker_a"],
│   on compute.tf line 61, in resource "aws_instance" "worker":
│   61: resource "aws_instance" "worker" {
│
╵
╷
│ Error: Resource precondition failed
│
│   on storage.tf line 53, in resource "aws_s3_bucket" "images":
│   53:       condition     = length(local.image_files) > 0
│     ├────────────────
│     │ local.image_files is empty list of string
│
│ images_dir is "x", which holds no .jpg file: name a folder of
│ images, or set existing_bucket.
╵
"""


@pytest.mark.parametrize("said", CASES)
def test_each_error_has_its_advice(said: str) -> None:
    """A stranger reads what to do, on one line."""
    assert CASES[said] in advice(said)
    assert "\n" not in advice(said)


def test_an_unknown_error_has_none() -> None:
    """Nothing is guessed."""
    assert advice("something else") == ""


def test_terraform_s_errors_are_lines() -> None:
    """Each error is one line without its place; a condition of ours is its own sentence alone."""
    assert errors(TERRAFORM) == [
        (
            "creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: "
            "400, api error VcpuLimitExceeded: You have requested more"
        ),
        (
            'images_dir is "x", which holds no .jpg file: name a folder of images, or set '
            "existing_bucket."
        ),
    ]
