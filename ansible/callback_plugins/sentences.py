"""Write what failed, as host and message, one JSON line each, for who started the playbook.

It is on where the environment names the file in CARSCRIBE_SENTENCES, and speaks
beside Ansible's own output, which stays as it is.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: sentences
type: aggregate
short_description: Writes what failed for the program that started the playbook
description:
  - Appends host and message of each failure to the file named in CARSCRIBE_SENTENCES.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # Ansible ships no types
    """The callback ``sentences``."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "sentences"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_failed(
        self, result: Any, ignore_errors: bool = False
    ) -> None:  # Ansible's signature
        """Write a failure that is not ignored."""
        if not ignore_errors:
            self._write(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Write that a host cannot be reached."""
        self._write(result)

    def _write(self, result: Any) -> None:
        # Newer Ansibles name these without the underscore.
        host = getattr(result, "host", None) or result._host  # noqa: SLF001 # see above
        said = getattr(result, "result", None) or result._result  # noqa: SLF001 # see above
        items = [item for item in said.get("results", ()) if item.get("failed")]
        for one in items or [said]:
            line = json.dumps({"host": str(host), "message": _message(one)})
            with Path(os.environ["CARSCRIBE_SENTENCES"]).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


def _message(said: dict[str, Any]) -> str:
    more = said.get("stderr") or said.get("module_stderr") or ""
    message = str(said.get("msg") or "it failed")
    return (
        f"{message}: {str(more).strip()}" if more and message == "non-zero return code" else message
    )
