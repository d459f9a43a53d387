"""The disk fills while the store is down: nothing accepted is lost, nothing is torn, the next slab is waited for, and
all goes on by itself when there is room again. On a small ext4 without blocks kept for root: real ENOSPC."""

import re
import time

import decoders
import packages
import volume
from checks import check, equal, note, skip, wait_until
from kill import complaints
from oracle import Lines, Oracle, check_closed
from program import Program, lines_said
from suite import Suite

MIB = 1 << 20
VOLUME_BYTES = 64 * MIB
# Some 65 MB, and more than such a volume takes.
LINES = 330_000
STANDS_STILL_SECONDS = 2
NOT_TAKEN = re.compile(r"line (\d+) of standard input was the first not taken(?:; the last ([\d,]+) lines? before it)?")


def run(suite: Suite) -> None:
    decoders.install_programs()
    lines = Lines()
    try:
        with volume.mounted("ext4", suite.directory / "small", VOLUME_BYTES) as mounted:
            suite.server.start()
            blocks(suite, mounted, lines, "one large object", ())
            small = ("--max-object-size", 3 * MIB, "--max-batch-bytes", "64KiB")
            blocks(suite, mounted, lines, "small objects and batches", small)
            killed_while_full(suite, mounted, lines)
            refuses(suite, mounted, lines)
            for left in (0, 2 * MIB):
                eaten(suite, mounted, lines, left)
            full_from_the_start(suite, mounted, lines)
    except packages.Unavailable as missing:
        skip("disk full", missing)


def place(suite: Suite, mounted: volume.Volume, what: str) -> tuple:
    """A bucket's prefix and a directory of its own; what was there before has gone."""
    name = "full-" + "".join(letter if letter.isalnum() else "-" for letter in what)
    queue = mounted.place / "queue"
    for path in (*queue.glob("*"), *mounted.place.glob("eaten*")):
        path.unlink()
    bucket = suite.bucket(name)
    return bucket, ("--to", bucket.url, "--local-directory", queue, "--id", "full"), queue


def stands_still(writer) -> bool:
    """Whether lines have become durable, none has for a while, and no more is read."""
    before = writer.durable, writer.fed
    if not writer.durable and writer.is_running():
        # On a slow machine the opening alone may take as long.
        return False
    time.sleep(STANDS_STILL_SECONDS)
    return (writer.durable, writer.fed) == before


def blocks(suite: Suite, mounted: volume.Volume, lines: Lines, what: str, options: tuple) -> None:
    """`--when-full block`: the input waits, and goes on when the store takes what waits."""
    what = f"disk full, block, {what}"
    program, oracle = suite.program(), Oracle(lines)
    bucket, to, queue = place(suite, mounted, what)
    suite.server.pause()
    with program.start_write(*to, *options) as writer:
        number = oracle.begin(LINES)
        writer.feed(lines.blocks(number, LINES), close=True)
        wait_until(lambda: stands_still(writer), 60, f"{what}: nothing more is taken", 0.1)
        check(writer.is_running() and 0 < writer.durable < LINES, f"{what}: it waits", writer.stderr)
        note(f"{what}: {writer.durable} of {LINES} lines durable, {mounted.free_bytes() >> 10} KiB free")
        stalled = writer.durable
        status = program.status(queue)
        check(status["pending_entries"] >= stalled, f"{what}: status works meanwhile", status)
        suite.server.start()
        equal(writer.wait(), 0, f"{what}: once the store is up it goes on and ends well")
        check_told(writer.stderr, what)
        check(stalled < writer.durable == LINES, f"{what}: all is durable in the end", writer.durable)
        oracle.end(number, writer.durable, writer.uploaded)
    finished(suite, program, bucket, oracle, what, all_of_file=True)


def killed_while_full(suite: Suite, mounted: volume.Volume, lines: Lines) -> None:
    """Killed on a full disk, begun on a full disk, drained."""
    what = "disk full, killed"
    program, oracle = suite.program(), Oracle(lines)
    bucket, to, _ = place(suite, mounted, what)
    suite.server.pause()
    for each in range(3):
        number = oracle.begin(LINES)
        with program.start_write(*to) as writer:
            writer.feed(lines.blocks(number, LINES), close=False)
            wait_until(lambda writer=writer: stands_still(writer), 60, f"{what}: nothing more is taken", 0.1)
            check(writer.is_running(), f"{what}, time {each + 1}: it waits", writer.stderr)
            writer.kill()
        oracle.end(number, writer.durable, writer.uploaded)
    suite.server.start()
    done = program.run("write", *to)
    equal(done.returncode, 0, f"{what}: the next run drains it")
    check_told(done.stderr, what)
    finished(suite, program, bucket, oracle, what)


