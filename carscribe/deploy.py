"""Bring a deployment up, run, fetch, and remove it: what `make up` and its like call.

    python -m carscribe.deploy up [--target aws|local] [--lab] [--images DIR] [-- TERRAFORM ARGUMENTS]
    python -m carscribe.deploy run [--run-id RUN_ID]
    python -m carscribe.deploy results [--run-id RUN_ID]
    python -m carscribe.deploy verify
    python -m carscribe.deploy down
    python -m carscribe.deploy demo

Each step is a command that a person could type; it is printed before it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from carscribe import before, gone
from carscribe.deployment import (
    BUILD,
    CHECKOUT,
    EXIT_NOT_CONFIGURED,
    NOTHING_IS_UP,
    DeploymentError,
    StepError,
    choose_target,
    environment,
    hosts,
    remember_target,
    target_that_is_up,
)
from carscribe.run import make_run
from carscribe.terraform import Deployment, State, Terraform
from carscribe.terraform_inputs import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSIBLE = CHECKOUT / "ansible"
RESULTS = CHECKOUT / "results"
GONE_SECONDS = 90  # a deleted queue answers for up to a minute
GONE_POLL_SECONDS = 5
WORTH_SHOWING = (
    ": Creation complete",
    ": Destruction complete",
    ": Modifications complete",
    "Apply complete",
    "Destroy complete",
    "No changes.",
    "Plan:",
)


def say(text: str) -> None:
    """Print the beginning of a step."""
    print(f"\n== {text}", flush=True)


def step(*command: str, env: dict[str, str] | None = None, cwd: Path = CHECKOUT) -> None:
    """Run a program, which speaks for itself.

    Raises:
        StepError: it failed.
    """
    shown = [Path(command[0]).name, *command[1:]]
    print(f"   $ {shlex.join(shown)}", flush=True)
    code = subprocess.run(command, cwd=cwd, env=env, check=False).returncode
    if code:
        raise StepError(code)


def terraform(command: str, target: str, env: dict[str, str], *arguments: str) -> None:
    """Run Terraform, show what it makes or removes, and keep all it says in build/TARGET.

    Raises:
        StepError: it failed, and has said why on standard error.
    """
    call = [sys.executable, "-m", "carscribe.terraform", command, "--target", target, *arguments]
    print(f"   $ {shlex.join(['python', *call[1:]])}", flush=True)
    log = BUILD / target / f"{command}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as file,
        subprocess.Popen(call, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if any(word in line for word in WORTH_SHOWING):
                print(f"   {line.rstrip()}", flush=True)
    if process.returncode:
        print(f"All that Terraform said: {log.relative_to(CHECKOUT)}", file=sys.stderr)
        raise StepError(process.returncode)


def playbook(name: str, *arguments: str) -> None:
    """Run one of the playbooks, as `ansible-playbook` from ansible/ would."""
    if not (BUILD / "inventory.yml").exists():
        raise DeploymentError(NOTHING_IS_UP)
    program = Path(sys.executable).with_name("ansible-playbook")
    step(str(program), f"{name}.yml", *arguments, cwd=ANSIBLE)


def up(wanted: str, *, lab: bool, images: Path | None, extra: list[str]) -> None:
    """Make or mend the whole deployment; safe to repeat."""
    target = choose_target(wanted)
    say("What is there, and what it costs")
    lab = before.look(target, lab=lab, images=images, extra=extra)
    python = sys.executable
    if target == "local":
        say("The stand-in for AWS")
        step(python, "-m", "emulator", "install")
        # The roles that Terraform makes decide here too what a worker may do.
        served = ["--enforce-iam", *(["--images", str(images)] if images else [])]
        step(python, "-m", "emulator", "serve-start", "--", *served)
    env = environment(target)
    say(f"Terraform: network, bucket, queue, hosts ({target})")
    # From here on there may be something to remove.
    if target == "local":
        remember_target(target)
    pass_on = [*(["--lab"] if lab else []), *([f"-var=images_dir={images}"] if images else [])]
    try:
        terraform("apply", target, env, *pass_on, *extra)
    finally:
        if known(target, env).resources:
            remember_target(target)
    if target == "local":
        say("The hosts")
        step(python, "-m", "emulator", "up")
    say("Ansible: Python, the volume, the workers")
    playbook("site")
    say("Ready: `make run` makes a run, `make results` fetches it, `make down` removes everything")


def known(target: str, env: dict[str, str]) -> State:
    """Return what Terraform remembers of the target."""
    deployment = Deployment(target, BUILD / target)
    if not deployment.data.exists():
        return State({})
    try:
        with in_environment(env):
            return Terraform(deployment).known()
    except UsageError as problem:
        raise DeploymentError(str(problem)) from None


@contextmanager
def in_environment(env: dict[str, str]) -> Iterator[None]:
    """Give this very process an environment for a while."""
    before = dict(os.environ)
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def results(run_id: str) -> Path:
    """Fetch a run, the latest by default, and merge what both workers wrote."""
    playbook("results", *(["-e", json.dumps({"run_id": run_id})] if run_id else []))
    fetched = Path((BUILD / "fetched-run").read_text().strip())
    bucket = str(hosts()["a"].variables["carscribe_bucket"])
    env = environment(target_that_is_up() or "aws")
    merge = [sys.executable, "-m", "carscribe.results", str(fetched), "--bucket", bucket]
    step(*merge, env=env)
    return fetched


def verify() -> None:
    """Test the hosts that are up."""
    hosts()  # or say that nothing is up
    step(sys.executable, "-m", "pytest", "-q", "tests/live")


def down() -> None:
    """Remove everything, whatever state it is in, and say what is verified to be gone."""
    present = target_that_is_up()
    for target in ("aws", "local"):
        if present == target or (present is None and (BUILD / target).exists()):
            remove(target)
    for name in ("inventory.yml", "known_hosts", "fetched-run"):
        (BUILD / name).unlink(missing_ok=True)
    remember_target(None)


def remove(target: str) -> None:
    """Remove one target."""
    say(f"Removing {target}")
    state = BUILD / target / "terraform.tfstate"
    if target == "local" and not answers():
        # What the stand-in knew went with it.
        state.unlink(missing_ok=True)
    else:
        env = environment(target)
        remembered = known(target, env)
        resources = gone.made(remembered)
        if remembered.resources:
            terraform("destroy", target, env)
        with in_environment(env):
            await_gone(
                boto3.session.Session(region_name=remembered.outputs.get("region")), resources
            )
        if resources:
            print(f"   The API knows none of them any more: {gone.sentence(resources)}.")
    if target == "local":
        step(sys.executable, "-m", "emulator", "down")
    shutil.rmtree(BUILD / target, ignore_errors=True)


def answers() -> bool:
    """Tell whether the stand-in can be asked."""
    try:
        environment("local")
    except DeploymentError:
        return False
    return True


def await_gone(session: boto3.session.Session, resources: list[gone.Made]) -> None:
    """Ask until the API knows none of them.

    Raises:
        DeploymentError: some are there still.
    """
    deadline = time.monotonic() + GONE_SECONDS
    while left := gone.still_there(session, resources):
        if time.monotonic() > deadline:
            names = ", ".join(name for _, name in left)
            raise DeploymentError(
                f"These are still there: {names}. Say `make down` again; what is left "
                "after that has to be removed by hand in the AWS console."
            )
        time.sleep(GONE_POLL_SECONDS)


def demo() -> None:
    """Show all of it on this machine, and leave nothing but the results."""
    if present := target_that_is_up():
        raise DeploymentError(
            f"TARGET={present} is up in this checkout, and the demo needs the place: "
            "`make down` first, or use what is up with `make run`."
        )
    begun = time.monotonic()
    try:
        up("local", lab=False, images=None, extra=[])
        say("A run")
        make_run("", yes=True)
        say("The results")
        fetched = results("")
    except BaseException:
        say("That did not work; removing what was made")
        down()
        raise
    down()
    say(f"The result, {(fetched / 'output.txt').relative_to(CHECKOUT)}")
    print((fetched / "output.txt").read_text(), end="")
    print(
        f"\nThe page: {(fetched / 'report.html').relative_to(CHECKOUT)}. "
        f"All of it took {time.monotonic() - begun:.0f} s, and nothing is left running."
    )


def main() -> int:
    """Run one command; its exit code is that of the step that failed."""
    parser = argparse.ArgumentParser(prog="python -m carscribe.deploy")
    parser.add_argument("command", choices=["up", "run", "results", "verify", "down", "demo"])
    parser.add_argument("--target", default="")
    parser.add_argument("--lab", action="store_true")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--run-id", default="")
    parser.add_argument("--yes", action="store_true")
    options, extra = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    images = options.images.resolve() if options.images else None
    extra = [argument for argument in extra if argument != "--"]
    commands = {
        "up": lambda: up(options.target, lab=options.lab, images=images, extra=extra),
        "run": lambda: make_run(options.run_id, yes=options.yes),
        "results": lambda: results(options.run_id),
        "verify": verify,
        "down": down,
        "demo": demo,
    }
    try:
        commands[options.command]()
    except StepError as failure:
        return failure.code
    except DeploymentError as problem:
        print(problem, file=sys.stderr)
        return EXIT_NOT_CONFIGURED
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
