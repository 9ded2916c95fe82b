"""Nothing is left behind: a child ends with the process that started it, however that ends."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PR_SET_PDEATHSIG = 1
SECONDS_FOR_SIGTERM = 10
GARBAGE_THRESHOLDS = (20_000, 20, 100)
_CATCHABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def start(arguments: Sequence[str], **popen: Any) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own that is killed when this process dies.

    Call it from the main thread: on Linux the kernel ties the child's life to
    the thread that started it.
    """
    tied = tie(signal.SIGKILL)
    return subprocess.Popen(arguments, process_group=0, preexec_fn=tied, **popen)  # noqa: PLW1509 # it takes no lock


def tie(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child does first, so that it gets this signal when the thread that started it dies.

    None where the kernel cannot do it.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    _libc()  # load it before the fork

    def bind() -> None:
        # Else a shell's job in the background hands down that it is ignored.
        if number in _CATCHABLE:
            signal.signal(number, signal.SIG_DFL)
        _libc().prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the tie was made
            os._exit(1)

    return bind


def ask(children: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Ask all to stop, and give them so long to do it."""
    for child in children:
        _signal(child, signal.SIGTERM)
    end = time.monotonic() + seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0, end - time.monotonic()))


def stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask all to stop, then make them."""
    ask(children, SECONDS_FOR_SIGTERM)
    for child in children:
        _signal(child, signal.SIGKILL)
        child.wait()


def end_with_stdin(stop: Callable[[], object]) -> None:
    """Call `stop`, from another thread, when standard input closes: the parent is gone."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 1024):
                pass
        stop()

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)


_loaded: list[Any] = []


def _libc() -> Any:
    if not _loaded:
        _loaded.append(ctypes.CDLL(None, use_errno=True))
    return _loaded[0]


def spare_collections() -> None:
    """Leave what is loaded by now out of garbage collections, and have few of those.

    A server's requests leave next to no cycles behind, and each full collection would look at
    all of moto and botocore: a third of the time of a call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
