"""What worker A is told beside what both workers are."""

from __future__ import annotations

from dataclasses import dataclass

from carscribe_common.settings import Settings, flag, number


@dataclass(frozen=True, kw_only=True)
class SettingsA(Settings):
    """Settings of worker A."""

    car_confidence_percent: float = number(0, 100, 90.0)
    alive_seconds: float = number(1, 3600, 120.0)
    resend: bool = flag(default=False)
