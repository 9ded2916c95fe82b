"""``--check`` of worker B: is everything there, and allowed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carscribe_common.aws import build_clients
from carscribe_common.probes import (
    NO_HANDLE,
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
    from carscribe_worker_b.settings import SettingsB

_REFUSED_COUNT = frozenset({"InvalidParameterValue", "ReadCountOutOfRange"})
_REFUSED_HANDLE = frozenset({"ReceiptHandleIsInvalid", "InvalidParameterValue"})


def check(settings: SettingsB, _shutdown: Shutdown) -> None:
    """Probe bucket, queue, Rekognition and state directory.

    Raises:
        WorkerExit: something is missing or forbidden.
    """
    check_state_dir(settings)
    limiters = {region: RateLimiter(rate) for region, rate in settings.rates_per_second.items()}
    clients = build_clients(settings.region, 2, limiters)
    url = settings.queue_url
    make_probes(
        [
            *bucket_probes(settings, clients),
            *results_probes(settings, clients),
            *rekognition_probes("DetectText", settings, clients),
            Probe(
                f"sqs:ReceiveMessage from {url}",
                # No message is asked for, so none is counted as received.
                lambda: clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=0),
                _REFUSED_COUNT,
            ),
            Probe(
                f"sqs:DeleteMessage from {url}",
                lambda: clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=NO_HANDLE),
                _REFUSED_HANDLE,
            ),
            Probe(
                f"sqs:ChangeMessageVisibility on {url}",
                lambda: clients.sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=NO_HANDLE, VisibilityTimeout=0
                ),
                _REFUSED_HANDLE,
            ),
        ]
    )
