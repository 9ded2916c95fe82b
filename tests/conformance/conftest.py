"""Against the emulator, or with CARSCRIBE_CONFORM_ANSWERS=FILE against the caller's account.

Only what is documented is asserted: a standard queue may be slow, out of order
and repeat itself, and what a picture shows is the service's own matter.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.account import FIRST, SAMPLES, Account, BudgetError, Recorder, on_aws
from tests.conformance.scrub import Scrubber
from tests.emulator import REGION, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWERS = os.environ.get("CARSCRIBE_CONFORM_ANSWERS", "")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The account that is asked."""
    if ANSWERS:
        found = on_aws(Path(ANSWERS))
        yield found
        assert not found.problems, "could not be removed: " + "; ".join(found.problems)
        return
    with start(tmp_path_factory.mktemp("emulator"), images=SAMPLES) as emulator:

        def make(service: str, **settings: Any) -> Any:
            return emulator.client(
                service, region=settings["region_name"], config=settings["config"]
            )

        found = Account(make, REGION, Recorder(None, Scrubber()), is_aws=False)
        yield found
        assert not found.problems


@pytest.fixture(autouse=True)
def named(account: Account, request: pytest.FixtureRequest) -> None:
    """Say of each answer in which test it was given."""
    account.recorder.test = request.node.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """End where it would cost more than was promised."""
    try:
        yield
    except BudgetError as error:
        pytest.exit(f"Stopped: the calls would cost {error}.")


@pytest.fixture(scope="session")
def sqs(account: Account) -> Any:
    """A client of the queue service."""
    return account.client("sqs")


@pytest.fixture
def make_queue(account: Account) -> Iterator[Callable[..., str]]:
    """Make queues that are removed with the test; return each one's URL."""
    made: list[str] = []

    def make(**attributes: str) -> str:
        made.append(account.make_queue(**attributes))
        return made[-1]

    yield make
    for url in made:
        account.delete_queue(url)


@pytest.fixture(scope="session")
def bucket(account: Account) -> Iterator[str]:
    """A bucket with the sample image."""
    name = account.make_bucket()
    account.client("s3").upload_file(str(SAMPLES / FIRST), name, FIRST)
    yield name
    account.delete_bucket(name)


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """Make a call that is refused; return the error's code and message."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
