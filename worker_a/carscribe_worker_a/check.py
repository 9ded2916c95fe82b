"""``--check`` of worker A: is everything there, and allowed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carscribe_common.aws import build_clients
from carscribe_common.probes import (
    NO_IMAGE,
    NO_MESSAGE,
    Probe,
    bucket_probes,
    check_state_dir,
    make_probes,
)
from carscribe_common.rate_limit import RateLimiter

if TYPE_CHECKING:
    from carscribe_common.cli import Shutdown
    from carscribe_worker_a.settings import SettingsA


def check(settings: SettingsA, _shutdown: Shutdown) -> None:
    """Probe bucket, queue, Rekognition and state directory.

    Raises:
        WorkerExit: something is missing or forbidden.
    """
    check_state_dir(settings)
    clients = build_clients(settings.region, 2, RateLimiter(settings.rekognition_rate_per_second))
    make_probes(
        [
            *bucket_probes(settings, clients),
            Probe(
                "rekognition:DetectLabels",
                lambda: clients.rekognition.detect_labels(Image={"Bytes": NO_IMAGE}),
                frozenset({"InvalidImageFormatException"}),
            ),
            Probe(
                f"sqs:SendMessage to {settings.queue_url}",
                lambda: clients.sqs.send_message(
                    QueueUrl=settings.queue_url, MessageBody=NO_MESSAGE
                ),
                frozenset({"InvalidMessageContents"}),
            ),
        ]
    )
