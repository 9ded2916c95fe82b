"""Fault 17: of two pairs of workers one loses a host for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe_common.errors import Exit
from carscribe_common.rate_limit import HEADROOM
from tests.faults.harness import Trial, seeds
from tests.pipeline import DETECTED, SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable

RATE = {"REKOGNITION_RATE_PER_SECOND": "10"}
"""Of both together: slow, so that there is a middle of the run."""


@pytest.mark.parametrize("seed", seeds(1, 5))
@pytest.mark.parametrize("host", ["a-2", "b-2"])
def test_a_pairs_host_is_lost(trial: Callable[..., Trial], host: str, seed: int) -> None:
    """The other pair ends undisturbed; going on makes it whole, and asks nothing of it again."""
    run = trial("17 a host of one of two pairs lost", seed, pairs=2)
    run.start_both(**RATE, IDLE_TIMEOUT_SECONDS="5")
    run.wait_for_log(host, DETECTED if host == "a-2" else SETTLED, 3)
    run.sleep(0, 1.0)
    run.units[host].stop()
    assert [run.units[name].wait() for name in ("a", "b")] == [Exit.OK, Exit.OK]
    whole = {name: run.summary(name) for name in ("a", "b")}
    for name, summary in whole.items():
        assert run.units[name].exits == [Exit.OK]
        assert summary["rate_per_second"] == pytest.approx(5 * HEADROOM)

    again = {**RATE, "PAIRS_AT_WORK": "1"}
    if host == "a-2":
        assert run.units["b-2"].wait() == Exit.INCOMPLETE
        missing = run.summary("b-2")["missing_ranges"]
        run.start("b-2", **again)
        run.start("a-2", **again, RESEND=f"again:{missing}")
    else:
        assert run.units["a-2"].wait() == Exit.OK
        run.start("b-2", **again)
    run.finish()
    run.judge()
    assert {name: run.summary(name) for name in whole} == whole
    assert run.summary(host)["rate_per_second"] == pytest.approx(10 * HEADROOM)
