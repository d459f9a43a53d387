"""Debian packages that a suite needs beyond what the machine has. Knows which program is in which of them."""

import os
import shutil
import subprocess

PACKAGES = {
    "mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "mount": "mount", "losetup": "mount",
    "ip": "iproute2", "iptables": "iptables",
    "cmake": "cmake", "make": "make", "pkg-config": "pkg-config", "protoc": "protobuf-compiler",
}  # fmt: skip
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class Unavailable(Exception):
    """Something can't be had on this machine; the text says what is missing."""


def need(*programs: str) -> None:
    """Installs what is missing. Raises `Unavailable`."""
    missing = sorted({PACKAGES[program] for program in programs if shutil.which(program, path=PATH) is None})
    if not missing:
        return
    try:
        subprocess.run(["apt-get", "update", "-q"], check=True, capture_output=True)
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        subprocess.run(install, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise Unavailable(f"missing, and can't be installed by apt-get: {', '.join(missing)}") from None


def run(*command: object) -> str:
    """A command of the system's to its end; what it printed."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=True, env={**os.environ, "PATH": PATH}
    )
    return done.stdout
