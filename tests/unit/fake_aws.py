"""A Caller whose service answers what a test wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carscribe_common.aws import Caller, Calls, Clients
from carscribe_common.circuit_breaker import CircuitBreaker
from carscribe_common.cli import Shutdown
from carscribe_common.rate_limit import RateLimiter
from carscribe_common.regions import Regions

if TYPE_CHECKING:
    from collections.abc import Mapping


class Service:
    """A client whose operations answer what was written down, one after the other.

    Attributes:
        asked: the operations, each with its parameters.
        left: the answers that nobody has asked for yet.
    """

    def __init__(self, **answers: list[Any]) -> None:
        self.left = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.asked.append((operation, parameters))
            said = self.left[operation].pop(0)
            if isinstance(said, Exception):
                raise said
            return said

        return call


def caller(
    service: Service, *, works: bool = True, shutdown: Shutdown | None = None
) -> tuple[Caller, Calls]:
    """Return a caller of a service, and its counts.

    Args:
        service: S3, SQS and Rekognition in one.
        works: something has succeeded before.
        shutdown: asked for the end, or not.
    """
    client: Any = service
    clients = Clients(s3=client, sqs=client, rekognition=client, calls=Calls())
    breaker = CircuitBreaker(60, seen_success=works, patience_seconds=0.01)
    return Caller(clients, breaker, Shutdown() if shutdown is None else shutdown), clients.calls


def regions(call: Caller, rates: Mapping[str, float] | None = None) -> Regions:
    """Return the regions of a caller, the bucket's own first: that alone if none are named."""
    limiters = {name: RateLimiter(rate) for name, rate in (rates or {"us-east-1": 1000.0}).items()}
    return Regions(call, limiters, 64)
