"""Let something happen at a certain commit of a worker's store.

The environment says what, at which commit of a process, and how often:
``AT_COMMIT="kill-before:3"`` with ``AT_COMMIT_MARK`` a file that is there once
it has happened (without a mark it happens in every process).

- ``kill-before``: the process is killed with the transaction under way.
- ``kill-behind``: it is killed as soon as the commit is on the disk.
- ``full``: its files can grow no more from this transaction on.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

WHAT, _, NUMBER = os.environ["AT_COMMIT"].partition(":")
MARK = os.environ.get("AT_COMMIT_MARK")
STORE = "carscribe_common.store"

_commits = 0


def _is_now() -> bool:
    if _commits != int(NUMBER) or (MARK and Path(MARK).exists()):
        return False
    if MARK:
        Path(MARK).touch()
    return True


def _fill(run_dir: Path) -> None:
    size = max(path.stat().st_size for path in run_dir.iterdir())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def _patch(module: ModuleType) -> None:
    whole = module.Store.transaction

    @contextmanager
    def transaction(self: Any) -> Iterator[None]:
        global _commits  # noqa: PLW0603 - of this process
        _commits += 1
        now = _is_now()
        if now and WHAT == "full":
            _fill(self.path.parent)
        with whole(self):
            yield
            if now and WHAT == "kill-before":
                os.kill(os.getpid(), signal.SIGKILL)
        if now and WHAT == "kill-behind":
            os.kill(os.getpid(), signal.SIGKILL)

    module.Store.transaction = transaction


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the module of the store as ever, and patches it when it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != STORE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _patch(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Finder())
