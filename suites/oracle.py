"""What must be in the bucket, from what each run was fed and what its receipts told.

Independent of the program's own reader: the bucket is listed and read by boto3, decoded by other people's decoders.
Each line fed tells its run and its number in it, so that nothing else needs to be believed: not `status`, nor the
program's count of what it took.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import decoders
import text
from bucket import Bucket, Stored
from checks import check, equal, note

MIB = 1 << 20
LINE = re.compile(rb"(\d{6}) (\d{9}) ")
DECODERS = {"journal": decoders.as_it_is, "gz": decoders.one_gzip_member, "zst": decoders.zstd_program}


@dataclass
class Found:
    """What a bucket holds, and what is wrong with it."""

    lines: int = 0
    # Lines twice, out of order, cut, never fed; objects that aren't one stream.
    problems: list[str] = field(default_factory=list)
    # Lines that were told durable and aren't there.
    missing: list[str] = field(default_factory=list)


@dataclass
class Run:
    """One run of the program."""

    fed: int
    # Counts since the local directory was made, as the last receipt told them.
    durable: int = 0
    uploaded: int = 0


class Lines:
    """Numbered lines of this machine's real text."""

    def __init__(self, pool_bytes: int = 2 * MIB):
        # Four of the machine's lines make one: with bytes in it, not only numbers.
        content = text.machine(pool_bytes).replace(b"\n", b" ")
        self._pool = [content[at : at + 40 + at % 311] for at in range(0, len(content), 160)]

    def line(self, run: int, number: int) -> bytes:
        """A line, without its end."""
        return b"%06d %09d %s" % (run, number, self._pool[(run * 7_919 + number) % len(self._pool)])

    def blocks(self, run: int, end: int, first: int = 0):
        """The lines of a run, in blocks."""
        for start in range(first, end, 2_000):
            yield b"".join([self.line(run, number) + b"\n" for number in range(start, min(start + 2_000, end))])


class Oracle:
    """Runs of one journal, and what follows for its bucket."""

    def __init__(self, lines: Lines):
        self.lines = lines
        self.runs: list[Run] = []

    def begin(self, fed: int) -> int:
        """A run that is fed so many lines at most; its number."""
        self.runs.append(Run(fed))
        return len(self.runs) - 1

    def end(self, run: int, durable: int, uploaded: int) -> None:
        """What the run's receipts had told when it ended."""
        self.runs[run].durable, self.runs[run].uploaded = durable, uploaded

    def check(self, bucket: Bucket, directory: Path, what: str, all_of_file: bool = False) -> int:
        """Checks that every line told durable is there once, in order, and of the others of each run a prefix, once;
        `all_of_file`: every line of every run, because the program went on with a file. The number of lines there."""
        objects = bucket.objects()
        found = self.examine(read(bucket, objects, directory), all_of_file)
        check(not found.problems, f"{what}: each line is there once, in order, whole", found.problems[:5])
        check(not found.missing, f"{what}: every line told durable is there", found.missing[:5])
        lost = sum(run.fed for run in self.runs) - found.lines
        note(f"{what}: {found.lines} lines in {len(objects)} objects; {lost} were fed and never called durable")
        return found.lines

    def examine(self, objects: Iterable[tuple[str, int, bytes]], all_of_file: bool = False) -> "Found":
        """What is wrong with objects, given by key, first entry and decoded content."""
        arrived = [0] * len(self.runs)
        found = Found()
        latest = 0
        for key, first, content in objects:
            if first != found.lines:
                found.problems.append(f"{key} says that it begins with entry {first}, and it is {found.lines}")
            if content and not content.endswith(b"\n"):
                found.problems.append(f"{key} ends within a line")
            for line in content.split(b"\n")[:-1]:
                run, problem = self._place(line, arrived, latest)
                if problem:
                    found.problems.append(f"{key}, entry {found.lines}: {problem}")
                else:
                    latest = run
                found.lines += 1
        before = 0
        for number, run in enumerate(self.runs):
            before += arrived[number]
            if before < max(run.durable, run.uploaded):
                found.missing.append(f"run {number} was told {run.durable} durable, {before} are there")
            if all_of_file and arrived[number] != run.fed:
                found.missing.append(f"run {number}: {arrived[number]} of the file's {run.fed} lines")
        return found

    def _place(self, line: bytes, arrived: list[int], latest: int) -> tuple[int, str]:
        """Counts a line; its run, or what is wrong with it."""
        match = LINE.match(line)
        if match is None:
            return 0, f"no line that was fed: {line[:60]!r}"
        run, number = int(match[1]), int(match[2])
        if run >= len(self.runs) or number >= self.runs[run].fed or line != self.lines.line(run, number):
            return 0, f"no line that was fed: {line[:60]!r}"
        if run < latest:
            return 0, f"a line of run {run} after one of run {latest}"
        if number != arrived[run]:
            return 0, f"run {run}: line {number} where {arrived[run]} should be"
        arrived[run] += 1
        return run, ""


def read(bucket: Bucket, objects: list[Stored], directory: Path) -> Iterator[tuple[str, int, bytes]]:
    """Objects by key, first entry and decoded content; what isn't one stream has none."""
    directory.mkdir(parents=True, exist_ok=True)
    for stored in objects:
        path = directory / stored.key.rpartition("/")[2]
        bucket.client.download_file(bucket.name, stored.key, str(path))
        try:
            yield stored.key, stored.first, DECODERS[stored.key.rpartition(".")[2]](path)
        except ValueError as error:
            # Never the end of a line: it is told, and so is what is missing.
            yield stored.key, stored.first, str(error).encode()
        finally:
            path.unlink()


def notices(lines: Lines) -> None:
    """The oracle itself: a wrong bucket isn't taken for a right one."""
    oracle = Oracle(lines)
    for fed, durable in ((6, 4), (5, 6), (4, 0)):
        oracle.end(oracle.begin(fed), durable, 0)

    def examined(*kept: tuple[int, int], cut: bool = False) -> tuple[bool, bool]:
        content = b"".join(lines.line(run, number) + b"\n" for run, number in kept)
        found = oracle.examine([("a key", 0, content[:-3] if cut else content)])
        return bool(found.problems), bool(found.missing)

    right = [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1), (2, 0)]
    for what, kept, expected in (
        ("right", right, (False, False)),
        ("the last, never durable, lost", right[:-1], (False, False)),
        ("a durable line lost at the end of a run", [*right[:3], *right[5:]], (False, True)),
        ("a line lost in between", [*right[:2], *right[3:]], (True, False)),
        ("a line twice", [*right[:3], *right[2:]], (True, False)),
        ("two lines changed about", [right[1], right[0], *right[2:]], (True, False)),
        ("a run after the next", [*right[:2], *right[5:7], *right[2:5], right[7]], (True, False)),
        ("a line that was never fed", [*right, (2, 4)], (True, False)),
    ):
        found = examined(*kept)
        check(found[0] == expected[0] and found[1] >= expected[1], f"the oracle: {what}", found)
    equal(examined(*right, cut=True)[0], True, "the oracle: a cut line")


def check_closed(bucket: Bucket, what: str, incarnations: int = 1) -> None:
    """The names in a row for each incarnation, and no upload left open."""
    objects = bucket.objects()
    equal(len({stored.incarnation for stored in objects}), incarnations, f"{what}: incarnations in the bucket")
    if incarnations == 1:
        equal([stored.number for stored in objects], list(range(len(objects))), f"{what}: each number is there once")
    uploads = bucket.open_uploads()
    check(not uploads, f"{what}: no multipart upload is left open", uploads)
