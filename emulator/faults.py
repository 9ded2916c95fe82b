"""Faults that the emulator shows on request, seeded so that a run can be repeated.

The setting is one JSON object; every part of it is optional:

    {"seed": 1,
     "latency_seconds": 0.25 | {"lognormal": {"median": 0.25, "p99": 1.0}},
     "operations": {
       "rekognition.DetectLabels": {
         "tps": 50, "burst": 50,     transactions a second; what may come at once (default: tps)
         "tps": [[0, 50], [10, 25]], the same, with the seconds since the first call from which
                                     a number holds
         "throttle_share": 0.3,      of calls, refused at once as too fast
         "error_share": 0.1,         of calls, answered with a 5xx without being carried out
         "drop_share": 0.05,         of calls, carried out, the response cut off in the middle
         "deny_share": 1,            of calls, refused as not allowed
         "latency_seconds": ...},    in place of the common one
       "s3.*": {...}, "*": {...},    the most exact entry alone holds
       "rekognition.*@eu-west-1": {...}},   in that region; each has its own quota
     "sqs": {
       "duplicate": true,            every message sent can be received twice
       "shuffle": true,              messages are received in any order
       "send_batch_fail_share": 0.2, of a batch's entries, refused as the service's own fault
       "delete_batch_fail_share": 0.2, "visibility_batch_fail_share": 0.2},
     "silence_seconds": 60 | "silence_until": 1700000000.0}
                                     accepts requests and answers none of them until then

The n-th call of an operation meets the same fate in every run with the same seed.
A latency ends with its setting: when another one comes, the calls that wait go on.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from emulator.quota import TokenBucket

# The 99th percentile of the normal distribution, in standard deviations.
P99_STANDARD_DEVIATIONS = 2.3263

SHARES = ("throttle_share", "error_share", "drop_share", "deny_share")
OPERATION_KEYS = {*SHARES, "tps", "burst", "latency_seconds"}
SQS_FLAGS = ("duplicate", "shuffle")
SQS_SHARES = ("send_batch_fail_share", "delete_batch_fail_share", "visibility_batch_fail_share")
KEYS = {"seed", "latency_seconds", "operations", "sqs", "silence_seconds", "silence_until"}


class FaultsError(ValueError):
    """The setting is not one; the message says where."""


@dataclass(frozen=True)
class Fate:
    """What is to happen to one call."""

    latency_seconds: float = 0.0
    throttled: bool = False
    failed: bool = False
    dropped: bool = False
    denied: bool = False


SPARED = Fate()


@dataclass
class _Operation:
    """The seeded dice and the token bucket of one operation."""

    rules: dict[str, Any]
    dice: random.Random
    quota: TokenBucket | None = None

    @cached_property
    def is_spared(self) -> bool:
        """Whether nothing at all can happen to its calls."""
        return self.quota is None and not any(self.rules.values())


@dataclass
class Faults:
    """The faults that are switched on."""

    setting: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self.setting)
        self._operations: dict[str, _Operation] = {}
        self._seed = self.setting.get("seed", 0)
        self._sqs_dice = random.Random(f"{self._seed}:sqs")
        self._sqs: dict[str, Any] = self.setting.get("sqs", {})
        until = self.setting.get("silence_until", 0.0)
        if "silence_seconds" in self.setting:
            until = time.time() + self.setting["silence_seconds"]
        self.silent_until = float(until)

    def fate_of(self, operation: str) -> Fate:
        """Decide the fate of the next call of an operation, or of one in a region: `...@region`."""
        known = self._operations.get(operation)
        if known is None:
            known = self._operations[operation] = self._new(operation)
        if known.is_spared:
            return SPARED
        rules, dice = known.rules, known.dice
        # Always the same number of throws, so that one setting does not shift another.
        throws = {name: dice.random() < rules.get(name, 0.0) for name in SHARES}
        latency = _latency(rules.get("latency_seconds", 0.0), dice.gauss(0, 1))
        throttled = throws["throttle_share"]
        if not throttled and known.quota is not None:
            throttled = not known.quota.take(time.monotonic())
        return Fate(
            latency_seconds=0.0 if throttled else latency,
            throttled=throttled,
            failed=throws["error_share"],
            dropped=throws["drop_share"],
            denied=throws["deny_share"],
        )

    def sqs_flag(self, name: str) -> bool:
        """Say whether one of the queue's faults is on."""
        return bool(self._sqs.get(name))

    def sqs_entry_fails(self, share: str) -> bool:
        """Throw the dice for one entry of a batch."""
        return bool(self._sqs) and self._sqs_dice.random() < float(self._sqs.get(share, 0.0))

    def sqs_pick(self, count: int) -> int:
        """Pick one of `count` messages: the first, or any when shuffled."""
        if not self._sqs.get("shuffle"):
            return 0
        return self._sqs_dice.randrange(count)

    def _new(self, operation: str) -> _Operation:
        table: dict[str, Any] = self.setting.get("operations", {})
        anywhere, _, region = operation.partition("@")
        service = operation.partition(".")[0]
        names = (operation, f"{service}.*@{region}", anywhere, f"{service}.*", "*")
        found: dict[str, Any] = next((table[name] for name in names if name in table), {})
        rules = {"latency_seconds": self.setting.get("latency_seconds", 0.0), **found}
        quota = None
        if "tps" in rules:
            tps = rules["tps"]
            schedule = tps if isinstance(tps, list) else [(0.0, tps)]
            quota = TokenBucket(schedule, rules.get("burst"))
        return _Operation(rules, random.Random(f"{self._seed}:{operation}"), quota)


