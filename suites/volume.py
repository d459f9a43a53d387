"""A small file system of its own, from an image file on a loop device: it can be filled, and stopped as if the power
had gone. Needs root; says what is missing where it can't be had.

It is mounted in a mount namespace of this run alone: when the run ends, however it ends, nothing stays mounted, and
the kernel lets the loop device go with the last mount of it.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from checks import wait_until
from packages import Unavailable, need, run

# linux/fs.h: _IOR('X', 125, __u32); with this flag the file system's own log isn't written out either.
FS_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
CLONE_NEWNS = 0x20000
MKFS = {
    # No blocks kept for root, no lazy initialisation that would go on beside the test.
    "ext4": ("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"),
    "xfs": ("mkfs.xfs", "-q", "-K"),
}


class Volume:
    """A mounted file system."""

    def __init__(self, kind: str, image: Path, place: Path):
        self.kind, self.image, self.place = kind, image, place

    def mount(self) -> None:
        """Mounts it; replays its log, if need be."""
        run("mount", "-t", self.kind, "-o", "loop", self.image, self.place)

    def unmount(self) -> None:
        """Unmounts it; whoever used it has ended by now, or ends at once."""
        wait_until(lambda: subprocess.run(["umount", self.place], capture_output=True).returncode == 0, 20, "umount")
        wait_until(lambda: not loops_of(self.image), 20, f"the loop device of {self.image} goes")

    def lose_power(self) -> None:
        """From now on nothing reaches the medium, and whatever wasn't synced never will."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def free_bytes(self) -> int:
        """What anybody may still write."""
        space = os.statvfs(self.place)
        return space.f_bavail * space.f_frsize

    def eat(self, leave_bytes: int, name: str = "eaten") -> None:
        """Another's file takes all room but so much; a smaller one than before gives room back."""
        path = self.place / name
        had = path.stat().st_size if path.exists() else 0
        wanted = max(0, had + self.free_bytes() - leave_bytes)
        with open(path, "ab") as file:
            if wanted < had:
                os.ftruncate(file.fileno(), wanted)
            elif wanted > had:
                # What the file system needs for itself on the way may be missing at the end.
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), 0, wanted)


@contextlib.contextmanager
def mounted(kind: str, directory: Path, size_bytes: int) -> Iterator[Volume]:
    """A fresh file system, mounted at `directory`/mount; gone afterwards. Raises `Unavailable`."""
    program = MKFS[kind][0]
    need(program, "mount", "losetup")
    if os.geteuid() != 0:
        raise Unavailable("mounting needs root")
    own_mounts()
    directory.mkdir(parents=True)
    volume = Volume(kind, directory / "image", directory / "mount")
    volume.place.mkdir()
    try:
        with open(volume.image, "wb") as image:
            image.truncate(size_bytes)
        try:
            run(*MKFS[kind], volume.image)
            volume.mount()
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"{error.cmd[0]} of {kind} isn't possible here: {error.stderr.strip()}") from None
        yield volume
    finally:
        remove_mounts(directory)
        shutil.rmtree(directory, ignore_errors=True)


def own_mounts() -> None:
    """From now on what this process and its children mount is seen by nobody else, and goes with them. Before any other
    thread is begun: a namespace is a thread's."""
    global has_own_mounts
    if has_own_mounts:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise Unavailable(f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}")
    has_own_mounts = True
    run("mount", "--make-rprivate", "/")


def remove_mounts(directory: Path) -> None:
    """Unmounts everything at or below a directory, the last mounted first."""
    for _ in range(3):
        places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        ours = [place for place in places if Path(place) == directory or directory in Path(place).parents]
        if not ours:
            return
        for place in reversed(ours):
            # Whatever still uses it ends with this run.
            subprocess.run(["umount", "--lazy", place], capture_output=True, check=False)


def loops_of(image: Path) -> list[str]:
    """The loop devices with this file."""
    return run("losetup", "--noheadings", "--output", "NAME", "--associated", image).split()


has_own_mounts = False
