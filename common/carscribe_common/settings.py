"""Settings from the environment: typed, with units in the names, all errors at once."""

from __future__ import annotations

import os
import re
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.protocol import is_run_id
from carscribe_common.rules import pair_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "CARSCRIBE_"

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+")

_REQUIRED = object()


def setting(read: Callable[[str], Any], accepted: str, default: Any = _REQUIRED) -> Any:
    """Declare a setting.

    Args:
        read: makes the value of the variable's text; raises ValueError.
        accepted: what is accepted, as it stands in the error.
        default: its value where the variable is not set or empty.
    """
    metadata = {"read": read, "accepted": accepted}
    if default is _REQUIRED:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def number(lowest: float, highest: float, default: Any = _REQUIRED) -> Any:
    """Declare a number with its range, both ends included."""

    def read(text: str) -> float:
        value = float(text)
        if not lowest <= value <= highest:
            raise ValueError(text)
        return value

    return setting(read, f"a number from {lowest:g} to {highest:g}", default)


def integer(lowest: int, highest: int, default: Any = _REQUIRED) -> Any:
    """Declare a whole number with its range, both ends included."""

    def read(text: str) -> int:
        value = int(text)
        if not lowest <= value <= highest:
            raise ValueError(text)
        return value

    return setting(read, f"a whole number from {lowest} to {highest}", default)


def choice(*values: str, default: Any = _REQUIRED) -> Any:
    """Declare one of a few words."""

    def read(text: str) -> str:
        if text not in values:
            raise ValueError(text)
        return text

    return setting(read, "one of " + ", ".join(values), default)


def _run_id(text: str) -> str:
    if not is_run_id(text):
        raise ValueError(text)
    return text


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError(text)
    return text


def _queue_url(text: str) -> str:
    if not text.startswith(("https://", "http://")) or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


# A folder's name begins with none of what a path gives a meaning to, such as "..".
_RESULTS_PREFIX = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._=-]*/)+")
_RESULTS_PREFIX_CHARACTERS_MAX = 512


def _results_prefix(text: str) -> str:
    if len(text) > _RESULTS_PREFIX_CHARACTERS_MAX or not _RESULTS_PREFIX.fullmatch(text):
        raise ValueError(text)
    return text


def _directory(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError(text)
    return path


RATE_MIN, RATE_MAX = 0.1, 1000

PAIRS_MAX = 16
"""Of workers on one bucket: 32 addresses, where EC2 gives a region 5 unless it is asked for
more (EC2 user guide, "Elastic IP address quota")."""


class RegionRate(NamedTuple):
    """Another region, and the calls a second that it may be asked."""

    region: str
    rate_per_second: float

    def __str__(self) -> str:
        return f"{self.region}={self.rate_per_second:g}"


class RegionRates(tuple[RegionRate, ...]):
    """Other regions, each once."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(map(str, self))


def _region_rates(text: str) -> RegionRates:
    rates = []
    for part in text.split(","):
        region, _, rate = part.partition("=")
        if not _REGION.fullmatch(region) or not RATE_MIN <= float(rate) <= RATE_MAX:
            raise ValueError(text)
        rates.append(RegionRate(region, float(rate)))
    if len({rate.region for rate in rates}) < len(rates):
        raise ValueError(text)
    return RegionRates(rates)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What both workers are told. Each is read from ``CARSCRIBE_`` and its name in capitals."""

    run_id: str = setting(_run_id, "1 to 64 letters, digits, dots, dashes or underscores")
    bucket: str = setting(_text, "the name of an S3 bucket")
    prefix: str = setting(_text, "the beginning of the keys to look at", "")
    results_prefix: str = setting(
        _results_prefix, "folders for results in the bucket, such as carscribe-results/", ""
    )
    queue_url: str = setting(_queue_url, "the URL of an SQS queue, https://...")
    region: str = setting(_text, "a region of AWS, such as us-east-1")
    state_dir: Path = setting(  # noqa: RUF009 - it returns a dataclass field
        _directory, "an absolute path (by default systemd's STATE_DIRECTORY)"
    )
    rekognition_rate_per_second: float = number(RATE_MIN, RATE_MAX, 5.0)
    rekognition_regions: RegionRates = setting(  # noqa: RUF009 - it returns a dataclass field
        _region_rates,
        "other regions with calls a second in each, such as us-west-2=50,eu-west-1=50",
        RegionRates(),
    )
    concurrency_max: int = integer(1, 256, 64)
    pairs: int = integer(1, PAIRS_MAX, 1)
    pair: int = integer(1, PAIRS_MAX, 1)
    pairs_at_work: int | None = integer(1, PAIRS_MAX, None)
    give_up_seconds: float = number(1, 86_400, 300.0)
    log_level: str = choice("DEBUG", "INFO", "WARNING", "ERROR", default="INFO")

    @property
    def run_dir(self) -> Path:
        """The directory of this run's files, inside the state directory."""
        return self.state_dir / "runs" / self.run_id

    @property
    def rates_per_second(self) -> dict[str, float]:
        """The calls a second in each region that Rekognition is asked in, the bucket's own first.

        The quota is the account's: each pair that is at work in this run has an equal share.
        """
        own = {self.region: self.rekognition_rate_per_second}
        rates = own | {r.region: r.rate_per_second for r in self.rekognition_regions} | own
        shares = self.pairs_at_work or self.pairs
        return {region: rate / shares for region, rate in rates.items()}

    def is_own(self, key: str) -> bool:
        """Tell whether an object is this pair's to deal with."""
        return pair_of(key, self.pairs) == self.pair

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] = os.environ, *, run_id: str | None = None
    ) -> Self:
        """Read all settings and report all errors at once.

        Args:
            environ: the process's environment.
            run_id: stands in for CARSCRIBE_RUN_ID where no run is meant.

        Raises:
            WorkerExit: CONFIG; the sentence has each wrong setting with what
                is accepted.
        """
        given = {name: text for name, text in environ.items() if text}
        if state_directory := given.get("STATE_DIRECTORY"):
            given.setdefault(f"{PREFIX}STATE_DIR", state_directory)
        if run_id is not None:
            given[f"{PREFIX}RUN_ID"] = run_id
        values: dict[str, Any] = {}
        errors: list[str] = []
        for declared in fields(cls):
            name = PREFIX + declared.name.upper()
            text = given.get(name)
            accepted = declared.metadata["accepted"]
            if text is not None:
                try:
                    values[declared.name] = declared.metadata["read"](text)
                except ValueError:
                    errors.append(f"{name} is {text!r}, but must be {accepted}")
            elif declared.default is MISSING:
                errors.append(f"{name} is not set; it must be {accepted}")
        most = values.get("pairs", PAIRS_MAX if f"{PREFIX}PAIRS" in given else 1)
        errors += [
            f"{PREFIX}{name.upper()} is {value}, but must be at most {PREFIX}PAIRS, {most}"
            for name in ("pair", "pairs_at_work")
            if (value := values.get(name, 1)) > most
        ]
        if errors:
            raise WorkerExit(Exit.CONFIG, "Correct the settings: " + "; ".join(errors) + ".")
        return cls(**values)

    def __str__(self) -> str:
        return " ".join(f"{item.name}={getattr(self, item.name)}" for item in fields(self))
