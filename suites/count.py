"""Numbered lines from a file through three kills with -9, counted one by one in the bucket: lost, duplicated, out of
order, malformed. 300,000 lines, or ten million with --large."""

import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import text
from checks import check, equal, note
from kill import complaints
from suite import Suite

KILLS = 3
# The longest wait between a moment that can be seen from outside and the kill.
LAG_SECONDS_MAX = 0.2


@dataclass
class Count:
    """What was found, of lines numbered from 0 to before `lines`."""

    lines: int
    duplicated: int = 0
    out_of_order: int = 0
    malformed: int = 0
    _seen: bytearray = field(default_factory=bytearray)
    _highest: int = -1

    def __post_init__(self) -> None:
        self._seen = bytearray(self.lines)

    @property
    def lost(self) -> int:
        return self._seen.count(0)

    def take(self, content: bytes) -> None:
        """Counts whole lines."""
        first = self._highest + 1
        count = content.count(b"\n")
        # Nearly always the next ones, exactly.
        if first + count <= self.lines and content == text.numbered(first, first + count):
            fresh = self._seen.count(0, first, first + count)
            self.duplicated += count - fresh
            self._seen[first : first + count] = b"\x01" * count
            self._highest += count
            return
        for line in content.splitlines(keepends=True):
            self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        number = int(line[:12]) if line[:12].isdigit() else self.lines
        if number >= self.lines or line != text.numbered(number, number + 1):
            self.malformed += 1
            return
        self.duplicated += self._seen[number]
        self.out_of_order += number <= self._highest and not self._seen[number]
        self._seen[number] = 1
        self._highest = max(self._highest, number)


def run(suite: Suite) -> None:
    counts_what_it_should()
    suite.server.start()
    lines = suite.size(300_000, 10_000_000)
    what, program, bucket = f"{lines} lines", suite.program(), suite.bucket("count")
    file, queue = suite.directory / "lines", suite.directory / "queue-count"
    with open(file, "wb") as written:
        written.writelines(text.blocks(0, lines))
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "counted", "--compressor", "gzip")
    shape = ("--max-object-size", suite.size(2, 32) << 20, "--part-size", "5MiB")
    started, durable = time.monotonic(), 0
    for kill in range(KILLS):
        # One in each quarter but the last.
        moment = int(lines * (kill + suite.random.random()) / (KILLS + 1))
        with program.start_write(*to, *shape, file, "-") as writer:
            writer.wait_for(lambda writer=writer, moment=moment: writer.durable >= moment, f"{what}: {moment} durable")
            ended = writer.ends_within(suite.random.uniform(0, LAG_SECONDS_MAX))
            check(not ended, f"{what}, kill {kill + 1}: it runs until it is killed", writer.stderr)
            writer.kill()
        check(writer.durable >= durable, f"{what}, kill {kill + 1}: nothing durable was lost", writer.durable)
        durable = writer.durable
        note(f"{what}, kill {kill + 1}: {writer.durable} durable, {writer.uploaded} uploaded")
    done = program.run("write", *to, *shape, file, seconds=3_600)
    seconds = time.monotonic() - started
    equal((done.returncode, complaints(done.stderr)), (0, []), f"{what}: the last run ends well")
    count = Count(lines)
    for content in whole_lines(unzipped(bucket)):
        count.take(content)
    found = (count.lost, count.duplicated, count.out_of_order, count.malformed)
    note(f"{what}: lost {found[0]}, duplicated {found[1]}, out of order {found[2]}, malformed {found[3]}")
    size = file.stat().st_size
    note(f"{what}, {size / 1e6:.0f} MB, {KILLS} kills: {seconds:.1f} s, {size / seconds / 1e6:.0f} MB/s to the bucket")
    equal(found, (0, 0, 0, 0), f"{what}: lost, duplicated, out of order, malformed")
    bucket.check_row(what)
    verified = program.run("verify", "--deep", "--to", bucket.url)
    equal(verified.returncode, 0, f"{what}: verify --deep finds it whole")


def counts_what_it_should() -> None:
    """The counter itself: a wrong stream isn't counted as right."""
    whole = text.numbered(0, 50).splitlines(keepends=True)

    def counted(lines: list[bytes]) -> tuple[int, int, int, int]:
        count = Count(50)
        for at in range(0, len(lines), 10):
            count.take(b"".join(lines[at : at + 10]))
        return count.lost, count.duplicated, count.out_of_order, count.malformed

    equal(counted(whole), (0, 0, 0, 0), "the counter: a whole stream")
    equal(counted(whole[:20] + whole[21:]), (1, 0, 0, 0), "the counter: a lost line")
    equal(counted(whole[:20] + whole[10:]), (0, 10, 0, 0), "the counter: ten lines twice")
    equal(counted([whole[1], whole[0], *whole[2:]]), (0, 0, 1, 0), "the counter: two lines changed about")
    equal(counted([*whole[:9], whole[9][:-5] + b"\n", *whole[10:]]), (1, 0, 0, 1), "the counter: a cut line")


def unzipped(bucket) -> Iterator[bytes]:
    """The streams of all objects, each of which must be one gzip member that ends with a line."""
    for stored in bucket.objects():
        decoder, last = zlib.decompressobj(wbits=31), b"\n"
        body = bucket.client.get_object(Bucket=bucket.name, Key=stored.key)["Body"]
        for chunk in body.iter_chunks(1 << 20):
            content = decoder.decompress(chunk)
            last = content[-1:] or last
            yield content
        check(
            decoder.eof and not decoder.unused_data and last == b"\n",
            f"object {stored.number} is one gzip member that ends with a line",
        )


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of whole lines; a last line without an end is a piece, too."""
    held = b""
    for chunk in chunks:
        held += chunk
        end = held.rfind(b"\n") + 1
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held
