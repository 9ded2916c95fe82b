"""``make record``: ask the real Rekognition once for each image and keep its answers.

    python -m carscribe.record DIR [--yes]

For ``DIR/2.jpg`` the answers go to ``DIR/answers/2.jpg.json``, exactly as the
API returned them, where the emulator looks for them. So everything afterwards
can be rehearsed for free with the true answers. An image whose answers are
there is never asked about again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from carscribe.credentials import check_credentials
from carscribe.deployment import DeploymentError
from carscribe.folder import ANSWERS_FOLDER, Picture, PicturesError, find, unrecorded
from carscribe.steps import agrees
from carscribe_common import prices
from carscribe_common.errors import Exit, ImageError, TransientError, WorkerExit, classify
from carscribe_common.files import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_rekognition import RekognitionClient

CALLS_AN_IMAGE = 2  # DetectLabels and DetectText
BYTES_MAX = 5 * 1024 * 1024
"""Rekognition API reference, Image: Bytes."""

NO_INPUT = 66
"""EX_NOINPUT of sysexits.h."""


def ask_about(folder: Path, pictures: Sequence[Picture]) -> list[tuple[Path, Path]]:
    """Return the images that have no answers yet, each with where they go."""
    return [
        (picture.path, folder / ANSWERS_FOLDER / f"{picture.key}.json")
        for picture in unrecorded(folder, pictures)
    ]


def ask(client: RekognitionClient, image: bytes) -> dict[str, Any]:
    """Return both answers of Rekognition about an image.

    Raises:
        ClientError, BotoCoreError: as boto3 does.
    """
    answers: dict[str, Any] = {
        "DetectLabels": client.detect_labels(Image={"Bytes": image}),
        "DetectText": client.detect_text(Image={"Bytes": image}),
    }
    for answer in answers.values():
        del answer["ResponseMetadata"]  # boto3's, not the API's
    return answers


def record(
    client: RekognitionClient, images: Sequence[tuple[Path, Path]], say: Callable[[str], None]
) -> int:
    """Ask about each image and keep the answers; return how many could not be recorded.

    Raises:
        WorkerExit: credentials or permissions; what was recorded before stays.
    """
    failed = 0
    for number, (image, target) in enumerate(images, start=1):
        try:
            data = image.read_bytes()
            if len(data) > BYTES_MAX:
                raise ImageError("too-large", "larger than 5 MB; make it smaller")
            answers = ask(client, data)
        except ImageError as own:
            failed += 1
            say(f"{number} of {len(images)}: {image}: not recorded, {own.detail}")
            continue
        except (ClientError, BotoCoreError) as error:
            verdict = classify(error, f"ask Rekognition about {image}")
            if isinstance(verdict, ImageError | TransientError):
                failed += 1
                say(f"{number} of {len(images)}: {image}: not recorded, {verdict}")
                continue
            raise verdict from error
        target.parent.mkdir(parents=True, exist_ok=True)
        write_json(target, answers)
        labels = ", ".join(label["Name"] for label in answers["DetectLabels"]["Labels"][:3])
        say(f"{number} of {len(images)}: {image}: {labels or 'no label'}")
    return failed


def build_client() -> RekognitionClient:
    """Build the client with the ordinary provider chain, in us-east-1 where no region is set.

    Raises:
        CredentialsError: there are no credentials, or AWS does not take them.
    """
    check_credentials()
    session = boto3.session.Session()
    return session.client(
        "rekognition",
        region_name=session.region_name or prices.REGION,
        config=Config(retries={"mode": "standard", "total_max_attempts": 5}),
    )


def main(arguments: list[str] | None = None) -> int:
    """Say the cost, ask for consent, record."""
    parser = argparse.ArgumentParser(prog="record", description="Keep Rekognition's own answers.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--yes", action="store_true", help="do not ask before it costs")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    try:
        found = find(folder)
    except PicturesError as problem:
        print(f"{problem} Say make record IMAGES=DIR.", file=sys.stderr)
        return NO_INPUT
    if str(found):
        print(found)
    images = ask_about(folder, found.pictures)
    if not images:
        print(f"All images in {folder} have their answers; nothing to ask, nothing to pay.")
        return Exit.OK
    cost = prices.rekognition_usd(len(images) * CALLS_AN_IMAGE)
    said = (
        f"{len(images)} images without answers, {len(images) * CALLS_AN_IMAGE} calls of "
        f"Rekognition: about ${cost:.3f}."
    )
    try:
        if options.yes:
            print(said, flush=True)
        elif not agrees(said, f"{said} Say YES=1 to go on; nothing was asked."):
            print("Nothing was asked.")
            return Exit.OK
        failed = record(build_client(), images, print)
    except (DeploymentError, WorkerExit) as stop:
        print(stop, file=sys.stderr)
        return stop.code
    except BotoCoreError as error:
        print(
            f"Rekognition cannot be asked: {error}; `make doctor` says what is missing.",
            file=sys.stderr,
        )
        return Exit.CONFIG
    print(f"{len(images) - failed} recorded, {failed} not; try them with make try IMAGES={folder}")
    return Exit.OK if not failed else Exit.INCOMPLETE


if __name__ == "__main__":
    sys.exit(main())
