"""``--check`` of worker A: is everything there, and allowed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carscribe_common.aws import build_clients
from carscribe_common.probes import (
    NO_MESSAGE,
    Probe,
    bucket_probes,
    check_state_dir,
    make_probes,
    rekognition_probes,
    results_probes,
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
    limiters = {region: RateLimiter(rate) for region, rate in settings.rates_per_second.items()}
    clients = build_clients(settings.region, 2, limiters)
    make_probes(
        [
            *bucket_probes(settings, clients),
            *results_probes(settings, clients),
            *rekognition_probes("DetectLabels", settings, clients),
            Probe(
                f"sqs:SendMessage to {settings.queue_url}",
                lambda: clients.sqs.send_message(
                    QueueUrl=settings.queue_url, MessageBody=NO_MESSAGE
                ),
                frozenset({"InvalidMessageContents"}),
            ),
        ]
    )
