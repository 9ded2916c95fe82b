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
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "common",
    "carscribe",
    "images",
    "emulator",
    "docs",
    "pyproject.toml",
    "tests",
    "worker_a",
    "worker_b",
)
SECONDS = 240
HANDLER = "worker_b/carscribe_worker_b/handler.py"
CONSUMER = "worker_b/carscribe_worker_b/consumer.py"
RUN_A = "worker_a/carscribe_worker_a/run.py"
RUN_B = "worker_b/carscribe_worker_b/run.py"
STORE_B = "worker_b/carscribe_worker_b/store.py"
STORE = "common/carscribe_common/store.py"
MACHINE = "tests/unit/worker_b/test_state_machine.py"
REGIONS = "common/carscribe_common/regions.py"
TEST_REGIONS = "tests/unit/common/test_regions.py"
TEST_RUN_A = "tests/unit/worker_a/test_run.py"
TEST_STORE = "tests/unit/common/test_store.py"
READ = "tests/integration/pipeline/test_what_others_read.py"


@dataclass(frozen=True)
class Mutation:
    """One way to break the code."""

    name: str
    path: str
    old: str
    new: str
    test: str


MUTATIONS = (
    # --- what B does with messages -----------------------------------------------------
    Mutation(
        "a message is acknowledged when its image is begun",
        HANDLER,
        "        return [Process(car, [receipt])]\n    if holder",
        "        return [Process(car, [receipt]), Ack([receipt])]\n    if holder",
        MACHINE,
    ),
    Mutation(
        "messages are acknowledged before the commit",
        RUN_B,
        "            self._record(actions)\n",
        "            self._record(actions)\n            self._perform(actions)\n"
        "            self._ack_due(all_of_them=True)\n            actions.clear()\n",
        MACHINE,
    ),
    Mutation(
        "no check of the run id",
        HANDLER,
        "if message.run_id != state.run_id:",
        "if not message.run_id:",
        MACHINE,
    ),
    Mutation(
        "no check of the pair",
        HANDLER,
        "if not state.is_own(car.key):",
        "if not car.key:",
        MACHINE,
    ),
    Mutation(
        "-1 ends the run at once",
        HANDLER,
        "if state.end is None or state.parked or not state.settled.is_covered:",
        "if state.end is None or state.parked:",
        MACHINE,
    ),
    Mutation(
        "a settled image is read again",
        HANDLER,
        "if state.settled.is_settled(car.n, car.key):",
        "if car.n < 0:",
        MACHINE,
    ),
    Mutation(
        "two deliveries in one turn start two calls",
        HANDLER,
        "        state.in_flight[car.n] = InFlight(car, [receipt])\n",
        "",
        MACHINE,
    ),
    Mutation(
        "an image that failed keeps its n",
        STORE_B,
        '"SELECT key FROM text WHERE n = ? AND failure IS NULL"',
        '"SELECT key FROM text WHERE n = ?"',
        MACHINE,
    ),
    Mutation(
        "a parked message is forgotten",
        HANDLER,
        "    rivals = state.parked.pop(n, {})\n",
        "    state.parked.pop(n, {})\n    rivals = dict[str, InFlight]()\n",
        MACHINE,
    ),
    Mutation(
        "a parked message is not extended",
        RUN_B,
        "                case Park(car, receipts):\n",
        "                case Park(car, receipts):\n"
        "                    self._consumer.heartbeat.untrack(*receipts)\n",
        MACHINE,
    ),
    Mutation(
        "a second receipt is lost",
        HANDLER,
        "        same.receipts.append(receipt)\n",
        "",
        MACHINE,
    ),
    Mutation(
        "the end is not committed",
        RUN_B,
        "                    self._store.set_end(expected, digest)\n",
        "                    pass\n",
        MACHINE,
    ),
    Mutation(
        "receipts are not kept for the next process",
        RUN_B,
        "                case Process(car, receipts):\n"
        "                    self._store.add_in_flight(car, receipts)\n",
        "                case Process(car, receipts):\n",
        MACHINE,
    ),
    Mutation(
        "receipts of what was requeued are kept for the next process",
        RUN_B,
        "                    self._store.forget_receipts(receipts)\n",
        "                    pass\n",
        MACHINE,
    ),
    Mutation(
        "results are dropped with an error of the same turn",
        RUN_B,
        "        actions: list[Action] = []\n        with self._store",
        "        for event in events:\n            if isinstance(event, Exception):\n"
        "                raise event\n"
        "        actions: list[Action] = []\n        with self._store",
        MACHINE,
    ),
    Mutation(
        "an extension lands behind a requeue",
        CONSUMER,
        "        self.heartbeat.wait()\n",
        "",
        "tests/unit/worker_b/test_consumer.py",
    ),
    Mutation(
        "the main loop waits for the queue",
        RUN_B,
        "            self._effects.submit(Ack(going))\n",
        "            self._consumer.ack(going)\n",
        "tests/unit/worker_b/test_run.py",
    ),
    Mutation(
        "any digest will do",
        STORE_B,
        "        return wanted in sums\n",
        "        return True\n",
        MACHINE,
    ),
    Mutation(
        "a run of other images is complete",
        RUN_B,
        "            if not self._store.digest_agrees():\n",
        "            if self._store.is_done:\n",
        f"{READ}::test_sentence_and_exit_code",
    ),
    Mutation(
        "an image kills one process after the other",
        RUN_B,
        "if crashes >= CRASHES_MAX:",
        "if crashes < 0:",
        MACHINE,
    ),
    # --- the store ------------------------------------------------------------------------
    Mutation(
        "commits do not wait for the disk",
        STORE,
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        TEST_STORE,
    ),
    Mutation(
        "two processes may have one store",
        STORE,
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        TEST_STORE,
    ),
    Mutation(
        "a store of another run is taken",
        STORE,
        "        if refused := sorted(differing - self.MAY_CHANGE):\n",
        "        if refused := sorted(differing - set(wanted)):\n",
        TEST_STORE,
    ),
    Mutation(
        "an emptied store is begun anew",
        STORE,
        "                self._refuse_no_store()\n",
        "",
        TEST_STORE,
    ),
    Mutation(
        "what an error interrupts is committed",
        STORE,
        'self.execute("ROLLBACK")',
        'self.execute("COMMIT")',
        TEST_STORE,
    ),
    # --- what A does, and what both do ------------------------------------------------------
    Mutation(
        "the end of the listing is not committed",
        RUN_A,
        "                    self._store.end(listed=self._at.listed, skipped=self._at.skipped)\n",
        "                    pass\n",
        TEST_RUN_A,
    ),
    Mutation(
        "what the queue took is not marked as sent",
        RUN_A,
        "                self._store.mark_sent(sent)\n",
        "",
        TEST_RUN_A,
    ),
    Mutation(
        "the listing passes over what is not detected",
        RUN_A,
        "through = next(iter(self._pending.values()), self._at)",
        "through = self._at",
        TEST_RUN_A,
    ),
    Mutation(
        "calls are not noted before they are made",
        RUN_A,
        "                self._store.set_calls_open(calls_open)\n",
        "",
        TEST_RUN_A,
    ),
    Mutation(
        "`>=` in place of `>`",
        "common/carscribe_common/rules.py",
        "return confidence > threshold",
        "return confidence >= threshold",
        "tests/unit/worker_a/test_detection.py",
    ),
    Mutation(
        "a batch is a success if it returns 200",
        "common/carscribe_common/aws.py",
        '                left.pop(taken["Id"], None)\n',
        "                left.clear()\n",
        "tests/unit/worker_a/test_publisher.py",
    ),
    Mutation(
        "under another queue all counts as sent",
        "worker_a/carscribe_worker_a/store.py",
        '        if "queue_url" in self.changed:\n',
        '        if "queue" in self.changed:\n',
        "tests/unit/worker_a/test_store.py",
    ),
    Mutation(
        "no IfMatch",
        "common/carscribe_common/picture.py",
        "Key=self.key, IfMatch=self.etag)",
        "Key=self.key)",
        "tests/unit/worker_b/test_text_detection.py",
    ),
    Mutation(
        "another region's refusal settles an image",
        REGIONS,
        "        if region is not self.home:\n            return _RefusedElsewhere",
        "        if not region:\n            return _RefusedElsewhere",
        TEST_REGIONS,
    ),
    Mutation(
        "an image above 5 MB goes to another region",
        REGIONS,
        "if picture.size <= BYTES_MAX else",
        "if picture.size else",
        TEST_REGIONS,
    ),
    Mutation(
        "no escapes in output.txt",
        "common/carscribe_common/rules.py",
        "    index = escape(key).",
        "    index = key.",
        "tests/unit/common/test_rules.py",
    ),
    Mutation(
        "what is in flight at SIGTERM is dropped",
        RUN_A,
        "            if end.code != Exit.DISK:  # else",
        "            if end.code == Exit.DISK:  # else",
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
    env["MACHINE"] = "full"
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


@cache
def must_pass(folder: Path, test: str) -> None:
    """Run a test without a mutation, once; a second time if the machine was too busy for it."""
    if why_red(folder, test) and (why := why_red(folder, test)):
        raise RuntimeError(f"{test} fails without a mutation:\n{why}")


def try_one(mutation: Mutation, folder: Path) -> bool:
    """Tell whether the test passes without the mutation and turns red with it."""
    path = folder / mutation.path
    whole = path.read_text()
    if whole.count(mutation.old) != 1:
        raise RuntimeError(f"{mutation.name}: its place in {mutation.path} is gone")
    must_pass(folder, mutation.test)
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
