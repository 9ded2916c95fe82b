"""Rekognition and SQS by the AWS CLI: the same filters and errors as by boto3."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.conftest import installed
from tests.emulator import ROOT
from tests.samples import (
    BAD_IMAGES,
    BUCKET,
    LABEL_REQUESTS,
    TEXT_REQUESTS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator import Emulator

CLI = ROOT / ".venv-awscli" / "bin"
SESSION = Path(__file__).with_name("awscli_session.py")
FIRST = json.dumps({"S3Object": {"Bucket": BUCKET, "Name": "1.jpg"}})
EXIT_SERVICE_ERROR = 255  # of version 1 of the CLI


@pytest.fixture
def aws(emulator: Emulator) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run commands of the AWS CLI, in one process for a test."""
    environment = {**emulator.env, "PATH": os.environ["PATH"], "AWS_MAX_ATTEMPTS": "1"}
    with subprocess.Popen(
        [installed(CLI / "python"), str(SESSION)],
        env={**environment, "AWS_PAGER": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        asked, answered = session.stdin, session.stdout

        def run(*arguments: str) -> tuple[int, str, str]:
            asked.write(json.dumps(arguments) + "\n")
            asked.flush()
            code, out, err = json.loads(answered.readline())
            return code, out, err

        yield run
        asked.close()


def options(request: dict[str, Any]) -> list[str]:
    """Write a request as options of the command line."""
    names = {
        "MinConfidence": "--min-confidence",
        "MaxLabels": "--max-labels",
        "Features": "--features",
        "Settings": "--settings",
        "Filters": "--filters",
    }
    found = []
    for name, value in request.items():
        found.append(names[name])
        if name == "Features":
            found += value
        else:
            found.append(json.dumps(value))
    return found


@pytest.mark.usefixtures("image")
def test_every_filter_of_detect_labels(aws: Callable[..., tuple[int, str, str]]) -> None:
    """The CLI prints the labels that each filter lets through."""
    for name, (request, expected) in LABEL_REQUESTS.items():
        code, out, err = aws("rekognition", "detect-labels", "--image", FIRST, *options(request))
        assert (code, err) == (0, ""), name
        assert [found["Name"] for found in json.loads(out)["Labels"]] == expected, name


@pytest.mark.usefixtures("image")
def test_every_filter_of_detect_text(aws: Callable[..., tuple[int, str, str]]) -> None:
    """The CLI prints the lines and words that each filter lets through."""
    for name, (request, expected) in TEXT_REQUESTS.items():
        code, out, err = aws("rekognition", "detect-text", "--image", FIRST, *options(request))
        assert (code, err) == (0, ""), name
        assert [found["Id"] for found in json.loads(out)["TextDetections"]] == expected, name


@pytest.mark.usefixtures("image")
def test_every_error_of_an_image(
    emulator: Emulator, aws: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The CLI names the error of each bad image, by reference and as bytes."""
    for name, (data, error) in BAD_IMAGES.items():
        path = tmp_path / "bad.jpg"
        path.write_bytes(data)
        emulator.client("s3").put_object(Bucket=BUCKET, Key="bad.jpg", Body=data)
        bad = json.dumps({"S3Object": {"Bucket": BUCKET, "Name": "bad.jpg"}})
        for image in (["--image", bad], ["--image-bytes", f"fileb://{path}"]):
            code, _, err = aws("rekognition", "detect-labels", *image)
            assert code == EXIT_SERVICE_ERROR, name
            assert f"({error})" in err, name


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--image", FIRST.replace("1.jpg", "2.jpg")], "InvalidS3ObjectException"),
        (["--image", FIRST.replace(BUCKET, "nowhere")], "InvalidS3ObjectException"),
        (["--image", FIRST, "--region", "eu-west-1"], "InvalidS3ObjectException"),
        (["--image", FIRST, "--min-confidence", "101"], "InvalidParameterException"),
        (["--image", FIRST, "--features", "FACES"], "InvalidParameterException"),
        (["--image", FIRST, "--no-sign-request"], "MissingAuthenticationTokenException"),
    ],
)
@pytest.mark.usefixtures("image")
def test_every_error_of_a_request(
    aws: Callable[..., tuple[int, str, str]], arguments: list[str], error: str
) -> None:
    """The CLI names the error of each bad request."""
    code, _, err = aws("rekognition", "detect-labels", *arguments)
    assert code == EXIT_SERVICE_ERROR
    assert f"({error})" in err


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        (
            {"throttle_share": 1},
            {"ProvisionedThroughputExceededException", "ThrottlingException"},
        ),
        ({"error_share": 1}, {"InternalServerError"}),
    ],
)
@pytest.mark.usefixtures("image")
def test_every_fault(
    emulator: Emulator,
    aws: Callable[..., tuple[int, str, str]],
    fault: dict[str, float],
    errors: set[str],
) -> None:
    """The CLI names the errors of throttling and of the service's own fault."""
    emulator.faults({"operations": {"rekognition.*": fault}})
    seen = set()
    for _ in range(2):
        code, _, err = aws("rekognition", "detect-labels", "--image", FIRST)
        assert code == EXIT_SERVICE_ERROR
        seen |= {error for error in errors if f"({error})" in err}
    assert seen == errors


def test_a_refused_character(emulator: Emulator, aws: Callable[..., tuple[int, str, str]]) -> None:
    """The CLI names the error of a message that SQS does not carry."""
    queue = emulator.client("sqs").create_queue(QueueName="indexes")["QueueUrl"]
    send = ["sqs", "send-message", "--queue-url", queue, "--message-body", "a\x1bb"]
    # For SQS version 1 of the CLI heeds its option alone, not the environment.
    code, _, err = aws(*send, "--endpoint-url", emulator.url)
    assert code == EXIT_SERVICE_ERROR
    assert "(InvalidMessageContents)" in err


@pytest.mark.usefixtures("image")
def test_the_command_itself_works(emulator: Emulator, run: Callable[..., str]) -> None:
    """The installed `aws` reads its address from the environment and prints the labels."""
    words = ("rekognition", "detect-labels", "--image", FIRST, "--max-labels", "1")
    said = run(installed(CLI / "python"), installed(CLI / "aws"), *words, env=emulator.env)
    assert json.loads(said)["Labels"][0]["Name"] == "Car"


def test_files_are_synchronised(
    emulator: Emulator, run: Callable[..., str], tmp_path: Path
) -> None:
    """`aws s3 sync` there and back again; the large one goes in parts."""
    emulator.client("s3").create_bucket(Bucket=BUCKET)
    there, back = tmp_path / "there", tmp_path / "back"
    (there / "more").mkdir(parents=True)
    (there / "1.jpg").write_bytes(os.urandom(9 * 1024 * 1024))
    (there / "more" / "2 ü+.jpg").write_bytes(b"two")
    aws = (installed(CLI / "python"), installed(CLI / "aws"), "s3", "sync", "--quiet")
    run(*aws, there, f"s3://{BUCKET}/in", env=emulator.env)
    run(*aws, f"s3://{BUCKET}/in", back, env=emulator.env)
    for name in ("1.jpg", "more/2 ü+.jpg"):
        assert (back / name).read_bytes() == (there / name).read_bytes()
