"""What site.yml has installed: the interpreter, the user, the release, the settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live.reached import Worker


def packages(worker: Worker) -> set[str]:
    """Return the distributions in the current release."""
    listing = worker.say(f"ls {worker.home}/current/lib/python3*/site-packages")
    return set(re.findall(r"^(.+)-[^-]+\.dist-info$", listing, re.MULTILINE))


def test_the_interpreter_is_new_enough(worker: Worker) -> None:
    """The release runs on Python 3.11 or later."""
    said = worker.say(
        f"{worker.home}/current/bin/python -c 'import sys; print(*sys.version_info[:2])'"
    )
    assert tuple(map(int, said.split())) >= (3, 11)


def test_the_user_cannot_log_in(worker: Worker) -> None:
    """The worker has a system user of its own, with no shell, no password and no groups."""
    user = worker.host.user(worker.unit)
    assert user.exists
    assert user.uid < 1000
    assert user.shell.endswith("/nologin")
    assert user.password in {"!", "!!", "*", "!*"}
    assert user.groups == [worker.unit]


def test_current_is_a_complete_release(worker: Worker) -> None:
    """`current` points to a release that was installed to its end, and is root's alone."""
    current = worker.host.file(f"{worker.home}/current")
    assert current.is_symlink
    target = str(current.linked_to)
    assert target.startswith(f"{worker.home}/releases/")
    assert worker.host.file(f"{target}/.complete").exists
    written_by_others = worker.say(
        f"find {target} ! -type l ( ! -user root -o -perm /022 )".replace("(", "\\(").replace(
            ")", "\\)"
        )
    )
    assert written_by_others == ""


def test_old_releases_are_pruned(worker: Worker) -> None:
    """No more than two releases stay on the host."""
    assert 1 <= len(worker.say(f"ls {worker.home}/releases").split()) <= 2


def test_only_its_own_worker_is_there(worker: Worker) -> None:
    """A host has its own worker and common, and nothing of the other worker."""
    other = "b" if worker.name == "a" else "a"
    installed = packages(worker)
    assert {f"carscribe_worker_{worker.name}", "carscribe_common", "boto3"} <= installed
    assert f"carscribe_worker_{other}" not in installed
    assert not worker.host.file(f"/opt/carscribe/worker-{other}").exists
    assert not worker.host.file(f"/etc/systemd/system/carscribe-worker-{other}.service").exists
    assert not worker.host.user(f"carscribe-worker-{other}").exists


def test_the_release_holds_no_installer(worker: Worker) -> None:
    """No pip is left in the environment that runs the worker."""
    assert "pip" not in packages(worker)


def test_the_settings_are_readable_by_the_worker_alone(worker: Worker) -> None:
    """The environment file is root's, readable by the worker's group, and by nobody else."""
    file = worker.host.file(f"/etc/carscribe/worker-{worker.name}.env")
    assert (file.user, file.group, file.mode) == ("root", worker.unit, 0o640)


def test_the_settings_are_those_of_the_inventory(worker: Worker) -> None:
    """Bucket, queue, region, pair and rate are what Terraform wrote into the inventory."""
    text = worker.host.file(f"/etc/carscribe/worker-{worker.name}.env").content_string
    settings = dict(re.findall(r'^(CARSCRIBE_\w+)="(.*)"$', text, re.MULTILINE))
    assert settings["CARSCRIBE_BUCKET"] == worker.variables["carscribe_bucket"]
    assert settings["CARSCRIBE_PREFIX"] == worker.variables["carscribe_prefix"]
    assert settings["CARSCRIBE_QUEUE_URL"] == worker.variables["carscribe_queue_url"]
    assert settings["CARSCRIBE_REGION"] == worker.variables["carscribe_region"]
    assert settings["CARSCRIBE_PAIR"] == str(worker.variables["carscribe_pair"])
    assert settings["CARSCRIBE_PAIRS"] == str(worker.variables["carscribe_pairs"])
    assert float(settings["CARSCRIBE_REKOGNITION_RATE_PER_SECOND"]) == float(
        worker.variables["carscribe_rekognition_rate_per_second"]
    )
