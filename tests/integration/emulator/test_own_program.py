"""`serve --bucket --queue`, which `make emulator` is: what a program of one's own is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulator import ROOT, serve_refused
from tests.samples import picture


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with pictures at two depths, an answer, and what is no picture to be seen."""
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    (folder / "answers").mkdir()
    for name in ("1.JPG", "more/2 ü.png", ".hidden.jpg", "README.md"):
        (folder / name).write_bytes(picture())
    os.mkfifo(folder / "pipe.jpg")
    (folder / "broken.jpg").symlink_to("nowhere")
    (folder / "answers" / "1.JPG.json").write_text("{}")
    return folder


@pytest.mark.parametrize(("queue", "is_fifo"), [("jobs", False), ("jobs.fifo", True)])
def test_the_lines_that_are_printed_are_all_a_program_needs(
    images: Path, queue: str, is_fifo: bool
) -> None:
    """A shell takes them as they are: address, credentials, region, bucket and queue."""
    command = [sys.executable, "-m", "emulator", "serve", "--images", str(images)]
    command += ["--bucket", "images", "--queue", queue, "--until-stdin-closes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(8)]
        said = subprocess.run(
            ["/bin/sh", "-c", f"{''.join(lines[1:])}\nenv"],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        env = dict(line.split("=", 1) for line in said.splitlines())
        session: Any = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        where = {"endpoint_url": env["AWS_ENDPOINT_URL"], "region_name": env["AWS_REGION"]}
        s3, sqs = session.client("s3", **where), session.client("sqs", **where)
        listed = s3.list_objects_v2(Bucket=env["BUCKET"])["Contents"]
        assert [found["Key"] for found in listed] == ["1.JPG", "more/2 ü.png"]
        group = {"MessageGroupId": "g"} if is_fifo else {}
        sqs.send_message(QueueUrl=env["QUEUE_URL"], MessageBody="1.jpg", **group)
        assert sqs.receive_message(QueueUrl=env["QUEUE_URL"])["Messages"][0]["Body"] == "1.jpg"
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(10) == 0


def test_make_emulator_has_the_samples_and_ends_on_ctrl_c() -> None:
    """Without a word of the caller: the ten pictures in a bucket, no queue, and a quiet end."""
    environment = {name: value for name, value in os.environ.items() if "CARSCRIBE" not in name}
    with subprocess.Popen(
        [sys.executable, "-m", "emulator", "open"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(7)]
        env = dict(word.split("=", 1) for line in lines for word in line.split() if "=" in word)
        session: Any = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        s3 = session.client(
            "s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"]
        )
        assert len(s3.list_objects_v2(Bucket=env["BUCKET"])["Contents"]) == 10
        server.send_signal(signal.SIGINT)
        rest, said = server.communicate(timeout=10)
    assert "QUEUE_URL" not in rest
    assert "Traceback" not in said
    assert (ROOT / "build" / "emulator" / "secret.sh").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("queue", ["a b", "x" * 81, ".fifo"])
def test_a_queue_that_cannot_be_is_one_sentence(images: Path, queue: str) -> None:
    """It ends before anything is promised."""
    done = serve_refused("--images", str(images), "--bucket", "images", "--queue", queue)
    assert (done.returncode, done.stdout) == (64, "")
    assert "Cannot make the bucket or the queue" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_name_that_is_no_key_is_one_sentence(images: Path) -> None:
    """A key is UTF-8; file names of other systems are not."""
    Path(os.fsdecode(os.fsencode(images) + b"/b\xff.jpg")).write_bytes(picture())
    done = serve_refused("--images", str(images), "--bucket", "images")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == "The name of 'b\\udcff.jpg' is not UTF-8, as a key of a bucket is.\n"


def test_it_ends_on_ctrl_c_while_pictures_are_put_into_the_bucket(images: Path) -> None:
    """Thousands of them take long, and nobody waits for what is not wanted any more."""
    for number in range(5_000):
        (images / f"{number}.jpg").hardlink_to(images / "1.JPG")
    command = [sys.executable, "-m", "emulator", "serve", "--images", str(images)]
    with subprocess.Popen(
        [*command, "--bucket", "images", "--log", str(images / "log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        while "s3.PutObject" not in (log.read_text() if (log := images / "log").exists() else ""):
            assert server.poll() is None
            time.sleep(0.05)
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=5)
        assert (server.returncode, said) == (0, "")
