"""Where one deployment keeps its things, and what it calls them on this machine."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.secret import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
STATE_VARIABLE = "CARSCRIBE_LOCAL_STATE"
CACHE_VARIABLE = "CARSCRIBE_LOCAL_CACHE"
RUNTIME_PATH_MAX = 50


@dataclass(frozen=True)
class Deployment:
    """The hosts of one checkout; its name is derived from its folder's path."""

    state: Path
    cache: Path

    @classmethod
    def here(cls) -> Deployment:
        """Return the deployment of this checkout, or that of the folders the environment names."""
        state = Path(os.environ.get(STATE_VARIABLE, CHECKOUT / "build" / "local")).resolve()
        cache = Path(os.environ.get(CACHE_VARIABLE, CHECKOUT / "build" / "cache")).resolve()
        return cls(state=state, cache=cache)

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that no other folder on this machine has."""
        return hashlib.sha256(str(self.state).encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """The prefix of everything that this deployment names on the machine."""
        return f"carscribe-{self.id}"

    @property
    def ready_file(self) -> Path:
        """Where the emulator says its URL once it answers."""
        return self.state / "emulator.json"

    @property
    def secret_file(self) -> Path:
        """Where the secret of the emulator is kept."""
        return self.state / "secret.sh"

    @property
    def engine(self) -> Path:
        """Podman's storage, and all else that it writes."""
        return self.state / "engine"

    @property
    def runtime(self) -> Path:
        """What Podman forgets at a reboot; Podman takes no longer path for it than this."""
        inside = self.engine / "run"
        fits = len(str(inside)) <= RUNTIME_PATH_MAX
        return inside if fits else Path("/run") / self.name

    @property
    def volumes(self) -> Path:
        """One sparse file for each EBS volume."""
        return self.state / "volumes"

    @property
    def hosts(self) -> Path:
        """What each host is told at boot, as cloud-init would tell it."""
        return self.state / "hosts"

    @property
    def reboots(self) -> Path:
        """One file for each instance whose reboot the API was asked for."""
        return self.state / "reboots"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one command at a time change the deployment; the kernel frees it after a kill."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        if self.state.parent == CHECKOUT / "build":
            private_folder(self.state.parent)
        with self.state.with_suffix(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def write_json(path: Path, value: Any) -> None:
    """Replace a small JSON file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(value) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what the file holds; None where it is missing or cut off."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
