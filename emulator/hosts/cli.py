"""The commands of the local hosts: `python -m emulator up`, `down` and the like."""

from __future__ import annotations

import argparse
import functools
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.hosts import image, instances, network, packages, preflight, server, teardown, watch
from emulator.hosts.deployment import Deployment, read_json, write_json
from emulator.hosts.engine import Engine
from emulator.hosts.errors import HostsError
from emulator.hosts.lifecycle import Hosts
from emulator.hosts.process import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.hosts.engine import Container
    from emulator.hosts.instances import Instance

EXIT_CANNOT = 78
CHANGE_SECONDS = 90.0


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the hosts' commands to the command line."""

    def add(
        name: str, text: str, command: Callable[[argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        parser = subparsers.add_parser(name, help=text, description=text)
        parser.set_defaults(command=functools.partial(_carry_out, command))
        return parser

    look = add("check", "say whether this machine can carry the local hosts", check)
    look.add_argument("--subnet", help="see too whether this network is free")
    add("install", "install the packages that the local hosts need", install)
    start = add("serve-start", "start the emulator in the background unless it runs", serve_start)
    start.add_argument("options", nargs=argparse.REMAINDER, help="options of 'serve'")
    add("env", "print the environment that reaches the emulator, a KEY=VALUE a line", env)
    add("up", "make a host of every instance in the emulator", up)
    add("status", "show the hosts", status)
    for name, text in (
        ("stop", "stop an instance and its host"),
        ("start", "start an instance and its host"),
        ("reboot", "reboot an instance and its host"),
    ):
        add(name, text, functools.partial(change, name)).add_argument("role", metavar="ROLE")
    add("down", "remove the hosts, the emulator and all they left on this machine", down)
    hidden = subparsers.add_parser("watch")
    hidden.add_argument("program")
    hidden.add_argument("record", type=Path)
    hidden.set_defaults(command=lambda options: watch.main(Deployment.here(), options.program))


def _carry_out(command: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    try:
        command(options)
    except HostsError as error:
        print(error, file=sys.stderr)
        return EXIT_CANNOT
    except KeyboardInterrupt:
        return 130
    return 0


def check(options: argparse.Namespace) -> None:
    """Look at this machine and change nothing."""
    found = preflight.look()
    if options.subnet and shutil.which("ip"):  # else it is installed first
        network.check_free(Deployment.here(), [options.subnet])
    print(found)


def install(_options: argparse.Namespace) -> None:
    """Install what is missing on this machine."""
    preflight.prepare()
    packages.install(packages.missing(packages.BUILDER))


def serve_start(options: argparse.Namespace) -> None:
    """Start the emulator; Terraform is applied to it next."""
    deployment = Deployment.here()
    with deployment.lock():
        server.start(deployment, [word for word in options.options if word != "--"])


def env(_options: argparse.Namespace) -> None:
    """Print the environment of the control machine's programs."""
    deployment = Deployment.here()
    for name, value in server.environment(deployment, server.required(deployment)).items():
        print(f"{name}={value}")


def up(_options: argparse.Namespace) -> None:
    """Make the hosts what the API says, and wait until they answer."""
    deployment = Deployment.here()
    program = preflight.prepare()
    url = server.required(deployment)
    started = time.monotonic()
    with deployment.lock():
        engine = _engine(deployment, program)
        snapshot = instances.snapshot(server.ec2_client(deployment, url))
        if not snapshot.instances:
            raise HostsError("The emulator has no instance yet: 'make up TARGET=local' makes them.")
        hosts = Hosts(deployment, engine, url)
        hosts.remove_gone(snapshot)
        gateways = hosts.prepare_network(snapshot.instances)
        for gateway in gateways:
            server.listen_at(deployment, url, gateway)
        hosts.bring_up(snapshot.instances, image.ensure(deployment, engine))
        hosts.wait_until_ready(snapshot.instances)
        watch.start(deployment, program)
    for instance in snapshot.instances:
        if instance.wanted:
            print(f"{instance.name} answers SSH at {instance.elastic_address or instance.address}")
    print(f"The hosts are up after {time.monotonic() - started:.0f} s.")


def _engine(deployment: Deployment, program: str) -> Engine:
    """Return the engine, which stays the same while a deployment is up."""
    record = deployment.state / "hosts" / "engine.json"
    known = (read_json(record) or {}).get("program", program)
    if known != program and Engine(deployment, known).containers():
        raise HostsError(f"The hosts run under {known}: run 'make down' before another engine.")
    write_json(record, {"program": program})
    return Engine(deployment, program)


def _present(deployment: Deployment) -> Engine:
    known = read_json(deployment.state / "hosts" / "engine.json")
    if known is None:
        raise HostsError("The local target is not up: run 'make up TARGET=local' first.")
    return Engine(deployment, str(known["program"]))


def status(_options: argparse.Namespace) -> None:
    """Show what the API says of each instance and what its host does."""
    deployment = Deployment.here()
    url = server.required(deployment)
    snapshot = instances.snapshot(server.ec2_client(deployment, url))
    known = read_json(deployment.state / "hosts" / "engine.json")
    containers = _present(deployment).containers() if known else {}
    print(f"emulator  {url}")
    print(f"watcher   {'running' if recorded(watch.record(deployment)) else 'not running'}")
    for instance in snapshot.instances:
        host = containers.get(instance.id)
        disks = " ".join(f"{item.device}={item.id}" for item in instance.volumes)
        print(
            f"{instance.name}  {instance.id}  {instance.state}  "
            f"host {_state_of(host)}  {instance.address}  {instance.elastic_address or '-'}  {disks}"
        )


def _state_of(host: Container | None) -> str:
    if host is None:
        return "missing"
    return "up" if host.running else "down"


def change(verb: str, options: argparse.Namespace) -> None:
    """Ask the EC2 API for it, as anybody would, and wait until the host has followed."""
    deployment = Deployment.here()
    preflight.check_rights()
    url = server.required(deployment)
    engine = _present(deployment)
    watch.start(deployment, engine.program)
    ec2 = server.ec2_client(deployment, url)
    instance = instances.snapshot(ec2).find(options.role)
    before = engine.containers().get(instance.id)
    if before is None:
        raise HostsError(f"{instance.name} has no host yet: run 'make up TARGET=local' first.")
    call = {
        "stop": ec2.stop_instances,
        "start": ec2.start_instances,
        "reboot": ec2.reboot_instances,
    }
    if verb == "reboot" and not instance.wanted:
        raise HostsError(f"{instance.name} is {instance.state}: start it instead.")
    call[verb](InstanceIds=[instance.id])
    _await_change(engine, instance, verb, before)
    if verb != "stop":
        current = instances.snapshot(ec2).find(instance.id)
        Hosts(deployment, engine, url).wait_until_ready([current])


def _await_change(engine: Engine, instance: Instance, verb: str, before: Container) -> None:
    deadline = time.monotonic() + CHANGE_SECONDS
    while time.monotonic() < deadline:
        now = engine.containers().get(instance.id)
        running_pid = now.pid if now is not None and now.running else None
        followed = {
            "stop": running_pid is None,
            "start": running_pid is not None,
            "reboot": running_pid not in {None, before.pid},
        }
        if followed[verb]:
            return
        time.sleep(0.2)
    raise HostsError(f"{instance.name} did not {verb} within {CHANGE_SECONDS:.0f} s: run it again.")


def down(_options: argparse.Namespace) -> None:
    """Remove everything and look whether it is gone."""
    if sys.platform != "linux":
        return  # there can be nothing
    preflight.check_rights()
    teardown.remove_all(Deployment.here())
    print("Gone: containers, images, network, loop devices, mounts, processes, files.")
