"""Break the code in one place at a time, and see which test turns red.

    python -m tests.faults.mutations [NAME ...]

Each mutation is applied to a copy of the tree, and the one test that is named
for it is run there. It must pass before and fail after. Prints the table of
docs/reliability.md; exits 1 if a mutation goes unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "common",
    "carscribe",
    "images",
    "emulator",
    "pyproject.toml",
    "tests",
    "worker_a",
    "worker_b",
)
SECONDS = 240
PROTOCOL = "tests/integration/pipeline/test_protocol.py"
DESK, INBOX = "worker_b/carscribe_worker_b/handler.py", "worker_b/carscribe_worker_b/consumer.py"
JOURNAL = "common/carscribe_common/journal.py"


@dataclass(frozen=True)
class Mutation:
    """One way to break the code."""

    name: str
    path: str
    old: str
    new: str
    test: str


MUTATIONS = (
    Mutation(
        "delete before settle",
        DESK,
        "            self._give(held)\n",
        "            self._give(held)\n            self._delete_later([handle])\n",
        "tests/faults/test_kills.py::test_kill",
    ),
    Mutation(
        "`>=` in place of `>`",
        "common/carscribe_common/rules.py",
        "return confidence > threshold",
        "return confidence >= threshold",
        "tests/unit/common/test_rules.py",
    ),
    Mutation(
        "no fsync of the journal",
        JOURNAL,
        "                os.fdatasync(self._descriptor)\n",
        "",
        "tests/unit/common/test_journal.py",
    ),
    Mutation(
        "no check of the run id",
        DESK,
        "if message.run_id != self._run_id:",
        "if not message.run_id:",
        f"{PROTOCOL}::test_stale_end_of_another_run",
    ),
    Mutation(
        "send before it is written down",
        "worker_a/carscribe_worker_a/run.py",
        "            self._journal.append(watermark)\n        self._journal.commit()\n",
        "            self._journal.append(watermark)\n",
        "tests/faults/test_kills.py::test_kill",
    ),
    Mutation(
        "-1 ends the run at once",
        "worker_b/carscribe_worker_b/ledger.py",
        "return self.expected is not None and self.settled.covers(self.expected)",
        "return self.expected is not None",
        f"{PROTOCOL}::test_end_first",
    ),
    Mutation(
        "a batch is a success if it returns 200",
        "worker_a/carscribe_worker_a/publisher.py",
        'for taken in answer.get("Successful", ()):',
        "for taken in batch:",
        "tests/faults/test_queue.py::test_partial_failures",
    ),
    Mutation(
        "a torn line is not cut away",
        JOURNAL,
        "            self._cut_off_torn_line()\n",
        "",
        "tests/unit/fuzz/test_journal_reader.py",
    ),
    Mutation(
        "a full disk leaves half a line",
        JOURNAL,
        "                    os.ftruncate(self._descriptor, size)\n",
        "                    pass\n",
        "tests/unit/common/test_journal_full.py",
    ),
    Mutation(
        "no lock on the journal",
        JOURNAL,
        "fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        "tests/faults/test_two.py::test_two_workers_on_one_run",
    ),
    Mutation(
        "no IfMatch",
        "worker_b/carscribe_worker_b/text_detection.py",
        "Bucket=self._settings.bucket, Key=car.key, IfMatch=car.etag\n        )\n        # Not",
        "Bucket=self._settings.bucket, Key=car.key\n        )\n        # Not",
        "tests/faults/test_images.py::test_bad_images",
    ),
    Mutation(
        "held messages are not extended",
        INBOX,
        "                self.extend_all()\n",
        "                pass\n",
        "tests/faults/test_network.py::test_calls_that_outlast_the_visibility_timeout",
    ),
    Mutation(
        "a redelivered image is read again",
        DESK,
        "if self._ledger.is_settled(car.n, car.key):",
        "if car.n < 0:",
        "tests/faults/test_queue.py::test_delivered_again_after_it_was_settled",
    ),
    Mutation(
        "a download that breaks off is taken raw",
        "worker_b/carscribe_worker_b/text_detection.py",
        'with closing(answer["Body"]) as body:',
        'with answer["Body"] as body:',
        "tests/faults/test_network.py::test_dropped_connections",
    ),
    Mutation(
        "a stray message sends A's own to the dead letters",
        DESK,
        "        if holder and holder.key != car.key:\n",
        "        if holder and holder.key != car.key:\n            return False\n",
        "tests/faults/test_messages.py::test_own_message_while_a_stray_one_is_held",
    ),
    Mutation(
        "no escapes in output.txt",
        "common/carscribe_common/rules.py",
        'return " | ".join(escape(line) for line in lines)',
        'return " | ".join(lines)',
        "tests/faults/test_messages.py::test_texts_and_keys_that_mean_harm",
    ),
    Mutation(
        "what is in flight at SIGTERM is dropped",
        "worker_a/carscribe_worker_a/run.py",
        "            if end.code != Exit.DISK:  # nothing can be written down any more\n",
        "            if end.code == Exit.DISK:  # nothing can be written down any more\n",
        "tests/faults/test_kills.py::test_sigterm",
    ),
)


def copy_tree(folder: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)


def why_red(folder: Path, test: str) -> str:
    """Run a test in a copy of the tree, with no file of this one; return why it fails, if so."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [f"--basetemp={folder / 'pytest'}", test]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "it hangs"
    said = done.stdout.decode(errors="replace")
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{test} could not be run:\n{said}")
    return said if done.returncode else ""


def try_one(mutation: Mutation, folder: Path) -> bool:
    """Tell whether the test passes without the mutation and turns red with it."""
    path = folder / mutation.path
    whole = path.read_text()
    if whole.count(mutation.old) != 1:
        raise RuntimeError(f"{mutation.name}: its place in {mutation.path} is gone")
    if (why := why_red(folder, mutation.test)) and (why := why_red(folder, mutation.test)):
        raise RuntimeError(f"{mutation.test} fails without a mutation:\n{why}")
    path.write_text(whole.replace(mutation.old, mutation.new))
    try:
        return bool(why_red(folder, mutation.test))
    finally:
        path.write_text(whole)


def main(names: list[str]) -> int:
    """Try the mutations, all or the named ones."""
    unnoticed = 0
    print("| what is broken | the test that turns red |\n| --- | --- |")  # noqa: T201 - a table
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy_tree(folder)
        for mutation in MUTATIONS:
            if names and mutation.name not in names:
                continue
            red = try_one(mutation, folder)
            unnoticed += not red
            test = f"`{mutation.test.removeprefix('tests/')}`" if red else "**none**"
            print(f"| {mutation.name} | {test} |", flush=True)  # noqa: T201 - a table
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
