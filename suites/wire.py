"""`write` is killed with -9 at random moments while the wire to the store breaks: resets, delays, cut and lost answers,
requests delivered twice or once more later. In the end what it had called durable is in the bucket, once, in order.

S3_JOURNAL_SUITES_KILLS sets the number of kills (30, or 500 with --large).
"""

import os
import time

import decoders
from checks import check, equal, note
from kill import complaints
from oracle import Lines, Oracle, check_closed, notices
from program import Program, Writer
from proxy import Proxy
from suite import Suite

MIB = 1 << 20
# Part and object sizes, so that kills and faults fall into single puts and into uploads in parts.
SHAPES = (
    ("--max-object-size", MIB // 2, "--part-size", 5 * MIB, "--max-object-age", "200ms"),
    ("--max-object-size", 2 * MIB, "--part-size", 5 * MIB, "--max-object-age", "1s"),
    ("--max-object-size", 12 * MIB, "--part-size", 5 * MIB, "--max-object-age", "2s"),
    ("--max-object-size", 30 * MIB, "--part-size", 5 * MIB, "--max-object-age", "5m"),
)
COMPRESSORS = ("none", "none", "gzip", "zstd")
# What requests meet, by run: from a wire that is merely bad to one that hardly works.
FAULT_RATES = (0.1, 0.3, 0.6)
# About 40 MB of real text.
LINES_MAX = 180_000
KILLED_AFTER_SECONDS_MAX = 6.0


def run(suite: Suite) -> None:
    decoders.install_programs()
    suite.server.start()
    kills = int(os.environ.get("S3_JOURNAL_SUITES_KILLS") or suite.size(30, 500))
    lines = Lines()
    notices(lines)
    with Proxy(suite.server.ports["s3.port"], f"wire {suite.random.random()}") as proxy:
        program = Program(suite.path, {**suite.server.environment(), "AWS_ENDPOINT_URL": proxy.endpoint})
        started = time.monotonic()
        from_standard_input(suite, proxy, program, lines, kills - kills // 2)
        from_a_file(suite, proxy, program, lines, kills // 2)
        hours = (time.monotonic() - started) / 3600
        note(f"{kills} kills, {kills / hours:.0f} an hour; {proxy.told()}")
        for operation in ("PutObject", "UploadPart", "CompleteMultipartUpload"):
            faults = {fault: times for (name, fault), times in sorted(proxy.met.items()) if name == operation}
            note(f"{operation}: {faults or 'no faults'}")
        check(sum(proxy.met.values()) >= kills / 3, "the wire broke now and then", proxy.told())


def from_standard_input(suite: Suite, proxy: Proxy, program: Program, lines: Lines, kills: int) -> None:
    """Each run is fed lines of its own."""
    what, bucket, oracle = "wire, standard input", suite.bucket("wire-stdin"), Oracle(lines)
    to = ("--to", bucket.url, "--local-directory", suite.directory / "queue-stdin", "--id", "wire")
    for _ in range(kills):
        count = suite.random.randrange(1, LINES_MAX)
        number = oracle.begin(count)
        proxy.fault_rate = suite.random.choice(FAULT_RATES)
        with program.start_write(*to, *shape(suite)) as writer:
            writer.feed(lines.blocks(number, count), close=False)
            kill_at_some_moment(suite, writer, f"{what}, kill {number + 1}")
        oracle.end(number, writer.durable, writer.uploaded)
    drained(proxy, program, to, what)
    oracle.check(bucket, suite.directory / "objects", what)
    finished(program, bucket, what)


def from_a_file(suite: Suite, proxy: Proxy, program: Program, lines: Lines, kills: int) -> None:
    """A file that grows from run to run, and that the program goes on with by itself."""
    what, bucket, oracle = "wire, file", suite.bucket("wire-file"), Oracle(lines)
    file = suite.directory / "lines"
    to = ("--to", bucket.url, "--local-directory", suite.directory / "queue-file", "--id", "wire")
    for _ in range(kills):
        count = suite.random.randrange(1, LINES_MAX)
        number = oracle.begin(count)
        with open(file, "ab") as growing:
            growing.writelines(lines.blocks(number, count))
        proxy.fault_rate = suite.random.choice(FAULT_RATES)
        # After the file standard input is read, which is held open: the program doesn't end by itself.
        with program.start_write(*to, *shape(suite), file, "-") as writer:
            kill_at_some_moment(suite, writer, f"{what}, kill {number + 1}")
        oracle.end(number, writer.durable, writer.uploaded)
    drained(proxy, program, (*to, file), what)
    oracle.check(bucket, suite.directory / "objects", what, all_of_file=True)
    finished(program, bucket, what)


def shape(suite: Suite) -> tuple:
    return (*suite.random.choice(SHAPES), "--compressor", suite.random.choice(COMPRESSORS))


def kill_at_some_moment(suite: Suite, writer: Writer, what: str) -> None:
    """Kills after a random time; shorter ones are more likely, because more happens in them."""
    ended = writer.ends_within(suite.random.random() ** 1.5 * KILLED_AFTER_SECONDS_MAX)
    check(not ended, f"{what}: it runs until it is killed", writer.stderr)
    writer.kill()


def drained(proxy: Proxy, program: Program, arguments: tuple, what: str) -> None:
    """The last run, on a whole wire."""
    proxy.settle()
    done = program.run("write", *arguments)
    equal((done.returncode, complaints(done.stderr)), (0, []), f"{what}: on a whole wire the last run ends well")


def finished(program: Program, bucket, what: str) -> None:
    check_closed(bucket, what)
    verified = program.run("verify", "--deep", "--to", bucket.url)
    equal(verified.returncode, 0, f"{what}: verify --deep finds it whole")
