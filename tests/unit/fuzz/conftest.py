"""Hypothesis without a deadline: a machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("carscribe", deadline=None)
settings.load_profile("carscribe")
