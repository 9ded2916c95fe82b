"""An emulator of AWS in a process of its own, and what a test asks of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from emulator.secret import ROOT_ACCESS_KEY_ID, Secret
from tests import signing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 30
REGION = "us-east-1"
ROOT_KEY = ROOT_ACCESS_KEY_ID
"""Who signs with this key is the account's root, also while policies are enforced."""


class Emulator:
    """One running emulator."""

    def __init__(  # noqa: PLR0917 # all of it is needed
        self, url: str, port: int, pid: int, images: Path, log: Path, secret: Secret
    ) -> None:
        self.url, self.port, self.pid, self.images, self.log = url, port, pid, images, log
        self.secret = secret
        self.token = {"Authorization": f"Bearer {secret.token}"}
        self.env = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": secret.access_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(
        self,
        service: str,
        *,
        key: str = ROOT_KEY,
        secret: str | None = None,
        token: str | None = None,
        region: str = REGION,
        config: Config | None = None,
    ) -> Any:
        """Make a boto3 client that asks once and not again."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret or self.secret.access_key,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}).merge(config or Config()),
        )

    def call(self, method: str, path: str, value: Any = None) -> Any:
        """Make an admin call."""
        request = urllib.request.Request(  # noqa: S310 # loopback
            f"{self.url}/{path}",
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers=self.token,
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 # loopback
            return json.loads(response.read() or b"{}")

    def raw_request(self, method: str, path: str) -> bytes:
        """Write a signed request without a body, as it goes over the wire."""
        signed = signing.headers(self.secret, method, f"{self.url}{path}")
        head = {"Host": f"127.0.0.1:{self.port}", **signed}
        lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in head.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def counts(self) -> dict[str, dict[str, int]]:
        """Read the running counts, by operation."""
        return dict(self.call("GET", "_carscribe/counts"))

    def faults(self, setting: dict[str, Any]) -> None:
        """Switch faults on, in place of those that were."""
        self.call("POST", "_carscribe/faults", setting)

    def enforce_iam(self, *, enforced: bool = True) -> None:
        """Evaluate policies from now on, or no longer."""
        self.call("POST", "_carscribe/iam", {"enforced": enforced})

    def reset(self) -> None:
        """Forget everything but the answers."""
        self.faults({})
        self.enforce_iam(enforced=False)
        self.call(
            "POST",
            "_carscribe/metadata",
            {"credentials_lifetime_seconds": 21_600, "addresses": {}},
        )
        self.call("POST", "moto-api/reset")
        self.call("POST", "_carscribe/reset")

    def teach(self, image: bytes, answer: dict[str, Any]) -> bytes:
        """Let the emulator know the answer for an image; return the image."""
        name = f"{hashlib.sha256(image).hexdigest()}.img"
        (self.images / "answers").mkdir(parents=True, exist_ok=True)
        (self.images / name).write_bytes(image)
        (self.images / "answers" / f"{name}.json").write_text(json.dumps(answer))
        self.call("POST", "_carscribe/answers")
        return image


def serve_refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Say `serve` with what it does not take; return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "emulator", "serve", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def start(folder: Path, *arguments: str, images: Path | None = None) -> Iterator[Emulator]:
    """Start an emulator, wait until it answers, and stop it in the end."""
    images = images or folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    ready, log, secret = folder / "ready.json", folder / "log.txt", folder / "secret.sh"
    command = [sys.executable, "-m", "emulator", "serve", "--images", str(images)]
    command += ["--ready-file", str(ready), "--log", str(log), "--until-stdin-closes", *arguments]
    command += ["--secret-file", str(secret)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            end = time.monotonic() + READY_SECONDS
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the emulator did not start: {log.read_text()}")
                time.sleep(0.02)
            state = json.loads(ready.read_text())
            yield Emulator(
                state["url"], state["port"], state["pid"], images, log, Secret.read(secret)
            )
        finally:
            process.terminate()
            process.wait(10)
