"""Who carries a file to the store, and what is done of it alone. Knows command lines."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pipeline


@dataclass
class Place:
    """What a run is given: its input, where it may write, where it is to upload."""

    source: Path
    directory: Path
    bucket: str
    prefix: str
    programs: Path
    aws: Path

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass
class Contender:
    """One row."""

    name: str
    # What it does: the rows of one group are compared with the first of it.
    group: str
    # What is durable of an entry, and when.
    durable: str
    commands: Callable[[Place], list[list[str]]]
    # How what it stored becomes the input again; None where it stores nothing.
    decoder: tuple[str, ...] | None = None
    # It tells itself what it took, and reads its input before the clock starts.
    tells_itself: bool = False
    # A program that it needs, and the Debian package it is in.
    needs: str | None = None

    def is_there(self) -> bool:
        return self.needs is None or shutil.which(self.needs) is not None

    def run(self, place: Place, env: dict[str, str]) -> pipeline.Run:
        """Carries the file there once."""
        commands = self.commands(place)
        done = pipeline.run(commands, None if self.tells_itself else place.source, env)
        if self.tells_itself:
            told = json.loads(done.out)
            done.seconds = told["seconds"]
            done.programs[0].cpu_seconds = told["cpu_seconds"]
            done.programs[0].memory_bytes = 0
        return done


def journal(*more: str) -> Callable[[Place], list[list[str]]]:
    def commands(place: Place) -> list[list[str]]:
        queue = str(place.directory / "queue")
        write = [str(place.programs / "s3-journal"), "write", "--json", "--to", place.url, "--local-directory", queue]
        return [["cat"], [*write, *more]]

    return commands


def aws(*before: list[str]) -> Callable[[Place], list[list[str]]]:
    def commands(place: Place) -> list[list[str]]:
        return [["cat"], *before, [str(place.aws), "s3", "cp", "--only-show-errors", "-", f"{place.url}/object"]]

    return commands


def alone(what: str, *more: str) -> Callable[[Place], list[list[str]]]:
    def commands(place: Place) -> list[list[str]]:
        where = {"upload": [place.bucket, place.prefix], "disk": [str(place.directory)]}.get(what, [])
        return [[str(place.programs / "alone"), what, str(place.source), *where, *more]]

    return commands


OURS = "each entry within 0.1 s: fsynced here, then stored"
NONE = "nothing before the object is complete"

CONTENDERS = [
    Contender("s3-journal write", "none", OURS, journal(), ("cat",)),
    Contender("s3-journal write --no-fsync", "none", "as the system writes it out", journal("--no-fsync"), ("cat",)),
    Contender("cat | aws s3 cp -", "none", NONE, aws(), ("cat",)),
    Contender("same client, from memory, no queue", "none", NONE, alone("upload"), ("cat",), tells_itself=True),
    Contender("disk: 1 MiB writes, 1 fdatasync", "none", "the file at its end", alone("disk"), tells_itself=True),
    Contender("s3-journal write --compressor gzip", "gzip", OURS, journal("--compressor", "gzip"), ("gzip", "-dc")),
    Contender("gzip -6 | aws s3 cp -", "gzip", NONE, aws(["gzip", "-6"]), ("gzip", "-dc")),
    Contender(
        "pigz -6 -p2 | aws s3 cp -", "gzip", NONE, aws(["pigz", "-6", "-p2"]), ("gzip", "-dc"), needs="pigz"
    ),
    Contender("pigz -6 -p2 alone", "gzip", "-", lambda _: [["cat"], ["pigz", "-6", "-p2"]], needs="pigz"),
    Contender("compressor alone, gzip:6", "gzip", "-", alone("compress", "gzip"), tells_itself=True),
    Contender("s3-journal write --compressor zstd", "zstd", OURS, journal("--compressor", "zstd"), ("zstd", "-dcq")),
    Contender("pigz -6 -p2 | aws s3 cp -", "zstd", NONE, aws(["pigz", "-6", "-p2"]), ("gzip", "-dc"), needs="pigz"),
    Contender("compressor alone, zstd:3", "zstd", "-", alone("compress", "zstd"), tells_itself=True),
    Contender("s3-journal write --compressor lz4", "lz4", OURS, journal("--compressor", "lz4"), None),
    Contender("compressor alone, lz4", "lz4", "-", alone("compress", "lz4"), tells_itself=True),
]
