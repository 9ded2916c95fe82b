"""Who may command the emulator: its owner, and nobody else on the machine or in a browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator import secret as secrets
from tests import signing
from tests.emulator import serve_refused, start
from tests.integration.emulator.cloud import allow, assume, make_role
from tests.samples import BUCKET

if TYPE_CHECKING:
    from tests.emulator import Emulator

AS_ANOTHER = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
NOBODY = 65534
SERVICES = ("s3", "sqs", "rekognition", "sts", "iam", "ec2", "ssm")


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Send a request; return status, body and headers whatever they are."""
    to = urlsplit(url)
    connection = http.client.HTTPConnection(str(to.hostname), to.port, timeout=10)
    connection.request(method, url.removeprefix(f"http://{to.netloc}"), body, headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.headers)
    connection.close()
    return found


def refused(call: Any, **request: Any) -> Any:
    """Make a call that is refused; return the error."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "example.org"},
        {"Host": "localhost:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.2:{port}"},
    ],
)
@pytest.mark.parametrize("path", ["", "_carscribe/counts", "moto-api/reset", "latest/api/token"])
def test_browsers_and_other_names_are_refused_first_of_all(
    emulator: Emulator, headers: dict[str, str], path: str
) -> None:
    """Even with the token: a page, or a name that leads here, could have got hold of a client."""
    given = {name: value.format(port=emulator.port) for name, value in headers.items()}
    for method in ("GET", "POST", "OPTIONS"):
        status, _, sent = fetch(f"{emulator.url}/{path}", method, None, {**given, **emulator.token})
        assert status == 403
        assert not [name for name in sent if name.lower().startswith("access-control-")]
    assert emulator.counts() == {}


@pytest.mark.parametrize(
    ("service", "call", "request_"),
    [
        ("sqs", "list_queues", {}),
        ("s3", "list_buckets", {}),
        ("rekognition", "detect_text", {"Image": {"Bytes": b"x"}}),
    ],
)
def test_who_says_localhost_is_told_what_to_say(
    emulator: Emulator, service: str, call: str, request_: dict[str, Any]
) -> None:
    """In the service's own form: of any other an SDK shows "403", or that it is no JSON."""
    make: Any = boto3.client
    client = make(
        service,
        endpoint_url=f"http://localhost:{emulator.port}",
        region_name="us-east-1",
        aws_access_key_id="carscribe",
        aws_secret_access_key=emulator.secret.access_key,
    )
    error = refused(getattr(client, call), **request_)
    assert error["Code"] == "AccessDenied"
    assert emulator.url in error["Message"]


@pytest.mark.usefixtures("image")
def test_no_cross_origin_header_is_ever_sent(emulator: Emulator) -> None:
    """Neither by default nor because a bucket allows other origins."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3 = emulator.client("s3")
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    for answer in (s3.get_object(Bucket=BUCKET, Key="1.jpg"), s3.list_buckets()):
        sent = answer["ResponseMetadata"]["HTTPHeaders"]
        assert not [name for name in sent if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("service", "call", "request_", "code"),
    [
        ("sqs", "list_queues", {}, "InvalidClientTokenId"),
        ("sts", "get_caller_identity", {}, "InvalidClientTokenId"),
        ("iam", "list_users", {}, "InvalidClientTokenId"),
        ("s3", "list_buckets", {}, "InvalidAccessKeyId"),
        ("ec2", "describe_instances", {}, "AuthFailure"),
        ("ssm", "get_parameters", {"Names": ["x"]}, "UnrecognizedClientException"),
        ("rekognition", "detect_text", {"Image": {"Bytes": b"x"}}, "UnrecognizedClientException"),
    ],
)
def test_a_stranger_is_told_where_the_credentials_are(
    emulator: Emulator, service: str, call: str, request_: dict[str, Any], code: str
) -> None:
    """`test` and `test`, as with other emulators, is refused with the line to paste, not the key."""
    client = emulator.client(service, key="test", secret="test")
    error = refused(getattr(client, call), **request_)
    assert error["Code"] == code
    file = emulator.log.with_name("secret.sh")
    assert f"Paste this: . {file}" in error["Message"]
    assert emulator.secret.access_key not in error["Message"]
    assert emulator.secret.token not in error["Message"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_right_key_with_a_wrong_secret_is_refused(emulator: Emulator, service: str) -> None:
    """The root's key id is no secret, so it opens nothing."""
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "s3": ("list_buckets", {}),
        "sqs": ("list_queues", {}),
        "rekognition": ("detect_text", {"Image": {"Bytes": b"x"}}),
        "sts": ("get_caller_identity", {}),
        "iam": ("list_users", {}),
        "ec2": ("describe_instances", {}),
        "ssm": ("get_parameters", {"Names": ["x"]}),
    }
    name, request = calls[service]
    error = refused(getattr(emulator.client(service, secret="carscribe"), name), **request)
    assert error["Code"] in {"SignatureDoesNotMatch", "InvalidSignatureException"}