def refuses(suite: Suite, mounted: volume.Volume, lines: Lines) -> None:
    """`--when-full refuse`: it ends with 75, names the first line not taken, and has kept those before it."""
    what = "disk full, refuse"
    program, oracle = suite.program(), Oracle(lines)
    bucket, to, queue = place(suite, mounted, what)
    suite.server.pause()
    number = oracle.begin(LINES)
    with program.start_write(*to, "--when-full", "refuse") as writer:
        writer.feed(lines.blocks(number, LINES), close=True)
        equal(writer.wait(), 75, f"{what}: it ends with 75")
    last = (writer.stderr.splitlines() or [""])[-1]
    note(last)
    taken = program.status(queue)["next_sequence"]
    # Those that were in memory when the disk was found full are told, too: the sum leads to the first line not kept.
    told = NOT_TAKEN.search(last)
    check(told and "run the same command again" in last, f"{what}: it names the line and what to do", last)
    if told:
        first_not_kept = int(told[1]) - int((told[2] or "0").replace(",", ""))
        equal(first_not_kept, taken + 1, f"{what}: the first line not kept is the one after the last that is")
    equal((writer.durable, writer.uploaded), (taken, 0), f"{what}: the lines before it are durable")
    oracle.end(number, taken, 0)
    oracle.runs[number].fed = taken
    suite.server.start()
    done = program.run("write", *to)
    equal(done.returncode, 0, f"{what}: the next run drains it")
    finished(suite, program, bucket, oracle, what, all_of_file=True)


def eaten(suite: Suite, mounted: volume.Volume, lines: Lines, left_bytes: int) -> None:
    """Another process takes all room but so much, again and again, while slabs are made; and gives it back."""
    what = f"disk full, another takes all but {left_bytes >> 10} KiB"
    program, oracle = suite.program(), Oracle(lines)
    bucket, to, _ = place(suite, mounted, what)
    number = oracle.begin(LINES)
    # Some room to begin with; small objects, so that slabs come and go.
    mounted.eat(8 * MIB)
    with program.start_write(*to, "--max-object-size", "2MiB") as writer:
        writer.feed(lines.blocks(number, LINES), close=True)
        writer.wait_for(lambda: writer.durable > 0, f"{what}: it has begun")
        rounds = 0
        deadline = time.monotonic() + suite.size(6, 60)
        while writer.is_running() and time.monotonic() < deadline:
            mounted.eat(left_bytes)
            time.sleep(suite.random.random() * 0.15)
            mounted.eat(suite.random.randrange(1, 12) * MIB)
            time.sleep(suite.random.random() * 0.15)
            rounds += 1
        (mounted.place / "eaten").unlink()
        note(f"{what}: {rounds} times; {writer.durable} durable by then")
        equal(writer.wait(), 0, f"{what}: with room it goes on and ends well")
        check_told(writer.stderr, what)
        oracle.end(number, writer.durable, writer.uploaded)
    finished(suite, program, bucket, oracle, what, all_of_file=True)


def full_from_the_start(suite: Suite, mounted: volume.Volume, lines: Lines) -> None:
    """No room for a journal at all: it says so, and with room it begins."""
    what = "disk full from the start"
    program, oracle = suite.program(), Oracle(lines)
    bucket, to, _ = place(suite, mounted, what)
    mounted.eat(0)
    done = program.run("write", *to, stdin=b"".join(lines.blocks(0, 10)))
    for line in done.stderr.splitlines():
        note(line)
    equal(done.returncode, 73, f"{what}: it ends with 73")
    check("room" in done.stderr or "space" in done.stderr, f"{what}: it says why", done.stderr)
    (mounted.place / "eaten").unlink()
    number = oracle.begin(10)
    done = program.run("write", *to, stdin=b"".join(lines.blocks(number, 10)))
    equal((done.returncode, lines_said(done.stderr)), (0, []), f"{what}: with room it begins")
    oracle.end(number, 10, 10)
    finished(suite, program, bucket, oracle, what, all_of_file=True)


def check_told(stderr: str, what: str) -> None:
    """Nothing worse than a warning now and then, each on a line of its own."""
    complained = complaints(stderr)
    errors = [
        line for line in complained if " ERROR " in line or "panicked" in line or line.startswith("s3-journal: error")
    ]
    check(not errors and len(complained) <= 12, f"{what}: it warns, in few lines", stderr)
    for line in complained[:3]:
        note(line)


def finished(suite: Suite, program: Program, bucket, oracle: Oracle, what: str, all_of_file: bool = False) -> None:
    oracle.check(bucket, suite.directory / "objects", what, all_of_file)
    check_closed(bucket, what)
    equal(program.run("verify", "--deep", "--to", bucket.url).returncode, 0, f"{what}: verify --deep finds it whole")
