"""What to do about AWS's errors: a table from what AWS or Terraform writes to a sentence.

The patterns are AWS's own codes and sentences (EC2 API Reference, "Error codes";
IAM User Guide, "Troubleshoot access denied"; STS API Reference, "Common errors"),
as Terraform's provider passes them on. The first that fits holds.
"""

from __future__ import annotations

import re

TABLE = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"voc-cancel-cred",
            (
                "Your Learner Lab's session has ended or its budget is used up: start the lab again "
                "and copy what 'AWS Details' shows into ~/.aws/credentials."
            ),
        ),
        (
            (
                r"ExpiredToken|RequestExpired|token included in the request is expired|"
                r"Token has expired|credentials are still expired|SSO session .* (?:expired|invalid)"
            ),
            (
                "Your AWS credentials have expired: log in again, or start your Learner Lab again and "
                "copy what 'AWS Details' shows."
            ),
        ),
        (
            (
                r"InvalidClientTokenId|InvalidToken|AuthFailure|UnrecognizedClientException|"
                r"InvalidAccessKeyId|security token included in the request is invalid"
            ),
            (
                "AWS does not know these credentials: they were deleted, belong to a lab session that "
                "has ended, or lack their aws_session_token (a key that begins with ASIA needs one)."
            ),
        ),
        (
            r"SignatureDoesNotMatch",
            "The secret key does not fit the access key: copy both again.",
        ),
        (
            r"RequestTimeTooSkewed|Signature not yet current|InvalidSignatureException.*time",
            "The clock of this machine is wrong: set it, then try again.",
        ),
        (
            r"PendingVerification|not yet been verified|currently being validated",
            (
                "AWS is still verifying your account for this region, which takes up to four hours "
                "and mostly minutes: say `make up` again then."
            ),
        ),
        (
            r"OptInRequired|not subscribed to this service|account .* (?:suspended|blocked)",
            (
                "Your account may not use this service yet: finish its sign-up in the AWS console "
                "(a payment method, a support plan), then try again."
            ),
        ),
        (
            r"VcpuLimitExceeded|more vCPU capacity than your current vCPU limit",
            (
                "Your account's vCPU quota is used up: ask for more of 'Running On-Demand Standard "
                "instances' in the Service Quotas console, or stop other instances."
            ),
        ),
        (
            r"InstanceLimitExceeded",
            "Your account's number of instances is used up: stop others, or ask for more.",
        ),
        (
            r"InsufficientInstanceCapacity|InsufficientHostCapacity|Unsupported.*Availability Zone",
            (
                "AWS has no such instance left there now: try again later, or name another "
                "instance_type or region."
            ),
        ),
        (
            r"AddressLimitExceeded|maximum number of addresses",
            (
                "The region's Elastic IPs are used up (5 by default; two are needed): release some, or "
                "ask for more in the Service Quotas console."
            ),
        ),
        (
            r"VpcLimitExceeded|maximum number of VPCs",
            (
                "The region's VPCs are used up (5 by default): set existing_subnet_id to a public "
                "subnet of yours, or delete a VPC."
            ),
        ),
        (
            r"VolumeLimitExceeded|MaxIOPSLimitExceeded|TooManyBuckets",
            (
                "A quota of your account is used up: delete what you need no more, or ask for more in "
                "the Service Quotas console."
            ),
        ),
        (
            r"VPCIdNotSpecified|No default VPC|MissingInput.*default VPC",
            (
                "The account has no default VPC: leave existing_subnet_id out, and `make up` makes a "
                "VPC of its own."
            ),
        ),
        (
            (
                r"Client\.InternalError|Client error on launch|InvalidKmsKey|KMSKeyNotAccessible|"
                r"KMS key .* (?:disabled|pending deletion)"
            ),
            (
                "The hosts' disks are encrypted by default with a KMS key that you may not use: ask "
                "who manages the account for kms:CreateGrant and kms:Decrypt on the key of 'EBS "
                "encryption' (EC2 console, Data protection)."
            ),
        ),
        (
            r"GetBucketObjectLockConfiguration.*explicit deny",
            (
                "A Learner Lab does not let Terraform read a bucket that it makes: `make down`, make "
                "one yourself, copy your images there, and set existing_bucket "
                "(docs/learner-lab.md)."
            ),
        ),
        (
            r"not eligible for Free Tier",
            (
                "Your account's free plan has a few instance types only: leave instance_type at "
                "t3.micro, or end the free plan in the Billing console."
            ),
        ),
        (
            r"explicit deny in a service control policy|with an explicit deny.*organizations",
            (
                "Your organization's service control policy forbids it: it may demand tags, IMDSv2, a "
                "region or a permissions_boundary; ask who manages the organization."
            ),
        ),
        (
            r"InvalidKeyPair\.NotFound",
            (
                "The region has no key pair of that name: a Learner Lab has 'vockey' in us-east-1 "
                "alone. Leave region at us-east-1, or import your key there and set "
                "existing_key_pair."
            ),
        ),
        (
            r"Invalid IAM Instance Profile name|InvalidParameterValue.*iamInstanceProfile",
            (
                "There is no instance profile of that name: in a Learner Lab say LAB=1, else look up "
                "the name in the IAM console."
            ),
        ),
        (
            r"InvalidSubnet\.Conflict|InvalidVpc\.Range|CIDR .* conflicts|overlaps",
            (
                "The network clashes with one that is there: set vpc_cidr to another, such as "
                "10.74.0.0/16."
            ),
        ),
        (
            r"GuardDuty|DependencyViolation",
            (
                "Something that others made is in the network still, such as an endpoint of GuardDuty "
                "or SSM: delete it in the VPC console, then try again."
            ),
        ),
        (
            r"Error acquiring the state lock|state blob is already locked",
            (
                "Another command is at work on this state: wait for its end. If there is none, one "
                "was killed: `terraform force-unlock` with the ID above frees it."
            ),
        ),
        (
            (
                r"UnauthorizedOperation|AccessDenied|is not authorized to perform|no identity-based "
                r"policy allows"
            ),
            (
                "You may not do it: ask who manages the account for the action that is named; in a "
                "Learner Lab say LAB=1."
            ),
        ),
        (
            (
                r"no such host|connection refused|i/o timeout|Could not connect to the endpoint|"
                r"dial tcp|Connect timeout|network is unreachable"
            ),
            "AWS cannot be reached from here: look at the network, a proxy, and AWS_ENDPOINT_URL.",
        ),
        (
            r"Throttling|RequestLimitExceeded|SlowDown",
            "AWS asks to go slower: try again in a minute.",
        ),
    )
)


def advice(said: str) -> str:
    """Return what to do about it; empty if the table does not know."""
    return next((advice for pattern, advice in TABLE if pattern.search(said)), "")


def advised(said: str) -> str:
    """Return an error with what to do about it."""
    return f"{said.rstrip('.')}. {told}" if (told := advice(said)) else said
