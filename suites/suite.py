"""What each suite is given: the program's path, the size, a seed, and a place of its own that is gone afterwards."""

import contextlib
import fcntl
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import environment
import volume
from bucket import Bucket
from program import Program
from store import ADMIN, SeaweedFS

PLACE = "place-"


@dataclass
class Suite:
    """One suite's run."""

    path: Path
    large: bool
    random: random.Random
    directory: Path
    server: SeaweedFS

    def size(self, small: int, large: int) -> int:
        """The one of two sizes that is asked for."""
        return large if self.large else small

    def program(self, keys: tuple[str, str] = ADMIN) -> Program:
        """The program with somebody's keys."""
        return Program(self.path, self.server.environment(keys))

    def bucket(self, prefix: str) -> Bucket:
        """A prefix of the bucket."""
        return Bucket(self.server, prefix)


@contextlib.contextmanager
def opened(name: str, path: Path, large: bool, seed: int) -> Iterator[Suite]:
    """A suite with its place, and a server in it that isn't started; everything is ended and removed at the end."""
    environment.HOME.mkdir(parents=True, exist_ok=True)
    with open(environment.HOME / "places.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in environment.HOME.glob(f"{PLACE}*"):
            remove_left(left)
        directory = Path(tempfile.mkdtemp(prefix=f"{PLACE}{name}-", dir=environment.HOME))
        held = os.open(directory, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with SeaweedFS(directory / "server") as server:
            yield Suite(path, large, random.Random(f"{name} {seed}"), directory, server)
    finally:
        volume.remove_mounts(directory)
        shutil.rmtree(directory, ignore_errors=True)
        os.close(held)


def remove_left(directory: Path) -> None:
    """Removes what a run left that was killed; one that still runs holds its place locked."""
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        SeaweedFS(directory / "server").remove()
        volume.remove_mounts(directory)
        shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(held)