@pytest.mark.usefixtures("image")
def test_a_roles_credentials_are_checked_against_the_secret_that_was_given_out(
    emulator: Emulator,
) -> None:
    """Key, secret and token of a session belong together, with no policy enforced."""
    who = assume(emulator, make_role(emulator, "worker-a", allow(("*", "*"))))
    assert emulator.client("s3", **who).list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1
    for part, code in (
        ("key", "InvalidAccessKeyId"),
        ("secret", "SignatureDoesNotMatch"),
        ("token", "InvalidAccessKeyId"),
    ):
        client = emulator.client("s3", **{**who, part: "wrong"})
        assert refused(client.list_objects_v2, Bucket=BUCKET)["Code"] == code


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_are_checked(emulator: Emulator, version: str) -> None:
    """Of both signature versions: boto3 makes the old one unless it is told otherwise."""
    s3 = emulator.client("s3", config=Config(signature_version=version))
    asked = {"Bucket": BUCKET, "Key": "1.jpg"}
    url = s3.generate_presigned_url("get_object", Params=asked)
    status, body, _ = fetch(url)
    plain = emulator.client("s3")
    assert (status, body) == (200, plain.get_object(**asked)["Body"].read())
    assert fetch(url, "DELETE")[0] == 403
    assert fetch(url.replace("1.jpg", "2.jpg"))[0] == 403
    assert fetch(re.sub("Signature=.", "Signature=_", url))[0] == 403
    assert fetch(url.partition("?")[0])[0] == 403
    expired = s3.generate_presigned_url("get_object", Params=asked, ExpiresIn=-1)
    status, body, _ = fetch(expired)
    assert status == 403
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in body
    put = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "ü /+.jpg"})
    assert fetch(put, "PUT", b"data")[0] == 200
    assert plain.get_object(Bucket=BUCKET, Key="ü /+.jpg")["Body"].read() == b"data"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_opens_no_other_service(emulator: Emulator, version: str) -> None:
    """A header that names an operation of the queue does not make a URL of S3 one of SQS."""
    s3, sqs = (
        emulator.client("s3", config=Config(signature_version=version)),
        emulator.client("sqs"),
    )
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    url = s3.generate_presigned_url("list_buckets")
    assert fetch(url)[0] == 200
    headers = {"X-Amz-Target": "AmazonSQS.DeleteQueue"}
    body = json.dumps({"QueueUrl": queue}).encode()
    assert fetch(url, "GET", body, headers)[0] == 403
    assert fetch(url, headers={"x-amz-acl": "public-read"})[0] == 403
    assert sqs.list_queues()["QueueUrls"] == [queue]


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_is_its_signers_under_policies(emulator: Emulator, version: str) -> None:
    """Who may not read an object cannot sign a URL that may; a role's URL carries its token."""
    may = assume(emulator, make_role(emulator, "may", allow(("s3:GetObject", "*"))))
    may_not = assume(emulator, make_role(emulator, "may-not", allow(("s3:ListBucket", "*"))))
    emulator.enforce_iam()
    asked = {"Bucket": BUCKET, "Key": "1.jpg"}
    for who, status in ((may, 200), (may_not, 403), ({}, 200)):
        client = emulator.client("s3", config=Config(signature_version=version), **who)
        assert fetch(client.generate_presigned_url("get_object", Params=asked))[0] == status


