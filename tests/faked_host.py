"""A worker's host that is a folder of this machine, reached as if over SSH."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from carscribe.runs import Remote

if TYPE_CHECKING:
    from pathlib import Path

RUN = "20261125T020000Z-0a1b2c"


class Host:
    """A host that is a folder here: its systemctl reads a file, and what is stopped is written down."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.failing = folder, name, False
        self.state = folder / f"carscribe-worker-{name[0]}"
        (self.state / "runs" / RUN).mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        self._program(
            "systemctl",
            f'case $1 in show) cat {folder}/unit;; stop) echo "$2" >> {folder}/stopped;;'
            f" is-active) sed -n s/ActiveState=//p {folder}/unit;; *) echo running;; esac",
        )
        self._program("sudo", 'exec "$@"')
        self._program("journalctl", "echo first; echo last")
        # As ssh does: the one word is a command of the host's shell.
        self._program(
            "reach",
            f"test -e {folder}/off && exit 255; export PATH={programs}:$PATH;"
            f' if [ -e {folder}/cut ]; then sh -c "$1" | head -c "$(cat {folder}/cut)";'
            f' else exec sh -c "$1"; fi',
        )
        self.unit("active", "running")
        self.current(RUN)

    @property
    def remote(self) -> Remote:
        """How it is reached."""
        return Remote(self.name, [str(self.folder / "bin/reach")], str(self.folder))

    def _program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def unit(self, active: str, sub: str, result: str = "success", status: int = 0) -> None:
        """Put the unit into a state."""
        text = f"ActiveState={active}\nSubState={sub}\nResult={result}\nExecMainStatus={status}\n"
        (self.folder / "unit.new").write_text(text)
        (self.folder / "unit.new").replace(self.folder / "unit")

    def current(self, run_id: str | None) -> None:
        """Write which run it is, or forget it."""
        file = self.state / "current-run"
        if run_id is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(f"CARSCRIBE_RUN_ID={run_id}\nCARSCRIBE_RESEND=true\n")

    def summary(self, **values: Any) -> None:
        """Write the worker's summary."""
        path = self.state / "runs" / RUN / "summary.json"
        path.with_suffix(".new").write_text(json.dumps(values, indent=2))
        path.with_suffix(".new").replace(path)

    def output(self, text: str) -> None:
        """Write the worker's result."""
        (self.state / "runs" / RUN / "output.txt").write_text(text, encoding="utf-8")

    def complete(self) -> None:
        """End the run well."""
        self.summary(state="complete", images={"detected": 1})
        self.finish()

    def finish(self) -> None:
        """Rest, with no run left to go on with."""
        self.current(None)
        self.unit("inactive", "dead")

    @property
    def stopped(self) -> bool:
        """Whether the worker was stopped."""
        return (self.folder / "stopped").exists()
