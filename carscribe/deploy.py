"""Bring a deployment up, run, fetch, and remove it: the steps of `make up` and its like."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carscribe import (
    CHECKOUT,
    backend,
    cost,
    leftovers,
    look,
    playbooks,
    preflight,
    provision,
    remains,
    removal,
    targets,
    waking,
)
from carscribe.credentials import CredentialsError, check_credentials
from carscribe.deployment import (
    BUILD,
    EXIT_NO_PERMISSION,
    NOTHING_IS_UP,
    TARGETS,
    DeploymentError,
    StepError,
    choose_hosts,
    choose_target,
    has_traces,
    hosts,
    remember_target,
    target_that_is_up,
    was_made,
    write_whole,
)
from carscribe.inputs import find_key, fingerprint, temporary_folder
from carscribe.options import THUMBNAILS
from carscribe.playbooks import ANSIBLE
from carscribe.provision import Terraform
from carscribe.removal import EXIT_LEFTOVERS
from carscribe.run import fetch_run, make_run, reached, say_result
from carscribe.runs import WORKERS, listed, pair_of
from carscribe.state import State, errors
from carscribe.steps import Steps, agrees, clear, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from carscribe.options import Options
    from carscribe.targets import Target

RESULTS = CHECKOUT / "results"
UTF_8 = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
"""A locale that every such system has: Ansible takes none that is not UTF-8, or not installed."""
BEFORE_APPLY_SECONDS = 60
"""How long hosts that were started may take to answer, before what may be in the way is put right."""
FORGOTTEN = ("inventory.yml", "known_hosts", "fetched-run")
"""Files of build/ that speak of the hosts that are removed."""
INVENTORY_LOST = (
    "build/inventory.yml is lost or damaged, so the hosts cannot be asked for runs (`make up` with "
    "the pairs that there are writes it again): those not fetched would be lost."
)
NOT_LOOKED_AT = (
    "Nothing is recorded for {missing} images, so nobody has seen them: `make down`, then "
    "`make up EYES=1 TARGET=local`, and what is in them is recognized here."
)


def doctor(options: Options) -> int:
    """Say what is missing, and what a deployment would cost."""
    target = targets.present(options.target)
    preflight.look(preflight.Wanted(target, options), everything=True)
    return 0


def plan(options: Options) -> int:
    """Show what `up` would change, and the cost."""
    target = targets.of(choose_target(options.target))
    wanted = preflight.Wanted(target, options)
    preflight.look(wanted, everything=False)
    terraform = initialized(target, wanted.deployment)
    arguments = [*wanted.arguments(), *_no_variables(options)]
    return provision.plan_or_apply(terraform, "plan", arguments)


def _no_variables(options: Options) -> list[str]:
    return [word for word in options.terraform if not word.startswith(provision.VARIABLES)]


def up(options: Options, *, is_demo: bool = False) -> int:
    """Make or mend the whole deployment; safe to repeat."""
    steps = Steps("up", verbose=options.verbose)
    target = targets.of(choose_target(options.target))
    wanted = preflight.Wanted(target, options)
    preflight.look(wanted, everything=options.verbose)
    with suppress(DeploymentError):  # nothing is up yet, or what follows mends it
        waking.awake(target, BEFORE_APPLY_SECONDS)
    stop_for_a_lost_host(steps)
    target.before_apply(steps, wanted.images and wanted.folder)
    steps.say("Terraform makes network, bucket, queue and hosts (a minute or two)")
    # From here on there may be something to remove.
    if not target.is_lasting:
        remember_target(target.name)
    try:
        terraform = initialized(target, wanted.deployment)
        terraform.environment.update(
            {
                name: value
                for name, value in wanted.terraform.environment.items()
                if "TF_VAR_" in name
            }
        )
        planned = provision.Plan(terraform, [*wanted.arguments(), *_no_variables(options)], steps)
        _stop_if_interrupted(terraform)
        if planned.code:
            raise steps.failed(planned.code, errors(planned.said))
        _save_what_goes(steps, planned, options)
        _ask_about_losses(planned, options)
        code, said = planned.apply(
            given=wanted.extra,
            images=wanted.images and str(wanted.folder),
            quota=wanted.quota and wanted.quota.written(),
        )
        _stop_if_interrupted(terraform)
    finally:
        if _may_be_up(target):
            remember_target(target.name)
    if code:
        raise steps.failed(code, errors(said))
    target.after_apply(steps)
    waking.start_stopped(target)  # Ansible waits for their answer
    steps.say("Ansible installs Python, the volumes and the workers")
    playbook(steps, "site")
    addresses = ", ".join(
        f"{host.name.upper()} {host.variables['ansible_host']}" for host in hosts().values()
    )
    steps.say(f"Up after {steps.seconds():.0f} s: {addresses}. What was said: {shown(steps.log)}")
    if is_demo:
        return 0
    print("Next: make run, make results, make down; or by hand:")
    folder, program = shlex.quote(shown(ANSIBLE)), shlex.quote(sys.executable)
    print(f"  (cd {folder} && {program} -m ansible playbook run.yml)")
    return 0


def stop_for_a_lost_host(steps: Steps) -> None:
    """Stop a worker that is at work while its partner's host is lost: it would wait in vain.

    Raises:
        DeploymentError: a run is in progress on a pair that has lost no host.
    """
    seen = remains.ask_hosts()
    lost = {pair_of(name): f"worker-{name}" for name, one in seen.items() if one.problem}
    at_work = [name for name, one in seen.items() if one.is_at_work]
    if busy := [f"worker-{name}" for name in at_work if pair_of(name) not in lost]:
        raise DeploymentError(
            f"A run is in progress on {listed(busy)}, and `make up` would disturb it: wait "
            "for its end (`make status` shows it), or end it with `make ssh`."
        )
    for remote in reached() if at_work else []:
        if (run_id := seen[remote.name].current) and remote.name in at_work:
            remote.stop(run_id)
            steps.say(
                f"{lost[remote.pair]} does not answer, so worker-{remote.name} was stopped in "
                f"the middle of its run: `make run RUN_ID={run_id}` goes on with it."
            )


def _stop_if_interrupted(terraform: Terraform) -> None:
    if terraform.interrupted:
        raise KeyboardInterrupt


def _save_what_goes(steps: Steps, planned: provision.Plan, options: Options) -> None:
    """Fetch the runs of the hosts that are removed with their volumes, as where there are to be fewer pairs.

    Raises:
        DeploymentError: the person does not agree that one is lost, or is not there to be asked.
    """
    gone = planned.removed("aws_ebs_volume", "id") - _never_used(planned, "aws_ebs_volume")
    machines = planned.removed("aws_instance", "id") if gone else ()
    if not machines:
        return
    try:
        going = [name for name, host in hosts().items() if host.instance_id in machines]
    except DeploymentError:
        ask(INVENTORY_LOST, options)
        return
    try:
        _save_runs(steps, options, going)
    except DeploymentError as problem:
        if not options.yes:
            raise
        print(problem, file=sys.stderr)


def _never_used(planned: provision.Plan, kind: str) -> set[str]:
    """Return what an `up` that was broken off left half made, and no inventory has named since."""
    try:
        known = hosts().values()
        used = {host.instance_id for host in known}
        used |= {str(host.variables.get("carscribe_volume_id")) for host in known}
    except DeploymentError:
        if (BUILD / "inventory.yml").exists():
            return set()  # it is damaged, and may have named them
        used = set()
    return planned.broken_off(kind) - used


def _ask_about_losses(planned: provision.Plan, options: Options) -> None:
    """Ask before images are removed, hosts made anew or results destroyed."""
    if volumes := planned.removed("aws_ebs_volume", "id") - _never_used(planned, "aws_ebs_volume"):
        ask(f"The volumes {', '.join(sorted(volumes))} would be destroyed, and all runs.", options)
    if machines := planned.made_anew("aws_instance", "id") - _never_used(planned, "aws_instance"):
        why = "`make plan` shows why: another instance_type, say."
        if keys := planned.removed("aws_key_pair", "public_key"):
            why = _where_the_key_is(keys.pop())
        ask(
            f"The hosts {', '.join(sorted(machines))} would be made anew (their volumes and runs "
            f"stay). {why}",
            options,
        )
    if gone := planned.removed("aws_s3_object", "key"):
        new = planned.made("aws_s3_object", "key")
        ask(
            f"Of the bucket {len(gone)} images would be removed ({_some(gone)}), and {len(new)} "
            f"added ({_some(new)}).",
            options,
        )


def _where_the_key_is(public_key: str) -> str:
    """Say that the hosts have another key than this checkout, and what keeps them."""
    which = (
        f"They were made with another SSH key than this checkout has ({fingerprint(public_key)})"
    )
    if found := find_key(public_key, Path.home() / ".ssh"):
        given = f"-var=ssh_private_key_file={found} -var=ssh_public_key_file={found}.pub"
        return f"{which}, and it is {found}: TERRAFORM_ARGUMENTS='{given}' keeps them."
    return (
        f"{which}: copy {shown(provision.KEY.parent)} from the checkout that made them, and they "
        "are kept."
    )


def _some(keys: set[str]) -> str:
    first = sorted(keys)[:3]
    return (", ".join(first) or "none") + (", ..." if len(keys) > len(first) else "")


def ask(question: str, options: Options) -> None:
    """Go on if the person says so, or has said YES=1.

    Raises:
        DeploymentError: not.
    """
    if options.yes:
        return
    if not agrees(question, f"{question} Nothing was done: YES=1 goes on all the same."):
        raise DeploymentError("Nothing was done.")


def initialized(target: Target, deployment: provision.Deployment) -> Terraform:
    """Return Terraform in the target's environment, ready for its state.

    Raises:
        DeploymentError: it is missing, has no provider, or its backend was changed.
    """
    target.check_credentials()
    terraform = Terraform(deployment, target.environment())
    terraform.initialize()
    return terraform


def known(target: Target) -> State:
    """Return what Terraform remembers of the target.

    Raises:
        DeploymentError: that cannot be read; says why.
    """
    deployment = provision.Deployment(target.name, BUILD / target.name)
    if not deployment.state.exists():
        return State({})
    terraform = Terraform(deployment, target.environment())
    terraform.initialize()
    return terraform.known()


def _may_be_up(target: Target) -> bool:
    """Tell whether something was made, or that cannot be known."""
    deployment = provision.Deployment(target.name, BUILD / target.name)
    try:
        remembered = known(target)
        return bool(remembered.resources or removal.buckets_beside(deployment, remembered))
    except DeploymentError:
        return True


def playbook(steps: Steps, name: str, **variables: Any) -> None:
    """Run one of the playbooks, as `ansible-playbook` from ansible/ would.

    Raises:
        DeploymentError: there are no hosts.
        StepError: it failed, and why has been said.
    """
    hosts()  # or say that nothing is up
    playbooks.play(steps, name, variables, ansible_environment())


def ansible_environment() -> dict[str, str]:
    """Return the environment of Ansible: our configuration, and none of the user's."""
    environ = targets.present().surroundings()
    temporary = temporary_folder()
    return {
        **{name: value for name, value in environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_HOME": str(temporary / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(temporary / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(temporary / "ssh"),
        "LC_ALL": UTF_8,
        "PYTHONWARNINGS": "ignore",
        "TMPDIR": str(temporary),
    }


def awake() -> None:
    """Start the hosts that are stopped, and wait for them.

    Raises:
        DeploymentError: nothing is up, or they cannot be started.
    """
    hosts()  # or say that nothing is up
    waking.awake(targets.present())


def run(options: Options) -> int:
    """Make a run and follow it, or go on with one: with bars on a terminal."""
    steps = Steps("run", verbose=options.verbose)
    awake()
    make_run(
        options.run_id,
        yes=options.yes,
        start=lambda variables: playbook(steps, "start", **variables),
    )
    if missing := targets.present().unseen():
        print(NOT_LOOKED_AT.format(missing=missing), file=sys.stderr)
    return 0


def results(options: Options) -> int:
    """Fetch a run, the latest by default, and merge what the workers wrote."""
    steps = Steps("results", verbose=options.verbose)
    awake()
    return fetch(steps, options.run_id, thumbnails=options.thumbnails)[1]


def fetch(
    steps: Steps, run_id: str = "", *, last: bool = False, thumbnails: int = THUMBNAILS
) -> tuple[Path, int]:
    """Fetch and merge a run; return its folder, and the exit code that tells whether it is whole.

    Args:
        steps: of the command.
        run_id: of the run; the latest if it is empty.
        last: whether there will be no other time, so that each host has to answer.
        thumbnails: of how many images one is fetched from the bucket, over the caller's own line.

    Raises:
        DeploymentError: there is no such run, or not all that is to come has come.
        StepError: it could not be merged; why has been said.
    """
    bucket = str(hosts()["a"].variables["carscribe_bucket"])
    folder, silent = fetch_run(reached(), run_id, RESULTS)
    write_whole(BUILD / "fetched-run", f"{folder}\n")
    merge = [sys.executable, "-m", "carscribe.results", str(folder), "--bucket", bucket]
    merge += ["--thumbnails", str(thumbnails)]
    target = targets.present()
    steps.run(*merge, *([] if target.is_paid else ["--unpaid"]), env=target.environment())
    if silent and last:
        names = listed(name.upper() for name in silent)
        raise DeploymentError(
            f"Host {names} does not answer, and what it has is missing; what the others have is in "
            f"{shown(folder)}."
        )
    return folder, say_result(folder, silent, thumbnails, len(hosts()) // len(WORKERS))


def keep_state(options: Options) -> int:
    """Keep Terraform's state in a bucket from now on."""
    backend.keep_in(targets.Aws(), options.bucket)
    return 0


def verify(options: Options) -> int:
    """Test the hosts that are up."""
    del options
    awake()
    command = [sys.executable, "-m", "pytest", "-q", "tests/live"]
    return subprocess.run(command, cwd=CHECKOUT, env=ansible_environment(), check=False).returncode


def status(options: Options) -> int:
    """Say what is up, what runs, what it has cost, and what other checkouts have made."""
    del options
    present = target_that_is_up()
    if present is None:
        print(NOTHING_IS_UP)
        return look_elsewhere()
    target = targets.of(present)
    states = waking.states(target, hosts())
    look.status(states)
    print(f"cost      {spent(target, states)}")
    return 0


def spent(target: Target, states: Mapping[str, str]) -> str:
    """Say what the deployment has cost so far, and what goes on costing.

    Args:
        target: where it is.
        states: EC2's of each host, by short name; a host of which nothing is known is taken for up.
    """
    if not target.is_paid:
        return "nothing: no AWS account is used"
    deployment = provision.Deployment(target.name, BUILD / target.name)
    inputs = provision.made_with(deployment)
    since = inputs.get("since")
    if not isinstance(since, int | float):
        return "unknown: it was made by an earlier release; addresses, volumes and hosts cost on"
    terraform = Terraform(deployment, target.environment())
    values = provision.values(terraform, [*inputs.get("given", []), *provision.NO_KEYS])
    hours = (time.time() - since) / 3600
    kind, gib = str(values["instance_type"]), float(values["result_volume_size_gib"])
    pairs = int(values["pairs"])
    usd = cost.usd_per_hour(kind, gib, pairs=pairs)
    when = f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"
    stopped = sum(state in waking.STOPPED for state in states.values())
    now = cost.usd_per_hour(kind, gib, pairs=pairs, stopped=stopped)
    if usd is None:
        return f"up since {when}; an hour costs what {kind} cost"
    so_far = f"about ${usd * hours:.2f} since {when}"
    if stopped:
        so_far = f"at most ${usd * hours:.2f} since {when}"
    still = "addresses and volumes cost on while hosts are stopped" if stopped else "hosts and all"
    return (
        f"{so_far}, and ${now:.3f} each further hour ({still}) until `make down`; runs not counted"
    )


def logs(options: Options) -> int:
    """Print the last lines of the workers' journals."""
    awake()
    look.logs(options.host, options.lines)
    return 0


def ssh(options: Options) -> int:
    """Open a shell on a host, or run a command there."""
    if not options.host:
        raise DeploymentError("Say which host: `make ssh HOST=a` or `make ssh HOST=b`.")
    [chosen] = choose_hosts(options.host)
    awake()
    if not options.command:
        return look.shell(chosen)
    return subprocess.run([*chosen.ssh(), options.command], check=False).returncode


def down(options: Options) -> int:
    """Remove everything, whatever state it is in, and say what is verified to be gone."""
    try:
        present = target_that_is_up()
    except DeploymentError:
        present = None  # what lies in build/ says it, too
    leaves = was_made if present else has_traces
    names = [name for name in TARGETS if name == present or leaves(name)]
    names.sort(key=lambda name: name != present)
    if not names and provision.BACKEND_OVERRIDE.exists():
        names = [targets.Aws.name]  # a state that other checkouts share
    if not names:
        return look_elsewhere()
    steps = Steps("down", verbose=options.verbose)
    for name in names:
        remove(steps, targets.of(name), options)
    for name in FORGOTTEN:
        (BUILD / name).unlink(missing_ok=True)
    remember_target(None)
    clear(temporary := temporary_folder())
    temporary.rmdir()
    return 0


def remove(steps: Steps, target: Target, options: Options) -> None:
    """Remove one target.

    Raises:
        DeploymentError: its state cannot be read or is another account's, or something of the
            user's would be lost.
        StepError: something is there still, or AWS does not say.
    """
    folder = BUILD / target.name
    deployment = provision.Deployment(target.name, folder)
    if target.answers():
        target.check_credentials()
        remembered = _remembered(target, options)
        provision.refuse_another_account(deployment, remembered)
        save_what_is_the_users(steps, target, remembered, options)
        _destroy(steps, target, deployment, remembered)
    else:
        # What the emulator knew went with it, but its hosts may go on.
        if not options.yes:
            answering = [name for name, one in remains.ask_hosts().items() if not one.problem]
            _save_runs(steps, options, answering)
        deployment.state_file.unlink(missing_ok=True)
    target.after_destroy(steps)
    shutil.rmtree(folder, ignore_errors=True)
    steps.say(f"Down after {steps.seconds():.0f} s. Results stay in {shown(RESULTS)}.")


def _remembered(target: Target, options: Options) -> State:
    """Return what Terraform remembers; nothing where that is of no matter.

    The emulator takes all that it knows with it, so its state may be done without, if asked.
    """
    try:
        return known(target)
    except DeploymentError as problem:
        if target.is_lasting:
            raise
        if not options.yes:
            raise DeploymentError(
                f"{problem} `make down YES=1` removes the emulator with all its hosts without it."
            ) from None
        return State({})


def save_what_is_the_users(
    steps: Steps, target: Target, remembered: State, options: Options
) -> None:
    """Fetch the runs that were not fetched, and ask before anything else would be lost.

    Raises:
        DeploymentError: the person does not agree, or is not there to be asked.
    """
    if not options.yes:
        with suppress(DeploymentError):  # what they have and is not fetched is asked about below
            awake()
    if busy := remains.running():
        ask(f"A run is in progress on {listed(busy)}, and would be lost.", options)
    if not options.yes:
        _save_runs(steps, options)
    _ask_about_hosts_out_of_reach(target, remembered, options)
    uploaded = {str(one["key"]) for one in remembered.of_type("aws_s3_object")}
    prefix = str(remembered.outputs.get("results_prefix") or "")

    def is_result(key: str) -> bool:
        return bool(prefix) and key.startswith(prefix)

    def is_theirs(key: str) -> bool:
        return key not in uploaded and not is_result(key)

    deployment = provision.Deployment(target.name, BUILD / target.name)
    buckets = {str(one["id"]) for one in remembered.of_type("aws_s3_bucket")}
    for bucket in sorted(buckets | removal.buckets_beside(deployment, remembered)):
        for what, is_meant, under in (
            ("results that the workers put there", is_result, prefix),
            ("objects that `make up` did not upload", is_theirs, ""),
        ):
            if found := remains.objects(target.session(), bucket, is_meant, under):
                ask(
                    f"The bucket {bucket} holds {what} ({_some(found)}), and they would be deleted.",
                    options,
                )


def _ask_about_hosts_out_of_reach(target: Target, remembered: State, options: Options) -> None:
    """Ask where there are hosts and nothing here says how they are reached: they may hold runs."""
    if not remembered.of_type("aws_instance"):
        return
    made_here = provision.Deployment(target.name, BUILD / target.name).inputs.exists()
    if provision.BACKEND_OVERRIDE.exists() and not made_here:
        ask(
            "The hosts were made from another checkout, and which of their runs were not fetched "
            "cannot be known here (`make up` here first mends that): they would be lost.",
            options,
        )
        return
    try:
        hosts()
    except DeploymentError:
        if any(one["name"] == "inventory" for one in remembered.resources):  # it was written
            ask(INVENTORY_LOST, options)


def _save_runs(steps: Steps, options: Options, names: Collection[str] | None = None) -> None:
    """Fetch what the hosts that answer have, then ask about all that would be lost."""
    lost, unfinished = [], []
    runs, silent = remains.unfetched(RESULTS, names)
    for run_id in runs:
        steps.say(f"Fetching run {run_id}, which was not fetched yet")
        try:
            if fetch(steps, run_id, last=True)[1]:
                unfinished.append(run_id)
        except DeploymentError as problem:
            if str(problem):
                print(problem, file=sys.stderr)
            lost.append(run_id)
    if silent:
        said = (
            f"{listed(silent)} cannot be asked for runs that were not fetched, which would be lost "
            "(`make up` may mend it)."
        )
        if options.yes:
            print(said, file=sys.stderr)
        ask(said, options)
    if lost:
        ask(
            f"Run{'s' * (len(lost) > 1)} {listed(lost)} could not be fetched whole: the rest would be lost.",
            options,
        )
    if unfinished:
        ask(
            f"What there is of {', '.join(unfinished)} is fetched, and nobody could go on with it "
            "any more.",
            options,
        )


def _destroy(
    steps: Steps, target: Target, deployment: provision.Deployment, remembered: State
) -> None:
    region = str(remembered.outputs.get("region") or "")
    terraform = Terraform(deployment, target.environment())
    name, named_region = removal.named(terraform)
    if remembered.resources:
        steps.say("Terraform removes what it has made (a minute or two)")
        code, said = removal.destroy(terraform, [], steps)
        _stop_if_interrupted(terraform)
        if code:
            raise steps.failed(code, errors(said))
    buckets = removal.remove_buckets(target.session(), deployment, remembered)
    # Also where the state knows nothing: it may be lost, and AWS is asked then.
    left = removal.say_what_is_left(
        target.session(),
        name,
        region or named_region,
        is_lasting=target.is_lasting,
        removed=bool(remembered.resources or buckets),
    )
    if left:
        raise StepError(left)
    if resources := remembered.counted(buckets):
        print(f"Removed: {resources}.")


def look_elsewhere() -> int:
    """Ask AWS for the deployments of other checkouts, where this one has made nothing.

    Returns:
        0 if there is none or nobody to ask with, else what says that not all is well.
    """
    try:
        check_credentials()
    except CredentialsError as problem:
        print(f"Nothing was made here, and AWS was not asked what is there. {problem}")
        return 0 if problem.are_missing else EXIT_NO_PERMISSION
    target = targets.Aws()
    terraform = Terraform(
        provision.Deployment(target.name, BUILD / target.name), target.environment()
    )
    region = str(provision.values(terraform, provision.NO_KEYS)["region"])
    answer = leftovers.ask(target.session(), region)
    for line in filter(None, [*leftovers.list_found(answer), leftovers.refusals(answer)]):
        print(line)
    if answer.found:
        return EXIT_LEFTOVERS
    if not answer.is_sure:
        return EXIT_NO_PERMISSION
    print(f"Nothing was made here, and in account {answer.account}, {region}, is nothing of ours.")
    return 0


def demo(options: Options) -> int:
    """Show all of it on this machine, and leave nothing but the results."""
    if present := target_that_is_up():
        raise DeploymentError(
            f"TARGET={present} is up in this checkout, and the demo needs the place: "
            "`make down` first, or use what is up with `make run`."
        )
    begun = time.monotonic()
    try:
        up(replace(options, target=targets.Local.name), is_demo=True)
        run(options)
        fetched, _ = fetch(Steps("results", verbose=options.verbose))
    except BaseException:
        print("That did not work; removing what was made")
        down(replace(options, yes=True))
        raise
    down(options)
    print(f"The result, {shown(fetched / 'output.txt')}:")
    print((fetched / "output.txt").read_text(), end="")
    print(
        f"\nThe page: {shown(fetched / 'report.html')}. "
        f"All of it took {time.monotonic() - begun:.0f} s, and nothing is left running."
    )
    return 0


def outcome(error: DeploymentError) -> int:
    """Say an error in a sentence, unless a step has said it, and return its exit code."""
    if not isinstance(error, StepError):
        print(error, file=sys.stderr)
    return error.code


if __name__ == "__main__":  # the name of the command line in earlier releases
    from carscribe.cli import main

    sys.exit(main())
