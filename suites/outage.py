"""The store is down while lines are written: memory stays flat, everything waits on disk, and arrives by itself."""

import itertools
import time

import text
from bucket import Bucket
from checks import check, equal, note
from program import Program, lines_said
from suite import Suite

MIB = 1 << 20
MEMORY_BYTES_MAX = 96 * MIB
# Bytes of one of the numbered lines, on average, for choosing how many make a size.
LINE_BYTES = 112


def run(suite: Suite) -> None:
    # Where the store will answer is settled; that it has never been there makes no difference.
    suite.server.choose_ports()
    down_from_the_start(suite)
    killed_in_the_middle(suite)
    close_timeout(suite)


def down_from_the_start(suite: Suite) -> None:
    what = "down from the start"
    lines = suite.size(50, 1_000) * 1_000_000 // LINE_BYTES
    program, bucket = suite.program(), None
    to = ["--to", f"s3://{suite.server.bucket}/outage", "--local-directory", suite.directory / "queue-outage"]
    # Objects end by age, too, so that all can be uploaded while the program still waits for input.
    options = ["--max-object-size", 16 * MIB, "--part-size", 5 * MIB, "--max-object-age", "1s"]
    started = time.monotonic()
    with program.start_write(*to, *options) as writer:
        writer.feed(text.blocks(0, lines), close=False)
        arrived = writer.wait_for(lambda: writer.durable == lines, f"{what}: all is durable")
        check(arrived, f"{what}: all {writer.fed} bytes in {lines} lines are durable", writer.stderr)
        equal(writer.uploaded, 0, f"{what}: nothing is told uploaded")
        check_memory(writer.peak_bytes(), f"{what}: memory while all waits on disk")
        said = writer.wait_for(lambda: "the store takes nothing" in writer.stderr, f"{what}: it is told")
        check(said, f"{what}: it is told on standard error")
        minutes = (time.monotonic() - started) // 60
        check(len(lines_said(writer.stderr)) <= 1 + minutes, f"{what}: in one line a minute at most", writer.stderr)
        suite.server.start()
        bucket = suite.bucket("outage")
        arrived = writer.wait_for(lambda: writer.uploaded == lines, f"{what}: all is uploaded")
        check(arrived, f"{what}: all is uploaded once the store is up, by itself", writer.stderr)
        check_memory(writer.peak_bytes(), f"{what}: memory after all was uploaded")
        writer.close_input()
        equal(writer.wait(), 0, f"{what}: write ends well")
    check_whole(suite, bucket, program, lines, what)


def killed_in_the_middle(suite: Suite) -> None:
    what = "store killed in the middle"
    program, bucket = suite.program(), suite.bucket("killed")
    kills = suite.size(2, 6)
    # An upload is begun when it has two parts: each half of a step is more than that.
    half = 12_000_000 // LINE_BYTES
    to = ["--to", bucket.url, "--local-directory", suite.directory / "queue-killed"]
    with program.start_write(*to, "--max-object-size", 16 * MIB, "--part-size", 5 * MIB) as writer:
        for number in range(kills):
            each = f"{what}, time {number + 1}"
            start, middle, end = (half * step for step in (2 * number, 2 * number + 1, 2 * number + 2))
            before = bucket.arrived_bytes()
            writer.feed(text.blocks(start, middle), close=False)
            # Killed at the first sign of a new part or object: others are still on their way.
            under_way = writer.wait_for(lambda before=before: bucket.arrived_bytes() > before, f"{each}: under way")
            check(under_way, f"{each}: parts or objects are going up", writer.stderr)
            suite.server.kill()
            writer.feed(text.blocks(middle, end), close=False)
            durable = writer.wait_for(lambda end=end: writer.durable == end, f"{each}: durable")
            check(durable, f"{each}: lines become durable while it is down", writer.stderr)
            suite.server.start()
        lines = 2 * kills * half
        writer.close_input()
        equal(writer.wait(), 0, f"{what}: write ends well")
        equal(writer.uploaded, lines, f"{what}: all is told uploaded")
    check_whole(suite, bucket, program, lines, what)


def close_timeout(suite: Suite) -> None:
    what = "close timeout"
    program, bucket = suite.program(), suite.bucket("timeout")
    queue = suite.directory / "queue-timeout"
    command = ["write", "--to", bucket.url, "--local-directory", queue]
    lines = 20_000
    suite.server.kill()
    left = program.run(*command, "--close-timeout", "1s", stdin=b"".join(text.blocks(0, lines)))
    equal(left.returncode, 75, f"{what}: with the store down write ends with 75")
    check_last_word(left.stderr, queue, lines, what)
    equal(program.status(queue)["pending_entries"], lines, f"{what}: status tells what waits")
    suite.server.start()
    drained = program.run(*command)
    equal((drained.returncode, lines_said(drained.stderr)), (0, []), f"{what}: the same command without input delivers it")
    equal(program.status(queue)["pending_entries"], 0, f"{what}: nothing waits any more")
    check_whole(suite, bucket, program, lines, what)


def check_last_word(stderr: str, queue, lines: int, what: str) -> None:
    """The last line says how much waits where, and what to do."""
    last = (stderr.splitlines() or [""])[-1]
    wanted = (f"{lines:,} entries wait", str(queue), "run the same command again")
    check(
        all(words in last for words in wanted), f"{what}: the last line says what waits where, and what to do", stderr
    )


def check_memory(peak_bytes: int, what: str) -> None:
    note(f"{what}: at most {peak_bytes / MIB:.1f} MiB")
    check(peak_bytes < MEMORY_BYTES_MAX, f"{what} stays below {MEMORY_BYTES_MAX // MIB} MiB", peak_bytes)


def check_whole(suite: Suite, bucket: Bucket, program: Program, lines: int, what: str) -> None:
    """Every line once, in order, as read by boto3 and by the program; nothing left open."""
    bucket.check_row(what)
    _, problem = text.difference(bucket.read(), lines)
    check(not problem, f"{what}: all {lines} lines are in the bucket, once, in order", problem)
    out = suite.directory / "cat"
    cat = program.run("cat", "--to", bucket.url, out=out)
    equal(cat.returncode, 0, f"{what}: cat ends well")
    with open(out, "rb") as file:
        _, problem = text.difference(itertools.chain(iter(lambda: file.read(MIB), b"")), lines)
    out.unlink()
    check(not problem, f"{what}: cat gives them back", problem)
    equal(program.run("verify", "--deep", "--to", bucket.url).returncode, 0, f"{what}: verify --deep finds it whole")
