"""``make audit``: known vulnerabilities in what is installed on the hosts.

pip-audit asks a database on the internet. Where that cannot be reached this
says so, plainly, and does not fail: it is the network's fault, not ours.
"""

from __future__ import annotations

import subprocess
import sys

from carscribe import CHECKOUT

SECONDS = 120
LOCK_FILES = ("requirements/hosts.txt", "requirements/installer.txt")

UNREACHABLE = (
    "ConnectionError",
    "ConnectTimeout",
    "HTTPError",
    "MaxRetryError",
    "ProxyError",
    "ReadTimeout",
    "ServiceError",
    "SSLError",
)
"""What pip-audit's last line names where its database does not answer."""


NOT_AUDITED = "could not be audited"
"""What pip-audit says, and still ends well, where a package index has no such database."""


def main() -> int:
    """Audit the lock files of the hosts; 1 if a vulnerability is known."""
    worst = 0
    for lock_file in LOCK_FILES:
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--requirement",
            lock_file,
            "--require-hashes",
            "--disable-pip",
            "--progress-spinner=off",
        ]
        try:
            done = subprocess.run(
                command, cwd=CHECKOUT, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"{lock_file}: not audited, the database did not answer in {SECONDS} s.")
            continue
        said = (done.stdout + done.stderr).strip()
        if NOT_AUDITED in said or (done.returncode and any(name in said for name in UNREACHABLE)):
            print(f"{lock_file}: not audited, the database of vulnerabilities cannot be reached.")
            continue
        print(f"{lock_file}: {said}")
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