def _latency(rule: float | dict[str, Any], deviation: float) -> float:
    if isinstance(rule, dict):
        median, p99 = rule["lognormal"]["median"], rule["lognormal"]["p99"]
        sigma = math.log(p99 / median) / P99_STANDARD_DEVIATIONS
        return float(median * math.exp(sigma * deviation))
    return float(rule)


def check(setting: Any) -> None:
    """Refuse a setting that would silently do nothing."""
    if not isinstance(setting, dict):
        raise FaultsError("faults: expected a JSON object")
    _only(setting, KEYS, "faults")
    _check_latency(setting.get("latency_seconds", 0.0), "latency_seconds")
    for name in ("silence_seconds", "silence_until"):
        _number(setting.get(name, 0.0), name, math.inf)
    operations = setting.get("operations", {})
    if not isinstance(operations, dict):
        raise FaultsError("operations: expected an object of operations")
    for operation, rules in operations.items():
        where = f"operations.{operation}"
        if not isinstance(rules, dict):
            raise FaultsError(f"{where}: expected an object")
        _only(rules, OPERATION_KEYS, where)
        for name in SHARES:
            _number(rules.get(name, 0.0), f"{where}.{name}", 1.0)
        _number(rules.get("burst", 0.0), f"{where}.burst", math.inf)
        _check_tps(rules.get("tps", 0.0), f"{where}.tps")
        _check_latency(rules.get("latency_seconds", 0.0), f"{where}.latency_seconds")
    sqs = setting.get("sqs", {})
    if not isinstance(sqs, dict):
        raise FaultsError("sqs: expected an object")
    _only(sqs, {*SQS_FLAGS, *SQS_SHARES}, "sqs")
    for name in SQS_SHARES:
        _number(sqs.get(name, 0.0), f"sqs.{name}", 1.0)


def _only(given: dict[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise FaultsError(f"{where}: unknown {', '.join(unknown)}; known: {sorted(allowed)}")


def _number(value: Any, where: str, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise FaultsError(f"{where}: expected a number from 0 to {most}, got {value!r}")


def _check_tps(rule: Any, where: str) -> None:
    if not isinstance(rule, list):
        _number(rule, where, math.inf)
        return
    for pair in rule:
        if not isinstance(pair, list) or len(pair) != 2:
            raise FaultsError(f"{where}: expected a number, or pairs [from second, number]")
        for value in pair:
            _number(value, where, math.inf)
    starts = [start for start, _ in rule]
    if not starts or starts[0] or starts != sorted(set(starts)):
        raise FaultsError(f"{where}: the seconds must begin with 0 and grow")


def _check_latency(rule: Any, where: str) -> None:
    if not isinstance(rule, dict):
        _number(rule, where, math.inf)
        return
    shape = rule.get("lognormal")
    if set(rule) != {"lognormal"} or not isinstance(shape, dict) or set(shape) != {"median", "p99"}:
        raise FaultsError(f'{where}: expected seconds or {{"lognormal": {{"median", "p99"}}}}')
    for name, value in shape.items():
        _number(value, f"{where}.lognormal.{name}", math.inf)
    if not 0 < shape["median"] <= shape["p99"]:
        raise FaultsError(f"{where}: the median must be above 0 and at most the p99")
