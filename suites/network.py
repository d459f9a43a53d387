"""Hosts on one machine: network namespaces of their own on a bridge, that can be cut off from each other. Needs root;
says what is missing where they can't be had.

Knows nothing of what runs on the hosts.
"""

import contextlib
import ipaddress
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from packages import PATH, Unavailable, need, run

# What bridges and namespaces are called, before the number of the process that made them.
MARK = "s3j"


class Host:
    """A host: a network namespace with one address."""

    def __init__(self, name: str, address: str):
        self.name, self.address = name, address

    def command(self, *command: object) -> list[str]:
        """A command line that runs there."""
        program = shutil.which("ip", path=PATH) or "ip"
        return [program, "netns", "exec", self.name, *map(str, command)]

    def cut_from(self, others: list["Host"]) -> None:
        """From now on it hears nothing of the others, and they nothing of it; connections stay open and silent."""
        for other in others:
            run(*self.command("iptables", "-w", "-A", "INPUT", "-s", other.address, "-j", "DROP"))
            run(*self.command("iptables", "-w", "-A", "OUTPUT", "-d", other.address, "-j", "DROP"))

    def heal(self) -> None:
        """Everything arrives again."""
        run(*self.command("iptables", "-w", "-F"))


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts that reach each other, and that this machine reaches; gone afterwards. Raises `Unavailable`."""
    need("ip", "iptables")
    if os.geteuid() != 0:
        raise Unavailable("network namespaces need root")
    remove_left()
    tag = f"{MARK}{os.getpid()}"
    network = free_network()
    addresses = [str(address) for address, _ in zip(network.hosts(), range(count + 1), strict=False)]
    made = [Host(f"{tag}-{number}", address) for number, address in enumerate(addresses[1:], 1)]
    try:
        try:
            run("ip", "link", "add", tag, "type", "bridge")
            run("ip", "address", "add", f"{addresses[0]}/{network.prefixlen}", "dev", tag)
            run("ip", "link", "set", tag, "up")
            for number, host in enumerate(made, 1):
                add(host, tag, f"{tag}v{number}", network.prefixlen)
                # Where it can't be cut off, it is of no use.
                run(*host.command("iptables", "-w", "-L"))
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"{' '.join(error.cmd[:3])} isn't possible here: {error.stderr.strip()}") from None
        yield made
    finally:
        remove(tag)


def add(host: Host, bridge: str, link: str, prefix_bits: int) -> None:
    run("ip", "netns", "add", host.name)
    run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.name)
    run("ip", "link", "set", link, "master", bridge, "up")
    run("ip", "-n", host.name, "address", "add", f"{host.address}/{prefix_bits}", "dev", "eth0")
    run("ip", "-n", host.name, "link", "set", "eth0", "up")
    run("ip", "-n", host.name, "link", "set", "lo", "up")


def free_network() -> ipaddress.IPv4Network:
    """A private network that this machine has no way to yet."""
    taken = run("ip", "-4", "route", "show")
    for third in random.sample(range(256), 256):
        if f"10.231.{third}." not in taken:
            return ipaddress.IPv4Network(f"10.231.{third}.0/24")
    raise Unavailable("no private network is free")


def remove_left() -> None:
    """Removes what a run left that was killed."""
    for place in (Path("/sys/class/net"), Path("/run/netns")):
        for left in place.glob(f"{MARK}[0-9]*") if place.is_dir() else ():
            pid = "".join(c for c in left.name.removeprefix(MARK).split("-")[0].split("v")[0] if c.isdigit())
            if not Path("/proc", pid).exists():
                remove(f"{MARK}{pid}")


def remove(tag: str) -> None:
    """Removes the hosts and the bridge of a run; links go with their namespaces."""
    quiet = {"capture_output": True, "check": False, "env": {**os.environ, "PATH": PATH}}
    for namespace in Path("/run/netns").glob(f"{tag}-*"):
        subprocess.run(["ip", "netns", "delete", namespace.name], **quiet)
    for link in Path("/sys/class/net").glob(f"{tag}v*"):
        subprocess.run(["ip", "link", "delete", link.name], **quiet)
    subprocess.run(["ip", "link", "delete", tag], **quiet)
