"""One deployment on this machine for all tests of this folder, which go in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.deployment.checkout import CHECKOUT, Copy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def copy() -> Iterator[Copy]:
    """A copy of the checkout; whatever is up in it is removed at the end."""
    made = Copy.make(CHECKOUT / "build" / "tests" / "a deployment")
    try:
        yield made
    finally:
        made.make_target("down", "YES=1", code=None)


@pytest.fixture(scope="session")
def bare(copy: Copy) -> Copy:
    """The copy with hosts that answer SSH, and nothing of ours on them."""
    copy.command("python", "-m", "emulator", "serve-start", "--", "--enforce-iam")
    copy.python("carscribe", "terraform", "apply", "--target", "local")
    copy.command("python", "-m", "emulator", "up")
    return copy


@pytest.fixture(scope="session")
def up(bare: Copy) -> Copy:
    """The copy with everything up."""
    bare.make_target("up", "TARGET=local")
    return bare