@pytest.mark.usefixtures("image")
def test_a_body_other_than_the_signed_one_is_refused(emulator: Emulator) -> None:
    """Who listens in cannot put other bytes under a signature."""
    url = f"{emulator.url}/{BUCKET}/2.jpg"
    signed = signing.headers(emulator.secret, "PUT", url, b"data")
    assert fetch(url, "PUT", b"evil", signed)[0] == 400
    assert fetch(url, "PUT", b"data", signed)[0] == 200
    url = f"{emulator.url}/"
    target = {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": "application/x-amz-json-1.0"}
    signed = signing.headers(emulator.secret, "POST", url, b"{}", "sqs", target)
    assert fetch(url, "POST", b'{"MaxResults":1}', signed)[0] == 403
    assert fetch(url, "POST", b"{}", signed)[0] == 200


@pytest.mark.usefixtures("image")
def test_an_upload_in_signed_chunks_is_checked_by_its_header(emulator: Emulator) -> None:
    """`STREAMING-*` stands in place of the body's hash, as the Java SDK sends it over HTTP."""
    url = f"{emulator.url}/{BUCKET}/2.jpg"
    mark = b";chunk-signature=" + b"0" * 64
    body = b"4%b\r\ndata\r\n0%b\r\n\r\n" % (mark, mark)
    given = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "4",
        "Content-Encoding": "aws-chunked",
    }

    class Chunked(botocore.auth.S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return str(request.headers["x-amz-content-sha256"])

        def _modify_request_before_signing(self, request: Any) -> None:
            request.headers["X-Amz-Date"] = request.context["timestamp"]

    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 # of this test alone
    from botocore.credentials import Credentials  # noqa: PLC0415 # of this test alone

    for secret, status in ((emulator.secret.access_key, 200), ("wrong", 403)):
        request = AWSRequest("PUT", url, data=body, headers=given)
        Chunked(Credentials("carscribe", secret), "s3", "us-east-1").add_auth(request)
        assert fetch(url, "PUT", body, dict(request.headers.items()))[0] == status
    assert emulator.client("s3").get_object(Bucket=BUCKET, Key="2.jpg")["Body"].read() == b"data"


@pytest.mark.parametrize(("minutes", "status"), [(-14, 200), (-16, 403), (14, 200), (16, 403)])
def test_a_signature_holds_for_a_quarter_of_an_hour(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, minutes: int, status: int
) -> None:
    """One that was taken down cannot be used for ever."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: at)
    url = f"{emulator.url}/"
    assert fetch(url, headers=signing.headers(emulator.secret, "GET", url))[0] == status


def test_the_secret_is_its_owners_alone_and_stays_over_a_restart(tmp_path: Path) -> None:
    """It is kept in a file that nobody else can read, and never stands in an argument."""
    file = tmp_path / "secret.sh"
    with start(tmp_path) as first:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        told = (
            Path(f"/proc/{first.pid}/cmdline").read_text(encoding="utf-8") + first.log.read_text()
        )
        for known in (first.secret.access_key, first.secret.token):
            assert len(known) >= 40
            assert known not in told
    with start(tmp_path) as second:
        assert second.secret == first.secret
        assert second.client("s3").list_buckets()["Buckets"] == []
    file.unlink()
    with start(tmp_path) as third:
        assert third.secret != first.secret


@pytest.mark.parametrize(
    ("mode", "text", "said"),
    [
        (0o644, "", "can be read by others: remove it, and a new secret is made."),
        (0o640, secrets.Secret().as_shell(), "can be read by others"),
        (0o600, "", "holds no secret: remove it, and a new one is made."),
        (0o600, "export AWS_SECRET_ACCESS_KEY=x\n", "holds no secret"),
    ],
)
def test_a_secret_that_is_none_is_one_clear_sentence(
    tmp_path: Path, mode: int, text: str, said: str
) -> None:
    """A start with it would be a start without a door."""
    file = tmp_path / "secret.sh"
    file.write_text(text)
    file.chmod(mode)
    done = serve_refused("--secret-file", str(file))
    assert (done.returncode, done.stdout) == (64, "")
    assert f"{file} {said}" in done.stderr


AS_A_STRANGER = """
import json, socket, sys, urllib.request
url, elastic, secret = sys.argv[1:]
def ask(path, method="GET", source="127.0.0.1", **headers):
    import http.client
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10, source_address=(source, 0))
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return connection.getresponse().status
key = "AWS4-HMAC-SHA256 Credential=carscribe/20260101/us-east-1/{}/aws4_request, "
key += "SignedHeaders=host, Signature=0"
target = {"X_Amz_Target": "AmazonSQS.ListQueues"}
said = {
    "control": ask("/_carscribe/counts"),
    "faults": ask("/_carscribe/faults", "POST"),
    "reset": ask("/moto-api/reset", "POST"),
    "bucket": ask("/"),
    "hosts": ask("/?Action=RunInstances", Authorization=key.format("ec2")),
    "keys": ask("/?Action=ImportKeyPair", Authorization=key.format("ec2")),
    "queue": ask("/", "POST", Authorization=key.format("sqs"), **target),
    "metadata": ask("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60"),
    "elastic": ask("/latest/api/token", "PUT", elastic, X_aws_ec2_metadata_token_ttl_seconds="60"),
}
try:
    open(secret).close()
    said["secret"] = "read"
except PermissionError:
    said["secret"] = "refused"
print(json.dumps(said))
"""


@AS_ANOTHER
def test_another_account_of_the_machine_gets_nothing(emulator: Emulator) -> None:
    """Not the control endpoints, the bucket, hosts, the queue, a role's credentials or the secret."""
    ec2 = emulator.client("ec2")
    elastic = ec2.allocate_address(Domain="vpc")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=made["InstanceId"])
    file = emulator.log.with_name("secret.sh")
    for folder in file.parents:  # what keeps others out is the file's own mode
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", AS_A_STRANGER, emulator.url, elastic["PublicIp"], file],
        cwd="/",
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={"PATH": os.defpath + ":/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "control": 401,
        "faults": 401,
        "reset": 401,
        "bucket": 403,
        "hosts": 403,
        "keys": 403,
        "queue": 403,
        "metadata": 404,
        "elastic": 404,
        "secret": "refused",
    }
    assert len(ec2.describe_instances()["Reservations"]) == 1
