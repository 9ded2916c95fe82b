"""The secret of one emulator: who does not know it commands nothing here.

Any account of the machine reaches a server on loopback, so a constant key
would be no key. The secret is random, lies in a file that its owner alone can
read, and stays the same over restarts. It never stands in an argument, which
others can list.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROOT_ACCESS_KEY_ID = "carscribe"
"""The account's root; no secret, and no policy is asked about who signs with it."""

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
OF_OTHERS = 0o077
LINE = re.compile(r"^export (?P<name>[A-Z_]+)=(?P<value>[A-Za-z0-9_-]+)$", re.MULTILINE)
SECRET_NAME, TOKEN_NAME = "AWS_SECRET_ACCESS_KEY", "CARSCRIBE_EMULATOR_TOKEN"


class SecretError(Exception):
    """The file cannot hold a secret; the message says why."""


def _random() -> str:
    return secrets.token_urlsafe(30)


@dataclass(frozen=True)
class Secret:
    """The root's secret access key, and the token of the control endpoints."""

    access_key: str = field(default_factory=_random, repr=False)
    token: str = field(default_factory=_random, repr=False)

    @classmethod
    def kept_in(cls, path: Path) -> Secret:
        """Read the secret; make it and its file where there is none.

        Raises:
            SecretError: the file cannot be read or written, others can read it, or it is
                another file.
        """
        try:
            if not path.exists():
                made = cls()
                write_private(path, made.as_shell())
                return made
            return cls.read(path)
        except OSError as error:
            raise SecretError(f"Cannot keep the secret in {path}: {error.strerror}.") from error

    @classmethod
    def read(cls, path: Path) -> Secret:
        """Read a secret that is there; errors as of `kept_in`."""
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & OF_OTHERS:
                raise SecretError(
                    f"{path} can be read by others: remove it, and a new secret is made."
                )
            found = dict(LINE.findall(file.read()))
        if SECRET_NAME not in found or TOKEN_NAME not in found:
            raise SecretError(f"{path} holds no secret: remove it, and a new one is made.")
        return cls(found[SECRET_NAME], found[TOKEN_NAME])

    def as_shell(self) -> str:
        """Return the lines that a shell reads."""
        return (
            f"export AWS_ACCESS_KEY_ID={ROOT_ACCESS_KEY_ID}\n"
            f"export {SECRET_NAME}={self.access_key}\n"
            f"export {TOKEN_NAME}={self.token}\n"
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can ever read, as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def private_folder(path: Path) -> Path:
    """Make a folder that its owner alone can enter, or make it so."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    path.chmod(PRIVATE_FOLDER)
    return path
