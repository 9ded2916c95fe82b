"""The VPC's subnet as a bridge, and Elastic IPs as address translation.

The engines' own networks are not used: a bridge, a pair of interfaces for
each host and one nftables table are the same under every engine, need no
port to be free (the machine's own sshd may hold port 22 everywhere), and go
away with two commands.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.hosts.errors import INSTEAD, HostsError
from emulator.hosts.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.hosts.deployment import Deployment
    from emulator.hosts.instances import Instance

SSH_PORT = 22


def bridge(deployment: Deployment) -> str:
    """Return the name of the deployment's bridge."""
    return f"cs-{deployment.id}"


def table(deployment: Deployment) -> str:
    """Return the name of the deployment's nftables table."""
    return f"carscribe_{deployment.id}"


def gateway(cidr: str) -> str:
    """Return a subnet's gateway: its first address, as in every VPC."""
    return str(next(ipaddress.ip_network(cidr).hosts()))


def check_free(deployment: Deployment, cidrs: Sequence[str]) -> None:
    """Refuse a subnet that this machine uses already, and name who uses it."""
    interfaces = {item["ifname"]: item for item in _ip("link", "show")}
    for route in _ip("route", "show", "table", "main"):
        device, destination = route.get("dev", ""), route.get("dst", "default")
        if device == bridge(deployment) or destination == "default":
            continue
        for cidr in cidrs:
            if not ipaddress.ip_network(cidr).overlaps(ipaddress.ip_network(destination)):
                continue
            alias = interfaces.get(device, {}).get("ifalias", "")
            if alias.startswith("carscribe "):
                raise HostsError(
                    f"The hosts of {alias.removeprefix('carscribe ')} use the subnet {cidr} on "
                    "this machine: run 'make down' there first, or give this deployment another "
                    "vpc_cidr."
                )
            raise HostsError(
                f"The subnet {cidr} overlaps with {destination} on the interface {device}: "
                f"give Terraform another vpc_cidr. {INSTEAD}"
            )


def ensure(deployment: Deployment, cidrs: Sequence[str]) -> None:
    """Make the bridge, with the gateway's address of each subnet."""
    name = bridge(deployment)
    check_free(deployment, cidrs)
    if not _exists(name):
        run(["ip", "link", "add", name, "type", "bridge"])
    run(["ip", "link", "set", name, "alias", f"carscribe {deployment.state}"])
    # SSH comes from a loopback address: the kernel drops such packets otherwise.
    Path(f"/proc/sys/net/ipv4/conf/{name}/route_localnet").write_text("1\n", encoding="utf-8")
    # The rules below speak of IPv4 alone, so let the bridge have nothing else.
    Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1\n", encoding="utf-8")
    run(["ip", "link", "set", name, "up"])
    wanted = {f"{gateway(cidr)}/{ipaddress.ip_network(cidr).prefixlen}" for cidr in cidrs}
    present = {
        f"{entry['local']}/{entry['prefixlen']}"
        for item in _ip("address", "show", "dev", name)
        for entry in item.get("addr_info", [])
        if entry.get("family") == "inet"
    }
    for address in present - wanted:
        run(["ip", "address", "delete", address, "dev", name])
    for address in wanted - present:
        run(["ip", "address", "add", address, "dev", name])


def is_connected(pid: int) -> bool:
    """Tell whether `connect` came to its end for the host whose first process is `pid`."""
    inside = ["nsenter", "--target", str(pid), "--net", "ip", "route", "show", "default"]
    return bool(run(inside, check=False).stdout.strip())


def connect(deployment: Deployment, instance: Instance, pid: int) -> None:
    """Give the host whose first process is `pid` its eth0; it boots once it has a default route."""
    network = ipaddress.ip_network(instance.subnet_cidr)
    digest = hashlib.sha256(instance.id.encode()).hexdigest()
    outer, peer = f"csv-{digest[:8]}", f"csp-{digest[:8]}"
    # The same over every boot, or the machine's ARP cache leads nowhere for half a minute.
    hardware = ":".join(["0a", *(digest[at : at + 2] for at in range(0, 10, 2))])
    inside = ["nsenter", "--target", str(pid), "--net", "ip"]
    # What is left of an earlier boot, if the kernel has not taken it away yet.
    run(["ip", "link", "delete", outer], check=False)
    ends = [outer, "type", "veth", "peer", "name", peer, "address", hardware]
    run(["ip", "link", "add", *ends, "netns", str(pid)])
    run(["ip", "link", "set", outer, "master", bridge(deployment), "up"])
    run([*inside, "address", "add", f"{instance.address}/{network.prefixlen}", "dev", peer])
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "link", "set", peer, "name", "eth0", "up"])
    run([*inside, "route", "add", "default", "via", gateway(instance.subnet_cidr)])
    # An earlier instance may have had the address, under another hardware address.
    run(["ip", "neighbour", "flush", "to", instance.address, "dev", bridge(deployment)])


def translate(deployment: Deployment, instances: Sequence[Instance], port: int) -> None:
    """Make SSH on each Elastic IP reach its host, and keep hosts to the emulator alone."""
    name = bridge(deployment)
    elastic = [item for item in instances if item.elastic_address]
    rules = [
        f"table ip {table(deployment)} {{}}",
        f"delete table ip {table(deployment)}",
        f"table ip {table(deployment)} {{",
        "  chain elastic {",
        "    type nat hook output priority -100;",
        *(
            f"    ip daddr {item.elastic_address} tcp dport {SSH_PORT} "
            f"dnat to {item.address}:{SSH_PORT}"
            for item in elastic
        ),
        "  }",
        "  chain return_path {",
        "    type nat hook postrouting priority 100;",
        f'    oifname "{name}" ip saddr 127.0.0.0/8 masquerade',
        "  }",
        "  chain machine {",
        "    type filter hook input priority 0;",
        f'    iifname != "{name}" accept',
        "    ct state established,related accept",
        f"    tcp dport {port} accept",
        "    icmp type echo-request accept",
        "    drop",
        "  }",
        "}",
    ]
    run(["nft", "-f", "-"], text="\n".join(rules) + "\n")


def interfaces(deployment: Deployment) -> list[str]:
    """Return the deployment's interfaces on this machine, the bridge last."""
    name = bridge(deployment)
    links = _ip("link", "show")
    ports = [item["ifname"] for item in links if item.get("master") == name]
    return ports + [item["ifname"] for item in links if item["ifname"] == name]


def remove(deployment: Deployment) -> None:
    """Take the interfaces and the table away."""
    run(["nft", "delete", "table", "ip", table(deployment)], check=False)
    for name in interfaces(deployment):
        run(["ip", "link", "delete", name], check=False)


def _exists(name: str) -> bool:
    return any(item.get("ifname") == name for item in _ip("link", "show"))


def _ip(*arguments: str) -> list[dict[str, Any]]:
    output = run(["ip", "-json", *arguments]).stdout
    return [item for item in json.loads(output or "[]") if item]
