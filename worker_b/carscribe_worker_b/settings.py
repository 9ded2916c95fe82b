"""What worker B is told beside what both workers are."""

from __future__ import annotations

from dataclasses import dataclass

from carscribe_common.picture import BYTES_MAX
from carscribe_common.settings import Settings, integer, number


@dataclass(frozen=True, kw_only=True)
class SettingsB(Settings):
    """Settings of worker B."""

    text_confidence_percent: float = number(0, 100, 80.0)
    text_download_max_bytes: int = integer(0, BYTES_MAX, 512 * 1024)
    idle_timeout_seconds: float = number(1, 86_400, 600.0)
    visibility_timeout_seconds: int = integer(2, 43_200, 60)
